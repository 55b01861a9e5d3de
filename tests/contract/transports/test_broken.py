"""Broken responses: a reply that says so, one request at the server, and no retry."""

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers, once
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import Request

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

BROKEN = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Len",
    "a head without its end": b"HTTP/1.1 200 OK\r\nX-One: 1\r\n",
    "an interim response only": b"HTTP/1.1 100 Continue\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHe",
    "chunks without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n",
    "half the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\n",
    "a chunk size that is no number": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nHello\r\n",
    "a length that is no number": b"HTTP/1.1 200 OK\r\nContent-Length: six\r\n\r\nHello!",
    "a length below zero": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nHello!",
    "two different lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\nHello!!",
    "a header line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "an endless header line": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000,
    "headers without number": b"HTTP/1.1 200 OK\r\n" + b"X-More: 1\r\n" * 5_000 + b"\r\n",
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_response_is_a_protocol_error_and_not_asked_for_again(caller, serve, case, method):
    server = serve(once(BROKEN[case]), answers(FINE))
    caller.open(plan_for(server.url))

    assert caller.send(Request(method=method, url=server.url)).outcome is Outcome.PROTOCOL_ERROR
    assert len(server.received) == 1, "the server saw one request"
    assert caller.send(Request(method=method, url=server.url)) == Reply(Outcome.OK, 200, 2)
    assert [each.connection for each in server.received] == [0, 1]
    assert caller.stats.connections_lost == 0, "the connection was new"


RESETS = {
    "before any byte": b"",
    "inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "inside the body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "inside a body without length": b"HTTP/1.1 200 OK\r\n\r\nhalf",
}


@pytest.mark.parametrize("where", RESETS)
def test_a_reset_is_a_protocol_error_and_not_asked_for_again(caller, serve, where):
    def script(peer):
        peer.read()
        peer.say(RESETS[where])
        peer.pause(0.05)
        peer.reset()

    server = serve(script, answers(FINE))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.PROTOCOL_ERROR
    assert len(server.received) == 1
    assert caller.send(Request(url=server.url)).outcome is Outcome.OK


SURPLUS = {
    "aiohttp": (Outcome.OK, "the first answer was whole; aiohttp drops the connection with the rest"),
    "wire": (
        Outcome.OK,
        "the first answer was whole; `stats.unexpected_bytes` counts the connection, which is closed",
    ),
    "requests": (Outcome.OK, "the first answer was whole; http.client looks no further"),
}
"""What to call bytes after the end of a response is each library's own; that they never pass for the
next response is not."""


def test_bytes_after_the_end_never_pass_for_the_next_response(caller, serve, kind):
    outcome, _reason = SURPLUS[kind.partition("-")[0]]
    smuggled = b"HTTP/1.1 503 Smuggled\r\nContent-Length: 0\r\n\r\n"

    def script(peer):
        peer.read()
        peer.say(FINE + smuggled)
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is outcome
    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, 200, 2)
    assert len(server.received) == 2
