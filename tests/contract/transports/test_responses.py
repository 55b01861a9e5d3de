"""Complete responses: each is one request at the server and one truthful reply."""

import gzip

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers, once
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import Request, StatusRange

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GZIPPED = gzip.compress(b"x" * 10_000)

COMPLETE = {
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello!", 200, 6),
    "with an empty body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n6;x=y\r\n, all!\r\n0\r\n\r\n",
        200,
        11,
    ),
    "in chunks with a trailer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n0\r\nX-Sum: 1\r\n\r\n",
        200,
        5,
    ),
    "without a body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, 0),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n", 304, 0),
    "compressed, and not decoded": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(GZIPPED), GZIPPED),
        200,
        len(GZIPPED),
    ),
    "called compressed, but not": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        200,
        5,
    ),
    "after an early hint": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        200,
        2,
    ),
    "after 100 and 102": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + FINE,
        200,
        2,
    ),
}


@pytest.mark.parametrize("case", COMPLETE)
def test_a_response_is_ok_with_its_status_and_body_length(caller, serve, case):
    data, status, body_bytes = COMPLETE[case]
    server = serve(answers(data))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert replies == [Reply(Outcome.OK, status, body_bytes)] * 3
    assert [each.connection for each in server.received] == [0, 0, 0], "one connection, kept alive"
    assert caller.stats.connections_opened == 1
    assert caller.stats.connections_lost == 0


@pytest.mark.parametrize("cut", [1, 9, 17, 40, 60])
def test_a_response_may_come_in_pieces(caller, serve, cut):
    data, status, body_bytes = COMPLETE["in chunks"]
    server = serve(once(data[:cut], data[cut:], gap_s=0.02))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, status, body_bytes)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
def test_a_body_may_end_with_its_connection(caller, serve, head):
    server = serve(once(head, b"as long as ", b"it lasts", gap_s=0.01))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(2)]

    assert replies == [Reply(Outcome.OK, 200, 19)] * 2
    assert [each.connection for each in server.received] == [0, 1]
    assert caller.stats.connections_opened == 2
    assert caller.stats.connections_lost == 0


def test_a_connection_that_the_server_announces_to_close_is_not_used_again(caller, serve):
    server = serve(answers(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(2)]

    assert replies == [Reply(Outcome.OK, 200, 2)] * 2
    assert [each.connection for each in server.received] == [0, 1]


def test_the_answer_to_head_has_a_length_but_no_body(caller, serve):
    server = serve(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(method="HEAD", url=server.url)) for _ in range(2)]

    assert replies == [Reply(Outcome.OK, 200, 0)] * 2
    assert [(each.method, each.connection) for each in server.received] == [("HEAD", 0), ("HEAD", 0)]


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_status_that_was_not_expected_is_an_http_error(caller, serve, status):
    server = serve(answers(b"HTTP/1.1 %d Nope\r\nContent-Length: 4\r\n\r\nnope" % status))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.HTTP_ERROR, status, 4)
    assert len(server.received) == 1


def test_the_plan_says_which_status_is_expected(caller, serve):
    teapot = b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n"
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def script(peer):
        for response in (teapot, fine):
            peer.read()
            peer.say(response)

    server = serve(script)
    caller.open(plan_for(server.url, expect_status=(StatusRange(418, 418),)))

    assert caller.send(Request(url=server.url)).outcome is Outcome.OK
    assert caller.send(Request(url=server.url)).outcome is Outcome.HTTP_ERROR


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", [b"/elsewhere", b"http://127.0.0.1:1/", b"http://[broken", b"\xff"])
def test_a_redirect_is_an_answer_and_is_not_followed(caller, serve, status, location):
    server = serve(
        answers(b"HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 5\r\n\r\nthere" % (status, location))
    )
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, status, 5)
    assert [each.target for each in server.received] == ["/"]


def test_a_slow_answer_is_waited_for(caller, serve):
    def script(peer):
        peer.read()
        peer.pause(0.3)
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = serve(script)
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, 200, 2)


def redirecting(peer):
    """Answer with redirects to /to/1, /to/1, /to/2, /to/3 and so on."""
    for number in (1, 1, 2, 3, 4, 5):
        if peer.read():
            peer.say(b"HTTP/1.1 302 Found\r\nLocation: /to/%d\r\nContent-Length: 0\r\n\r\n" % number)
    peer.read()


def test_where_redirects_lead_is_kept_of_the_first_few_addresses(caller, serve):
    server = serve(redirecting)
    caller.open(plan_for(server.url))
    for _ in range(6):
        assert caller.send(Request(url=server.url)).status == 302
    caller.close()
    assert caller.stats.redirected_to == ["/to/1", "/to/2", "/to/3"]


def test_only_a_redirect_leads_somewhere(caller, serve):
    server = serve(answers(b"HTTP/1.1 201 Created\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"))
    caller.open(plan_for(server.url))
    assert caller.send(Request(url=server.url)).status == 201
    caller.close()
    assert caller.stats.redirected_to == []
