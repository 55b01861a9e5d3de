"""Why a request has no answer: the same short sentence on every transport for the same cause."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import PATIENCE_S, answers, once
from loadlab.recording import reasons
from loadlab.recording.sample import Outcome
from loadlab.transports import refusals
from loadlab.transports.itself import is_to_itself
from loadlab.workload.plan import Request
from support.replies import reason_of

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

ANSWERS = {
    "nothing": (b"", reasons.CLOSED),
    "half a status line": (b"HTTP/1.1 2", reasons.CUT_OFF),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Len", reasons.CUT_OFF),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", reasons.CUT_OFF),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHe", reasons.CUT_OFF),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n", reasons.NOT_HTTP),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x0a", reasons.IS_TLS),
    "a head without end": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000, reasons.TOO_LONG),
    "a length that is no number": (
        b"HTTP/1.1 200 OK\r\nContent-Length: six\r\n\r\nHello!",
        reasons.BAD_LENGTH,
    ),
    "a chunk size that is no number": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nHello\r\n",
        reasons.BAD_CHUNK,
    ),
    "a header line without a colon": (
        b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
        reasons.BAD_HEADER,
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_is_wrong_with_an_answer(caller, serve, case):
    answer, reason = ANSWERS[case]
    server = serve(once(answer))
    caller.open(plan_for(server.url))

    reply = caller.send(Request(url=server.url))

    assert (reply.outcome, reason_of(reply)) == (Outcome.PROTOCOL_ERROR, reason)


RESETS = {
    b"": reasons.RESET,
    b"HTTP/1.1 200 OK\r\nContent-Le": reasons.CUT_OFF_BY_RESET,
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf": reasons.CUT_OFF_BY_RESET,
}


@pytest.mark.parametrize("said", RESETS, ids=["before any byte", "in the head", "in the body"])
def test_a_reset_is_told_from_an_end(caller, serve, said):
    def script(peer):
        peer.read()
        peer.say(said)
        peer.pause(0.1)
        peer.reset()

    server = serve(script)
    caller.open(plan_for(server.url))

    assert reason_of(caller.send(Request(url=server.url))) == RESETS[said]


@pytest.mark.parametrize("rudely", [False, True], ids=["with FIN", "with RST"])
def test_a_kept_connection_that_closes_before_any_byte_of_an_answer_has_a_reason_of_its_own(
    caller, serve, rudely
):
    def script(peer):
        peer.read()
        peer.say(FINE)
        peer.read()
        if rudely:
            peer.reset()

    server = serve(script, answers(FINE))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert [reason_of(reply) for reply in replies] == ["", reasons.CLOSED_WHILE_KEPT, ""]
    assert (caller.stats.connections_lost, caller.stats.lost_unheard) == (1, 1)
    assert caller.stats.closed.peer == 1


def test_a_request_that_runs_out_of_time_says_whether_it_had_a_connection(caller, serve):
    silent = serve(lambda peer: peer.wait_for_end())
    caller.open(plan_for(silent.url, timeout_s=0.3))

    reply = caller.send(Request(url=silent.url))

    assert (reply.outcome, reason_of(reply)) == (Outcome.TIMEOUT, reasons.NO_ANSWER)
    assert caller.stats.closed.time_limit == 1
    assert caller.stats.closed.peer == 0


def test_a_handshake_that_nobody_answers_is_no_connection_in_time(caller, serve):
    url = serve(lambda peer: peer.wait_for_end()).url.replace("http:", "https:")
    caller.open(plan_for(url, timeout_s=2, connect_timeout_s=0.3))

    reply = caller.send(Request(url=url))

    assert (reply.outcome, reason_of(reply)) == (Outcome.TIMEOUT, reasons.NO_CONNECTION)
    assert caller.stats.closed.time_limit == 0, "there was none to close"


def test_a_closed_port_refuses(caller):
    with socket.socket() as taken:  # bound, but it does not listen
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        caller.open(plan_for(url))

        assert reason_of(caller.send(Request(url=url))) == "connection refused"


def test_a_certificate_that_nobody_trusts(caller, serve, tls):
    server = serve(answers(FINE), tls=tls)
    caller.open(plan_for(server.url))

    assert reason_of(caller.send(Request(url=server.url))) == "certificate of an unknown issuer"


def test_a_certificate_for_another_address(caller, serve, tls, trusted):
    server = serve(answers(FINE), tls=tls, host="127.0.0.2")
    caller.open(plan_for(server.url))

    assert reason_of(caller.send(Request(url=server.url))) == "certificate for another address"


def test_a_port_that_speaks_no_tls(caller, serve):
    def script(peer):
        peer.sock.recv(1 << 16)
        peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    url = serve(script).url.replace("http:", "https:")
    caller.open(plan_for(url))

    assert reason_of(caller.send(Request(url=url))) == refusals.NO_TLS


def test_a_handshake_that_is_cut_off(caller, serve):
    url = serve(lambda peer: peer.sock.recv(1)).url.replace("http:", "https:")
    caller.open(plan_for(url))

    assert reason_of(caller.send(Request(url=url))) == refusals.TLS_CUT_OFF


def test_a_socket_that_is_both_ends_of_its_connection_is_found_and_leaves_its_port_free():
    with socket.socket() as both:
        both.bind(("127.0.0.1", 0))
        both.connect(both.getsockname())
        assert is_to_itself(both)
        port = both.getsockname()[1]
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass


def test_a_socket_with_another_one_at_its_other_end_is_none(serve):
    server = serve(answers(FINE))
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as one:
        assert not is_to_itself(one)


def test_no_keep_alive_gives_each_request_a_connection_and_says_so(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url, keep_alive=False))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert [reply.outcome for reply in replies] == [Outcome.OK] * 3
    assert [each.connection for each in server.received] == [0, 1, 2]
    assert [each.named("Connection") for each in server.received] == [["close"]] * 3
    assert (caller.stats.closed.not_kept, caller.stats.closed.peer) == (3, 0)


def test_a_header_that_closes_the_connection_does_the_same(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    request = Request(url=server.url, headers=(("Connection", "close"),))

    for _ in range(2):
        assert caller.send(request).outcome is Outcome.OK

    assert [each.connection for each in server.received] == [0, 1]
    assert [each.named("Connection") for each in server.received] == [["close"]] * 2
    assert caller.stats.closed.not_kept == 2


def test_a_server_that_says_that_it_closes_is_who_closed(caller, serve):
    server = serve(once(FINE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.OK
    assert (caller.stats.closed.peer, caller.stats.closed.not_kept) == (1, 0)


def test_an_idle_connection_is_closed_at_the_plans_limit_and_by_the_client(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url, idle_limit_ns=100_000_000))
    first = caller.send(Request(url=server.url))
    server.over.wait(0.3)
    second = caller.send(Request(url=server.url))

    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.OK)
    assert [each.connection for each in server.received] == [0, 1]
    assert server.ended.acquire(timeout=PATIENCE_S)
    assert (caller.stats.closed.idle_limit, caller.stats.closed.peer) == (1, 0)


def test_an_answer_that_is_none_is_closed_by_the_client(caller, serve):
    def script(peer):
        peer.read()
        peer.say(b"SSH-2.0-OpenSSH_9.2\r\n")
        peer.wait_for_end()

    server = serve(script)
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.PROTOCOL_ERROR
    assert (caller.stats.closed.protocol_error, caller.stats.closed.peer) == (1, 0)


def test_where_users_pause_a_connection_that_answered_just_now_is_left_to_its_user(async_caller, serve):
    server = serve(answers(FINE))
    async_caller.open(plan_for(server.url, think_ns=1_000_000_000))

    for _ in range(2):
        assert async_caller.send(Request(url=server.url)).outcome is Outcome.OK
    server.over.wait(0.1)
    assert async_caller.send(Request(url=server.url)).outcome is Outcome.OK

    assert [each.connection for each in server.received] == [0, 1, 0], (
        "the one that paused longest goes first"
    )


def test_a_loop_that_has_not_heard_of_an_idle_connections_end_does_not_use_it(async_caller, serve):
    """A loop that is late looks at its timers first, and would send before it reads the end."""

    def script(peer):
        peer.read()
        peer.say(FINE)
        peer.pause(0.05)

    server = serve(script, answers(FINE))
    async_caller.open(plan_for(server.url))
    transport = async_caller.transport
    prepared = async_caller.prepared(Request(url=server.url))

    async def twice():
        first = await transport.send(prepared)
        time.sleep(0.2)  # noqa: ASYNC251 - the loop is held on purpose
        return first, await transport.send(prepared)

    replies = async_caller.start(twice()).result(PATIENCE_S)

    assert [reply.outcome for reply in replies] == [Outcome.OK] * 2
    assert (async_caller.stats.closed.peer, async_caller.stats.connections_lost) == (1, 0)
