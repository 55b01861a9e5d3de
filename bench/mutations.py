"""Responses of every framing, and random changes of them."""

import random

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: Mon, 23 Nov 2026 16:20:04 GMT\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SEEDS = [
    HEAD + b"Content-Length: 6\r\n\r\nHello!",
    HEAD + b"Content-Length: 0\r\n\r\n",
    HEAD + b"Content-Length: 2000\r\nConnection: keep-alive\r\n\r\n" + b"x" * 2000,
    HEAD + b"Connection: close\r\n\r\nas long as it lasts",
    CHUNKED + b"5\r\nHello\r\n6;a=b\r\n, all!\r\n0\r\n\r\n",
    CHUNKED + b'0005 ;q="z"\r\nHello\r\n0\r\nX-Sum: 1\r\nX-Two:\r\n folded\r\n\r\n',
    CHUNKED + b"1\r\nx\r\n" * 100 + b"0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
    + HEAD
    + b"Content-Length: 2\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\x00\x01",
    HEAD + b"X-Folded: a\r\n\tb\r\n  c\r\nContent-Length:\r\n 2\r\n\r\nok",
    HEAD + b"X-More: 1\r\n" * 250 + b"Content-Length: 2\r\n\r\nok",
]
PIECES = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"\x00", b"\x7f", b"\xff", b"0"),
    *(b"-", b"+", b"f" * 16, b"7" + b"f" * 15, b"18446744073709551615", b"9" * 20, b"0x10", b"1_0"),
    *(b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/2.0", b"0\r\n\r\n", b"5\r\nHello\r\n"),
    *(b"Content-Length: 3\r\n", b"Content-Length: -1\r\n", b"Connection: close\r\n", b"\r\n folded"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n"),
    *(b"A" * 5000, b"X: y\r\n" * 300, b"\r\n" * 2000),
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """One of the seeds, or two in a row, with up to six changes."""
    data = bytearray(rng.choice(SEEDS))
    if rng.random() < 0.1:
        data += rng.choice(SEEDS)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(5):
            case 0:
                data[at:at] = rng.choice(PIECES)
            case 1:
                del data[at : at + rng.choice((1, 1, 2, 5, 20, 200))]
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                data[at : at + rng.choice((1, 2, 4))] = rng.choice(PIECES)
            case 4:
                data[at:at] = data[rng.randrange(len(data) + 1) :][:50]
    return bytes(data)
