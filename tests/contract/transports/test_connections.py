"""Connections: kept alive, lost, many at once, and gone when they are not wanted any more."""

import asyncio
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import PATIENCE_S, answers
from loadlab.clock import NS_PER_S
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import IDLE_LIMIT_NS, Request
from support.replies import TIMED_OUT, plain

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK = Reply(Outcome.OK, 200, 2)
BIG = bytes(1_000_000)


@pytest.mark.parametrize("body", [b"", b"small", BIG], ids=["empty", "small", "big"])
def test_one_request_after_another_uses_one_connection(caller, serve, body):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(method="POST", url=server.url, body=body)) for _ in range(10)]

    assert replies == [OK] * 10
    assert {each.connection for each in server.received} == {0}
    assert caller.stats.connections_opened == 1


def test_no_connection_is_made_before_the_first_request(caller, serve):
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))
    time.sleep(0.05)

    assert server.accepted == 0


def test_requests_at_once_have_a_connection_each_and_wait_for_nobody(caller, serve):
    number = 150  # more than any default limit
    all_in_flight = threading.Barrier(number, timeout=PATIENCE_S)

    def script(peer):
        peer.read()
        all_in_flight.wait()
        peer.say(FINE)

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=PATIENCE_S))

    replies = caller.send_together([Request(url=server.url)] * number)

    assert replies == [OK] * number
    assert server.accepted == number
    assert caller.stats.connections_opened == number


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_closes_between_requests_is_replaced(caller, serve, method):
    hung_up = threading.Event()

    def script(peer):
        peer.read()
        peer.say(FINE)
        peer.hang_up()
        hung_up.set()
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    caller.open(plan_for(server.url))

    first = caller.send(Request(method=method, url=server.url))
    assert hung_up.wait(PATIENCE_S)
    time.sleep(0.5)  # for the FIN to be noticed
    second = caller.send(Request(method=method, url=server.url))

    assert (first, second) == (OK, OK)
    assert [each.connection for each in server.received] == [0, 1]
    assert caller.stats.connections_opened == 2
    assert caller.stats.connections_lost == 0, "no request was on it"


def test_a_connection_that_was_idle_for_longer_than_it_is_kept_is_not_used_again(caller, serve):
    """A server that closes idle connections after 2 s never closes one under a request."""
    server = serve(answers(FINE))
    caller.open(plan_for(server.url))

    first = caller.send(Request(url=server.url))
    time.sleep(IDLE_LIMIT_NS / NS_PER_S + 0.2)
    second = caller.send(Request(url=server.url))

    assert (first, second) == (OK, OK)
    assert [each.connection for each in server.received] == [0, 1]
    assert (caller.stats.connections_opened, caller.stats.connections_lost) == (2, 0)


def test_how_long_a_reply_took_does_not_count_as_idle(caller, serve):
    server = serve(slow_first)
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(2)]

    assert replies == [OK] * 2
    assert caller.stats.connections_opened == 1


def slow_first(peer):
    peer.read()
    peer.pause(IDLE_LIMIT_NS / NS_PER_S + 0.2)
    peer.say(FINE)
    peer.read()
    peer.say(FINE)
    peer.wait_for_end()


