"""What `wire` promises beyond the common contract."""

import asyncio
import threading
import time

import pytest

from contract.transports.callers import ASYNC, plan_for
from contract.transports.scripted import PATIENCE_S, answers
from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.recording.sample import Outcome, Reply
from loadlab.transports import CallbackTransport
from loadlab.workload.plan import IDLE_LIMIT_NS, Request

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK = Reply(Outcome.OK, 200, 2)


@pytest.fixture(params=[name for name in ASYNC if name.startswith("wire") and not name.endswith("-session")])
def wire(request):
    made = ASYNC[request.param]()
    yield made
    made.close()
    made.stop()
    assert made.complaints == []


HOPELESS = {
    "an upgrade that nobody asked for": b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "lines without CR": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a later line without CR": b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok",
    "a head without end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000,
    "a trailer without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    + b"X: y\r\n" * 12_000,
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a transfer coding that nobody offered": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk longer than its size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHello",
}


@pytest.mark.parametrize("case", HOPELESS)
def test_what_cannot_end_well_is_not_waited_for(wire, serve, case):
    def script(peer):
        peer.read()
        peer.say(HOPELESS[case])
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    wire.open(plan_for(server.url, timeout_s=PATIENCE_S))

    begun = time.monotonic()
    assert wire.send(Request(url=server.url)).outcome is Outcome.PROTOCOL_ERROR
    assert time.monotonic() - begun < PATIENCE_S / 4
    assert server.ended.acquire(timeout=PATIENCE_S), "and its connection is closed"


SURPLUS = {
    "a second response": FINE + b"HTTP/1.1 503 Smuggled\r\nContent-Length: 0\r\n\r\n",
    "a line's end too many": FINE + b"\r\n",
    "a body behind 204": b"HTTP/1.1 204 No Content\r\n\r\nok",
    "bytes behind the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\r\n",
}


@pytest.mark.parametrize("case", SURPLUS)
def test_surplus_bytes_close_the_connection_and_are_counted(wire, serve, case):
    def script(peer):
        peer.read()
        peer.say(SURPLUS[case])
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    wire.open(plan_for(server.url))

    assert wire.send(Request(url=server.url)).outcome is Outcome.OK
    assert server.ended.acquire(timeout=PATIENCE_S)
    assert wire.stats.unexpected_bytes == 1
    assert wire.send(Request(url=server.url)) == OK
    assert (wire.stats.unexpected_bytes, wire.stats.connections_lost) == (1, 0)


def test_the_last_connection_used_is_the_first_used_again(wire, serve):
    server = serve(answers(FINE))
    wire.open(plan_for(server.url))
    wire.send_together([Request(url=server.url)] * 5)

    for _ in range(5):
        wire.send(Request(url=server.url))

    assert server.accepted == 5
    assert len({each.connection for each in server.received[5:]}) == 1


def test_an_idle_connection_is_closed_at_its_limit_and_not_when_it_is_needed_again(wire, serve):
    server = serve(answers(FINE))
    wire.open(plan_for(server.url))
    wire.send(Request(url=server.url))
    begun = time.monotonic()

    assert server.ended.acquire(timeout=PATIENCE_S)
    assert time.monotonic() - begun > IDLE_LIMIT_NS / NS_PER_S - 0.02
    assert wire.send(Request(url=server.url)) == OK
    assert (wire.stats.connections_opened, wire.stats.connections_lost) == (2, 0)


def test_a_kind_of_request_may_close_its_connection_itself(wire, serve):
    server = serve(answers(FINE))
    wire.open(plan_for(server.url))
    request = Request(url=server.url, headers=(("Connection", "close"),))

    assert [wire.send(request) for _ in range(2)] == [OK] * 2
    assert [each.connection for each in server.received] == [0, 1]


# --- continuations ---


def test_it_is_continuing(wire):
    assert isinstance(wire.transport, CallbackTransport)


def test_a_chain_makes_no_task_and_no_future_for_a_request(serve, monkeypatch):
    wire = ASYNC["wire"]()
    server = serve(answers(FINE))
    wire.open(plan_for(server.url))
    made = []

    async def chain():
        transport, loop = wire.transport, asyncio.get_running_loop()
        prepared = transport.prepare(Request(url=server.url))
        done = loop.create_future()
        replies = []

        def replied(reply):
            replies.append(reply)
            if len(replies) == 1:  # the connection is there, which took a task
                monkeypatch.setattr(loop, "create_future", lambda: made.append("a future"))
                monkeypatch.setattr(loop, "create_task", lambda _: made.append("a task"))
            if len(replies) == 1000:
                monkeypatch.undo()
                done.set_result(None)
            else:
                transport.begin(prepared, replied, MONOTONIC.now_ns())

        transport.begin(prepared, replied, MONOTONIC.now_ns())
        assert replies == [], "never before it returns"
        await done
        return replies

    assert wire.start(chain()).result(PATIENCE_S) == [OK] * 1000
    assert made == []
    assert server.accepted == 1
    wire.close()
    wire.stop()


@pytest.mark.parametrize("stage", ["connecting", "waiting", "reading"])
def test_an_abandoned_request_is_never_called_and_its_connection_closed(wire, serve, stage):
    def script(peer):
        if stage != "connecting":
            peer.read()
        if stage == "reading":
            peer.say(FINE[:-1])
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    url = server.url.replace("http:", "https:") if stage == "connecting" else server.url
    wire.open(plan_for(url))
    called = threading.Event()

    async def abandon():
        def replied(_reply):
            called.set()

        flight = wire.transport.begin(wire.transport.prepare(Request(url=url)), replied, MONOTONIC.now_ns())
        while not server.accepted:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        given_up = flight.abandon(replied), flight.abandon(replied)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.01)
        return given_up

    assert wire.start(abandon()).result(PATIENCE_S) == (True, False)
    assert server.ended.acquire(timeout=PATIENCE_S)
    assert not called.is_set()


def test_a_task_that_is_cancelled_as_its_reply_comes_hurts_nobody(wire, serve):
    server = serve(answers(FINE))
    wire.open(plan_for(server.url))

    async def cancel_at_the_worst_moment():
        transport = wire.transport
        prepared = transport.prepare(Request(url=server.url))
        for _ in range(300):
            sending = asyncio.create_task(transport.send(prepared))
            other = asyncio.create_task(transport.send(prepared))
            await asyncio.wait([other])
            sending.cancel()
            await asyncio.wait([sending])
        return await transport.send(prepared)

    assert wire.start(cancel_at_the_worst_moment()).result(PATIENCE_S) == OK
