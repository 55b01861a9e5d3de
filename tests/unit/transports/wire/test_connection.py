"""A connection's life, in memory."""

import errno

import pytest

from loadlab.recording.sample import Outcome, Reply
from loadlab.system.resources import Resource
from loadlab.transports.refusals import TO_ITSELF
from loadlab.transports.wire.connection import NEVER, Connection, ResponseCache
from support.replies import BROKEN, NOT_CONNECTED, TIMED_OUT, Replies
from unit.transports.wire.memory import FakeSocket, Wire

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK = Reply(Outcome.OK, 200, 2)


def ask_again(wire: Wire, replies: list[Reply]) -> None:
    """What a transport does with an idle connection."""
    connection = wire.idle.pop()
    connection.replied = replies.append
    connection.asked = wire.asked
    connection.asked_ns = wire.wheel.now_ns


def test_the_answer_to_a_known_head_is_the_same_object_each_time():
    wire = Wire()
    connection, _, replies = wire.ask()
    for _ in range(3):
        connection.data_received(FINE)
        ask_again(wire, replies)
    assert replies == [OK] * 3
    assert replies[1] is replies[2], "looked up, and nothing was made"


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize(
    ("second", "reply", "surplus"),
    [
        (FINE, OK, 0),
        (FINE[:-1], None, 0),
        (FINE[:-2], None, 0),
        (FINE[:-3], None, 0),
        (FINE + b"!", OK, 1),
        (FINE + FINE, OK, 1),
        (FINE.replace(b"200", b"404"), Reply(Outcome.OK, 404, 2), 0),
        (FINE.replace(b"OK", b"ok"), OK, 0),
        (FINE.replace(b"2\r", b"3\r") + b"k", Reply(Outcome.OK, 200, 3), 0),
        (FINE.replace(b"2\r", b"x\r"), BROKEN, 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n" + b"x" * 13, Reply(Outcome.OK, 200, 13), 0),
    ],
)
def test_a_known_head_changes_nothing_about_the_next_response(learns, second, reply, surplus):
    wire = Wire(learns=learns)
    connection, socket, replies = wire.ask()
    connection.data_received(FINE)
    ask_again(wire, replies)
    connection.data_received(second)
    assert replies == [OK] + ([] if reply is None else [reply])
    assert wire.stats.unexpected_bytes == surplus
    assert socket.is_closed == (surplus > 0 or reply is BROKEN)
    assert wire.stats.connections_lost == (reply is BROKEN)


def test_what_is_known_of_answers_to_get_does_not_hold_for_head():
    get, head = Wire(), Wire(bodiless=True)
    assert get.exchange([FINE]).reply == OK
    assert head.exchange([FINE[:-2]]).reply == Reply(Outcome.OK, 200, 0)
    assert head.exchange([FINE]) == (Reply(Outcome.OK, 200, 0), False, 1)


def test_heads_that_are_all_different_are_not_all_kept():
    wire = Wire()
    for number in range(2000):
        wire.exchange([b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 2\r\n\r\nok" % number])
    assert 0 < len(wire.asked.known) <= 128


def test_long_heads_are_not_kept():
    known = ResponseCache()
    known.learn(b"x" * 5000, 5002, OK)
    assert len(known) == 0


@pytest.mark.parametrize(("body_bytes", "is_kept"), [(100, True), (5000, False)])
def test_a_response_that_is_the_last_one_again_is_known_as_it_stands_unless_it_is_long(body_bytes, is_kept):
    known, head = ResponseCache(), b"HTTP/1.1 200 OK\r\n\r\n"
    known.learn(head, len(head) + body_bytes, OK)
    for body in (b"a" * body_bytes, b"b" * body_bytes):
        assert known.reply_to(head + body) is OK
        assert (known.last == head + body) is is_kept
    assert known.reply_to(head + b"c") is None
    assert (known.last == head + b"b" * body_bytes) is is_kept, "half a response is not kept"


def test_bytes_on_an_idle_connection_close_it():
    wire = Wire()
    connection, socket, replies = wire.ask()
    connection.data_received(FINE)
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    connection.data_received(b"and more")
    assert (replies, socket.is_closed, wire.stats.unexpected_bytes) == ([OK], True, 1)
    assert connection.idle_since_ns == NEVER, "it is not used again"


def test_an_answer_before_the_end_of_its_request_closes_the_connection():
    wire = Wire(learns=False)
    connection, socket, replies = wire.ask()
    socket.unwritten_bytes = 1
    connection.data_received(FINE)
    assert (replies, socket.is_closed) == ([OK], True)


def test_a_request_that_closes_its_connection_does_not_leave_it_idle():
    wire = Wire(learns=False)
    wire.asked.keeps = False
    connection, socket, replies = wire.ask()
    connection.data_received(FINE)
    assert (replies, socket.is_closed, len(wire.idle)) == ([OK], True, 0)


def test_a_new_connection_that_breaks_is_not_a_lost_one_but_a_kept_one_is():
    wire = Wire()
    connection, _, replies = wire.ask()
    connection.eof_received()
    assert (replies, wire.stats.connections_lost) == ([BROKEN], 0)
    connection, _, replies = wire.ask()
    connection.data_received(FINE)
    ask_again(wire, replies)
    connection.connection_lost(ConnectionResetError())
    assert (replies, wire.stats.connections_lost) == ([OK, BROKEN], 1)


def test_a_reset_is_not_the_end_of_a_body_without_length():
    wire = Wire()
    connection, _, replies = wire.ask()
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    connection.connection_lost(ConnectionResetError())
    assert replies == [BROKEN]


def test_a_request_runs_out_of_time_at_its_limit_and_not_before():
    wire = Wire(limit_ns=1000)
    connection, socket, replies = wire.ask()
    assert connection.look(999) == 1000
    assert replies == []
    assert connection.look(1000) is None
    assert (replies, socket.is_closed) == ([TIMED_OUT], True)


def test_a_connection_is_looked_at_as_long_as_it_is_open():
    wire = Wire(limit_ns=1000)
    connection, _, replies = wire.ask()
    connection.data_received(FINE)
    assert connection.look(1000) == 2000, "idle"
    wire.wheel.now_ns = 1500
    ask_again(wire, replies)
    assert connection.look(2000) == 2500, "asked again, with a limit of its own"
    connection.drop()
    connection.replied = None
    assert connection.look(2500) is None


def test_connecting_has_a_limit_of_its_own_which_ends_with_it():
    wire = Wire(limit_ns=1000)
    replies = Replies()
    connection = Connection(wire.terms, wire.asked, replies.append, 0)
    assert connection.look(499) == 500
    connection.connection_made(FakeSocket())
    assert connection.look(500) == 1000
    slow = Connection(wire.terms, wire.asked, replies.append, 0)
    assert slow.look(500) is None
    assert replies == [TIMED_OUT]


def test_a_connection_that_is_made_too_late_is_closed_and_sends_nothing():
    wire = Wire()
    replies = Replies()
    connection, socket = Connection(wire.terms, wire.asked, replies.append, 0), FakeSocket()
    connection.look(500)
    connection.connection_made(socket)
    assert (socket.written, socket.is_closed, wire.stats.connections_opened) == ([], True, 0)


def test_a_refused_connection_answers():
    wire = Wire()
    replies = Replies()
    Connection(wire.terms, wire.asked, replies.append, 0).refused(OSError(errno.EMFILE, "x"), tls=False)
    assert (replies, replies.reasons) == ([NOT_CONNECTED], ["the client ran out of open files"])
    assert wire.stats.short_of == {Resource.FILES: 1}
    assert not wire.terms.opened


def test_an_abandoned_request_calls_nobody_and_one_with_its_reply_cannot_be_abandoned():
    wire = Wire()
    calls: list[Reply] = []
    mine = calls.append
    connection = Connection(wire.terms, wire.asked, mine, 0)
    socket = FakeSocket()
    connection.connection_made(socket)
    assert not connection.abandon(calls.extend), "that is another caller's"
    assert connection.abandon(mine)
    assert not connection.abandon(mine)
    connection.data_received(FINE)
    connection.connection_lost(None)
    assert (calls, socket.is_closed) == ([], True)


def test_a_dripping_head_of_the_greatest_length_is_read_in_no_time():
    wire = Wire()
    head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * (30 * 1024) + b"\r\nContent-Length: 0\r\n\r\n"
    assert wire.exchange([bytes([byte]) for byte in head]).reply == Reply(Outcome.OK, 200, 0)


@pytest.mark.parametrize(
    "beginning", [b"SSH-2.0", b"\r\n", b"HTTP/2", b"h", b"HTTP/1.1 200 OK\n", b"\x16\x03\x01"]
)
def test_what_cannot_become_a_response_is_not_waited_for(beginning):
    assert Wire().exchange([beginning]).reply == BROKEN


def test_a_connection_to_oneself_is_no_connection(monkeypatch):
    wire = Wire()
    replies = Replies()
    connection, socket = Connection(wire.terms, wire.asked, replies.append, 0), FakeSocket()
    monkeypatch.setattr(socket, "getpeername", socket.getsockname)
    connection.connection_made(socket)
    assert (replies, replies.reasons) == ([NOT_CONNECTED], [TO_ITSELF])
    assert (socket.written, socket.is_closed, wire.stats.connections_opened) == ([], True, 0)