@pytest.mark.parametrize("rudely", [False, True], ids=["with FIN", "with RST"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST"])
def test_a_connection_that_closes_under_a_request_is_lost_and_the_request_is_not_repeated(
    caller, serve, method, rudely
):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    def script(peer):
        peer.read()
        peer.say(answer)
        peer.read()
        if rudely:
            peer.reset()

    server = serve(script, answers(answer))
    caller.open(plan_for(server.url))
    request = Request(method=method, url=server.url, body=b"x" if method in ("PUT", "POST") else b"")

    outcomes = [caller.send(request).outcome for _ in range(3)]

    assert outcomes == [Outcome.OK, Outcome.PROTOCOL_ERROR, Outcome.OK]
    assert [each.connection for each in server.received] == [0, 0, 1], "one copy of each request"
    assert caller.stats.connections_opened == 2
    assert caller.stats.connections_lost == 1


def test_close_closes_every_connection(caller, serve):
    number = 5
    all_in_flight = threading.Barrier(number, timeout=PATIENCE_S)

    def script(peer):
        peer.read()
        all_in_flight.wait()
        peer.say(FINE)
        peer.wait_for_end()

    server = serve(script)
    caller.open(plan_for(server.url, idle_limit_ns=3_600 * NS_PER_S))
    assert caller.send_together([Request(url=server.url)] * number) == [OK] * number

    caller.close()

    assert [server.ended.acquire(timeout=PATIENCE_S / number) for _ in range(number)] == [True] * number


def test_a_transport_may_be_opened_for_one_stage_after_another(caller, serve):
    server = serve(answers(FINE))
    for stage in range(2):
        caller.open(plan_for(server.url))
        assert caller.send(Request(url=server.url)) == OK
        caller.close()
        assert caller.stats.connections_opened == stage + 1, "stats count over the transport's life"
    caller.open(plan_for(server.url))


def test_each_host_has_a_connection_of_its_own(caller, serve):
    one, two = serve(answers(FINE)), serve(answers(FINE))
    caller.open(plan_for(one.url, two.url))

    replies = [caller.send(Request(url=server.url)) for server in (one, two, one, two)]

    assert replies == [OK] * 4
    assert (one.accepted, two.accepted) == (1, 1)


def test_ipv6_works(caller, serve):
    server = serve(answers(FINE), host="::1")
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == OK
    assert server.received[0].named("Host") == [server.url.removeprefix("http://").rstrip("/")]


def test_every_connection_goes_to_the_plans_address_and_asks_for_the_name_in_the_url(caller, serve):
    server = serve(answers(FINE), host="127.0.0.2")
    url = server.url.replace("127.0.0.2", "no-such-host.invalid")
    caller.open(plan_for(url, address="127.0.0.2"))

    assert [caller.send(Request(url=url)) for _ in range(2)] == [OK, OK]
    assert {tuple(each.named("Host")) for each in server.received} == {(urlsplit(url).netloc,)}
    assert server.accepted == 1


@pytest.mark.parametrize("host", ["127.0.0.3", "127.1", "[::1]"])
def test_a_host_that_is_an_address_itself_is_at_the_plans_address_too(host, caller, serve):
    server = serve(answers(FINE), host="127.0.0.2")
    url = server.url.replace("127.0.0.2", host)
    caller.open(plan_for(url, address="127.0.0.2"))

    assert caller.send(Request(url=url)) == OK


def test_a_name_without_an_address_of_the_plan_is_looked_up(caller, serve):
    server = serve(answers(FINE))
    url = server.url.replace("127.0.0.1", "localhost")
    caller.open(plan_for(url))

    assert caller.send(Request(url=url)) == OK


def before_any_byte(peer):
    peer.read()
    peer.wait_for_end()


def inside_the_body(peer):
    peer.read()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    peer.wait_for_end()


def inside_a_body_without_length(peer):
    peer.read()
    peer.say(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    peer.wait_for_end()


@pytest.mark.parametrize("script", [before_any_byte, inside_the_body])
def test_a_cancelled_send_passes_it_on_and_leaves_nothing_behind(async_caller, serve, script):
    server = serve(script, answers(FINE))
    async_caller.open(plan_for(server.url))

    async def cancel_in_flight():
        transport = async_caller.transport
        sending = asyncio.create_task(transport.send(transport.prepare(Request(url=server.url))))
        while not server.received:
            await asyncio.sleep(0.01)
        tasks = len(asyncio.all_tasks())
        sending.cancel()
        result = (await asyncio.gather(sending, return_exceptions=True))[0]
        return result, tasks - len(asyncio.all_tasks())

    result, tasks_less = async_caller.start(cancel_in_flight()).result(PATIENCE_S)

    assert isinstance(result, asyncio.CancelledError)
    assert tasks_less == 1, "only the request's own task was there, and is gone"
    assert server.ended.acquire(timeout=PATIENCE_S), "its connection is closed"
    assert async_caller.send(Request(url=server.url)) == OK
    assert [each.connection for each in server.received] == [0, 1]
    assert async_caller.complaints == []


def test_a_send_that_is_cancelled_while_connecting_passes_it_on(async_caller, serve):
    server = serve(lambda peer: peer.wait_for_end())
    url = server.url.replace("http:", "https:")  # a handshake without an answer
    async_caller.open(plan_for(url))

    async def cancel_in_flight():
        transport = async_caller.transport
        async with asyncio.timeout(0.5):
            await transport.send(transport.prepare(Request(url=url)))

    with pytest.raises(TimeoutError):
        async_caller.start(cancel_in_flight()).result(PATIENCE_S)
    assert server.ended.acquire(timeout=PATIENCE_S)
    assert async_caller.stats.connections_opened == 0


def test_a_task_can_go_on_after_its_request_has_run_out_of_time(async_caller, serve):
    server = serve(before_any_byte)
    async_caller.open(plan_for(server.url, timeout_s=0.1))

    async def send_and_look():
        transport = async_caller.transport
        reply = await transport.send(transport.prepare(Request(url=server.url)))
        await asyncio.sleep(0.01)
        return plain(reply), asyncio.current_task().cancelling()

    assert async_caller.start(send_and_look()).result(PATIENCE_S) == (TIMED_OUT, 0)


@pytest.mark.parametrize("script", [before_any_byte, inside_the_body, inside_a_body_without_length])
def test_closing_ends_what_is_in_flight_as_a_protocol_error(async_caller, serve, script):
    server = serve(script)
    async_caller.open(plan_for(server.url))
    transport = async_caller.transport
    sending = async_caller.start(transport.send(transport.prepare(Request(url=server.url))))
    while not server.received:
        time.sleep(0.01)

    async_caller.close()

    assert sending.result(PATIENCE_S).outcome is Outcome.PROTOCOL_ERROR


def test_bytes_on_an_idle_connection_close_it(async_caller, serve):
    spoken = threading.Event()

    def script(peer):
        peer.read()
        peer.say(FINE)
        peer.pause(0.1)
        peer.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        spoken.set()
        peer.wait_for_end()

    server = serve(script, answers(FINE))
    async_caller.open(plan_for(server.url))

    assert async_caller.send(Request(url=server.url)) == OK
    assert spoken.wait(PATIENCE_S)
    time.sleep(0.5)  # for the bytes to be noticed
    assert async_caller.send(Request(url=server.url)) == OK
    assert server.ended.acquire(timeout=PATIENCE_S), "the connection that spoke unasked is closed"
    assert async_caller.stats.unexpected_bytes == 1
    assert [each.connection for each in server.received] == [0, 1]


def test_an_answer_before_the_end_of_its_request_closes_the_connection(async_caller, serve):
    def script(peer):
        peer.sock.recv(1000)
        peer.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        peer.pause(0.2)

    server = serve(script, answers(FINE))
    async_caller.open(plan_for(server.url))

    reply = async_caller.send(Request(method="POST", url=server.url, body=bytes(50_000_000)))
    assert reply == Reply(Outcome.HTTP_ERROR, 413, 0)
    assert async_caller.send(Request(url=server.url)) == OK
    assert async_caller.stats.connections_opened == 2


def test_a_reset_inside_an_answer_without_length_that_came_early_is_seen(async_caller, serve):
    def script(peer):
        peer.sock.recv(1000)
        peer.say(b"HTTP/1.1 413 Too Large\r\n\r\nhalf")
        peer.pause(0.1)
        peer.reset()

    server = serve(script)
    async_caller.open(plan_for(server.url))

    reply = async_caller.send(Request(method="POST", url=server.url, body=bytes(50_000_000)))

    assert reply.outcome is Outcome.PROTOCOL_ERROR


def test_one_of_many_sends_of_a_request_can_be_cancelled_while_all_of_them_still_write(async_caller, serve):
    number, body = 8, bytes(range(256)) * 40_000
    begun = threading.Barrier(number + 1, timeout=PATIENCE_S)
    go_on = threading.Event()

    def script(peer):
        peer.sock.recv(1, socket.MSG_PEEK)
        begun.wait()
        go_on.wait(PATIENCE_S)
        answers(FINE)(peer)

    server = serve(script)
    async_caller.open(plan_for(server.url, timeout_s=PATIENCE_S))
    request = Request(method="POST", url=server.url, body=body)

    async def send() -> Reply:
        return await async_caller.transport.send(async_caller.prepared(request))

    sendings = [async_caller.start(send()) for _ in range(number)]
    begun.wait()
    sendings[0].cancel()
    time.sleep(0.1)
    go_on.set()

    assert [sending.result(PATIENCE_S) for sending in sendings[1:]] == [OK] * (number - 1)
    assert [received.body == body for received in server.received] == [True] * (number - 1)
