"""A user's own connections, and what its answers hold."""

import time

import pytest

from contract.transports.callers import ASYNC, plan_for
from contract.transports.scripted import PATIENCE_S, answers, once
from loadlab.clock import NS_PER_MS
from loadlab.recording.sample import Outcome
from loadlab.transports.content import Message

HEAD = b"HTTP/1.1 200 OK\r\nX-One: 1\r\nSet-Cookie: a=b\r\n"
FINE = HEAD + b"Content-Length: 5\r\n\r\nhello"
GET = Message("GET", "/", (("Host", "h"),), b"", closes=False)


@pytest.fixture(params=[name for name in ASYNC if name.endswith("-session")])
def user(request):
    made = ASYNC[request.param]()
    yield made
    made.close()
    made.stop()


def exchanged(user, server, *messages):
    """What one user gets, one request after another."""

    async def act():
        session = user.transport.session(server.url)
        replies = [await session.exchange(message) for message in messages]
        await session.close()
        return replies

    user.open(plan_for(server.url))
    return user.start(act()).result(PATIENCE_S)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
        (HEAD + b"Connection: close\r\n\r\nhello", b"hello"),
        (
            b"HTTP/1.1 103 Early Hints\r\nX-One: early\r\n\r\n" + HEAD + b"Content-Length: 5\r\n\r\nhello",
            b"hello",
        ),
    ],
    ids=["length", "chunked", "until_its_end", "behind_an_interim_answer"],
)
@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_an_answer_s_headers_and_body_are_there_however_it_came(user, serve, answer, body, piece):
    def script(peer):
        peer.read()
        for at in range(0, len(answer), piece):
            peer.say(answer[at : at + piece])

    [(reply, content)] = exchanged(user, serve(script), GET)

    assert reply.outcome is Outcome.OK
    assert content.body == body
    assert content.headers["x-one"] == "1"
    assert content.headers.all("set-cookie") == ("a=b",)


def test_each_answer_is_its_own(user, serve):
    def script(peer):
        for body in (b"first", b"other", b"first"):
            peer.read()
            peer.say(HEAD + b"Content-Length: 5\r\n\r\n" + body)

    server = serve(script)

    replies = exchanged(user, server, GET, GET, GET)

    assert [content.body for _, content in replies] == [b"first", b"other", b"first"]


def test_a_request_goes_out_as_it_was_made(user, serve):
    server = serve(answers(FINE))
    lines = (("Host", "h"), ("X-A", "é"), ("Content-Length", "2"))

    exchanged(user, server, Message("PUT", "/a%20b?c=&d", lines, b"hi", closes=False))

    [received] = server.received
    assert (received.method, received.target) == ("PUT", "/a%20b?c=&d")
    assert "X-A: é".encode() in received.head
    assert received.body == b"hi"


def test_an_answer_to_head_has_no_body(user, serve):
    server = serve(answers(HEAD + b"Content-Length: 5\r\n\r\n"))

    [(reply, content), _] = exchanged(user, server, GET._replace(method="HEAD"), GET._replace(method="HEAD"))

    assert (reply.outcome, content.body, content.headers["content-length"]) == (Outcome.OK, b"", "5")


def test_without_a_whole_answer_there_is_no_content(user, serve):
    server = serve(once(HEAD + b"Content-Length: 5\r\n\r\nhe"))

    [(reply, content)] = exchanged(user, server, GET)

    assert (reply.outcome, content) == (Outcome.PROTOCOL_ERROR, None)


def test_the_first_byte_is_timed_apart_from_the_last(user, serve):
    def script(peer):
        peer.read()
        peer.say(HEAD + b"Content-Length: 5\r\n\r\n")
        time.sleep(0.2)
        peer.say(b"hello")

    begun = time.monotonic_ns()
    [(_, content)] = exchanged(user, serve(script), GET)
    took_ns = time.monotonic_ns() - begun

    assert 0 < content.first_byte_ns <= took_ns - 200 * NS_PER_MS


def test_users_share_no_connection_and_each_keeps_its_own(user, serve):
    server = serve(answers(FINE))

    async def act():
        users = [user.transport.session(server.url) for _ in range(2)]
        for _ in range(2):
            for each in users:
                await each.exchange(GET)

    user.open(plan_for(server.url))
    user.start(act()).result(PATIENCE_S)

    assert [each.connection for each in server.received] == [0, 1, 0, 1]
