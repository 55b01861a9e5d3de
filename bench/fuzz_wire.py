"""Mutated responses for the `wire` transport: each ends in one reply, or waits for more, and leaves nothing.

Responses of every framing are mutated at random, cut at random, and fed to connections in memory, which
share what they learn as those of a run do. Ends with 1 where a stream crashed, had no reply or more than
one, was read otherwise when cut otherwise, took more than a second, or where memory grew.
"""

import argparse
import itertools
import random
import resource
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from unit.transports.wire.memory import Wire

SLOW_S = 1.0
MOST_GROWTH_KIB = 4096
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest_s = 0.0
    begun_s = time.monotonic()
    settled_kib = 0
    wires = [Wire(), Wire(bodiless=True), Wire(learns=False)]
    for number in range(given.count):
        if number == given.count // 5:  # by then everything that is kept once has been kept
            settled_kib = most_memory_kib()
        rng = random.Random(f"{given.seed}-{number}")
        data = mutated(rng)
        wire = rng.choice(wires)
        ends = rng.random() < 0.5
        at_s = time.process_time()
        try:
            cut = wire.exchange(pieces(rng, data), ends=ends)
            whole = wire.exchange([data], ends=ends)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is found
            sys.exit(f"stream {number}: {error!r}: {data!r}")
        if cut.reply != whole.reply:
            sys.exit(f"stream {number} is read otherwise when cut: {cut} {whole} {data!r}")
        took_s = time.process_time() - at_s  # of its own: what else the machine does is not the question
        slowest_s = max(slowest_s, took_s)
        if took_s > SLOW_S:
            sys.exit(f"stream {number} took {took_s:.1f} s: {data!r}")
        outcomes[whole.reply.outcome.key if whole.reply else "still waiting"] += 1
    growth_kib = most_memory_kib() - settled_kib
    took_s = time.monotonic() - begun_s
    print(f"{given.count:,} streams in {took_s:.0f} s, slowest {slowest_s * 1e3:.1f} ms: {dict(outcomes)}")
    print(f"memory: {growth_kib} KiB more at the end than after a fifth")
    if growth_kib > MOST_GROWTH_KIB:
        sys.exit("memory grew")


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


def pieces(rng: random.Random, data: bytes) -> list[bytes]:
    """Cut a stream as a socket might hand it over."""
    if rng.random() < 0.05:
        return [data[at : at + 1] for at in range(len(data))]
    edges = sorted({0, len(data), *(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def most_memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
