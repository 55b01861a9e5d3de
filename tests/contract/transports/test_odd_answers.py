"""Answers that bend or break HTTP/1.1: every transport comes to the same outcome, by RFC 9112's grammar."""

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers, once
from loadlab.recording.reasons import text_of
from loadlab.recording.sample import Outcome
from loadlab.workload.plan import Request

OK, BROKEN, OTHER = Outcome.OK, Outcome.PROTOCOL_ERROR, Outcome.HTTP_ERROR
R200 = b"HTTP/1.1 200 OK\r\n"
CHUNKED = R200 + b"Transfer-Encoding: chunked\r\n\r\n"
FINE = R200 + b"Content-Length: 2\r\n\r\nok"


def of_length(value):
    return R200 + b"Content-Length: " + value + b"\r\n\r\nok"


def in_chunks(*lines):
    return CHUNKED + b"".join(line + b"\r\n" for line in lines)


KEPT = {
    "204 with a body": (b"HTTP/1.1 204 No Content\r\n\r\nhello", OK),
    "304 with a length and a body": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", OK),
    "a length that is too short": (R200 + b"Content-Length: 2\r\n\r\nhello", OK),
    "two different lengths": (R200 + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", BROKEN),
    "a length with a sign": (of_length(b"+2"), BROKEN),
    "a length below zero": (of_length(b"-2"), BROKEN),
    "a length in hexadecimal": (of_length(b"0x2"), BROKEN),
    "a length with a fraction": (of_length(b"2.0"), BROKEN),
    "a length with an underscore": (of_length(b"0_2"), BROKEN),
    "a length of 30 digits": (of_length(b"9" * 30), BROKEN),
    "chunked twice": (R200 + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", BROKEN),
    "a coding that nobody offered": (R200 + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", BROKEN),
    "a chunk's size that is no number": (in_chunks(b"zz", b"ok", b"0", b""), BROKEN),
    "a chunk's size below zero": (in_chunks(b"-5", b"ok", b"0", b""), BROKEN),
    "a chunk's size of -1": (in_chunks(b"-1", b"ok", b"0", b""), BROKEN),
    "a chunk's size with a sign": (in_chunks(b"+2", b"ok", b"0", b""), BROKEN),
    "a chunk's size with 0x": (in_chunks(b"0x2", b"ok", b"0", b""), BROKEN),
    "a chunk's size with an underscore": (in_chunks(b"0_2", b"ok", b"0", b""), BROKEN),
    "an empty chunk size": (in_chunks(b"", b"ok", b"0", b""), BROKEN),
    "a chunk that is longer than its size": (in_chunks(b"2", b"okay", b"0", b""), BROKEN),
    "a chunk that is shorter than its size": (in_chunks(b"5", b"ok", b"0", b""), BROKEN),
    "a chunk extension": (in_chunks(b"2;a=b", b"ok", b"0", b""), OK),
    "a chunk's size with zeros before": (in_chunks(b"0002", b"ok", b"000", b""), OK),
    "a trailer": (in_chunks(b"2", b"ok", b"0", b"X-Sum: 1", b""), OK),
    "HTTP/1.0 that keeps": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", OK),
    "names in small letters": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", OK),
    "names in capitals": (R200 + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n", OK),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", OK),
    "a reason in UTF-8": (b"HTTP/1.1 200 Sch\xc3\xb6n\r\nContent-Length: 2\r\n\r\nok", OK),
    "a status of two digits": (b"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", BROKEN),
    "a status beyond 599": (b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok", OTHER),
    "three early hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3 + FINE, OK),
    "a header of 20 kB": (R200 + b"X: " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nok", OK),
    "200 headers": (R200 + b"X: 1\r\n" * 200 + b"Content-Length: 2\r\n\r\nok", OK),
    "a head without measure": (R200 + b"X: " + b"a" * 70_000 + b"\r\nContent-Length: 2\r\n\r\nok", BROKEN),
    "lines that end without CR": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", BROKEN),
    "a blank before the colon": (R200 + b"Content-Length : 2\r\n\r\nok", BROKEN),
    "a header without a colon": (R200 + b"Nonsense\r\nContent-Length: 2\r\n\r\nok", BROKEN),
    "two answers at once": (FINE + FINE, OK),
    "a length and chunks": (
        R200 + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BROKEN,
    ),
    "a folded line": (R200 + b"X-Long: a\r\n b\r\nContent-Length: 2\r\n\r\nok", OK),
    "the same length twice": (R200 + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", BROKEN),
    "the same length twice in a line": (of_length(b"2, 2"), BROKEN),
}
CLOSED = {
    "a length that is too long": (R200 + b"Content-Length: 10\r\n\r\nhello", BROKEN),
    "an empty length": (R200 + b"Content-Length:\r\n\r\nok", BROKEN),
    "identity as a coding": (R200 + b"Transfer-Encoding: identity\r\n\r\nok", BROKEN),
    "chunks that are cut off": (in_chunks(b"2", b"ok"), BROKEN),
    "a chunk that is cut off": (CHUNKED + b"5\r\nok", BROKEN),
    "HTTP/1.0 that closes": (b"HTTP/1.0 200 OK\r\n\r\nhello", OK),
    "a body until the end": (R200 + b"\r\nhello", OK),
    "an upgrade that nobody asked for": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        BROKEN,
    ),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", BROKEN),
    "HTTP/0.9": (b"hello", BROKEN),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", BROKEN),
    "nothing": (b"", BROKEN),
}
ODD = {f"{name}, kept": (answers(data), outcome) for name, (data, outcome) in KEPT.items()}
ODD |= {f"{name}, closed": (once(data), outcome) for name, (data, outcome) in CLOSED.items()}
DIFFERENT = {
    ("aiohttp", "204 with a body"): BROKEN,
    ("aiohttp", "304 with a length and a body"): BROKEN,
    ("aiohttp", "a length that is too short"): BROKEN,
    ("aiohttp", "lines that end without CR"): OK,
    ("aiohttp", "a blank before the colon"): OK,
}
"""Where a library decides otherwise, and can't be kept from it: docs/method.md lists them."""


@pytest.mark.parametrize("case", ODD)
def test_an_odd_answer_has_the_same_outcome_on_every_transport(caller, kind, serve, case):
    script, outcome = ODD[case]
    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=1.5))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    expected = DIFFERENT.get((kind.partition("-")[0], case.rpartition(",")[0]), outcome)
    assert [reply.outcome for reply in replies] == [expected] * 3
    assert len(server.received) == 3, "nothing is sent twice"


RAISING = {
    "aiohttp": "aiohttp.ClientResponse.start",
    "requests": "requests.Session.send",
    "wire": "loadlab.transports.wire.reader.Reader.feed",
}


def test_what_is_raised_unforeseen_is_the_requests_failure_and_not_the_workers(
    caller, kind, serve, monkeypatch
):
    def raises(*_args, **_options):
        raise ArithmeticError("a fault of the library's own")

    name = kind.partition("-")[0]
    monkeypatch.setattr(RAISING[name], raises)
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(2)]

    assert [reply.outcome for reply in replies] == [BROKEN] * 2
    if name != "wire":  # whose loop closes the connection, and says why in its log
        assert text_of(replies[0].status) == "unexpected ArithmeticError: a fault of the library's own"
