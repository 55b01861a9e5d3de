"""The transport without a network."""

import asyncio
import time

import pytest
import uvloop

from loadlab.clock import MONOTONIC, NS_PER_MS
from loadlab.errors import UsageError
from loadlab.recording.sample import Outcome, Reply
from loadlab.transports import CallbackTransport, async_transport
from loadlab.workload.plan import Request, StatusRange
from loadlab.workload.url import delay_ns_of
from support.fakes import plan

OK = Reply(Outcome.OK, 200, 0)
URL = "http://null/"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request):
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


async def opened(**changed):
    transport = async_transport("null")
    await transport.open(plan(target=URL, **changed))
    return transport


def begin(transport, prepared, replied):
    return transport.begin(prepared, replied, MONOTONIC.now_ns())


def test_every_send_is_answered(runner):
    async def send():
        transport = await opened()
        assert isinstance(transport, CallbackTransport)
        prepared = transport.prepare(Request(url=URL))
        return await asyncio.gather(*(transport.send(prepared) for _ in range(100)))

    assert runner.run(send()) == [OK] * 100


def test_at_once_is_never_before_begin_returns_and_the_loop_stays_alive(runner):
    async def chain_forever():
        transport = await opened()
        prepared = transport.prepare(Request(url=URL))
        answered, ticks, going = 0, 0, True
        too_early = []

        def replied(_reply):
            nonlocal answered
            answered += 1
            if going:
                before = answered
                begin(transport, prepared, replied)
                too_early.append(answered - before)

        begin(transport, prepared, replied)
        for _ in range(20):
            await asyncio.sleep(0.002)
            ticks += 1
        going = False
        return answered, ticks, sum(too_early)

    answered, ticks, too_early = runner.run(chain_forever())
    assert answered > 100
    assert too_early == 0
    assert ticks == 20, "timers fire while chains run"


def test_a_delay_is_kept_in_order_and_never_early(runner):
    async def send():
        transport = await opened()
        prepared = transport.prepare(Request(url=URL + "?delay=20ms"))
        order = []
        begun = time.monotonic()

        async def one(number):
            await transport.send(prepared)
            order.append((number, time.monotonic() - begun))

        await asyncio.gather(*(one(number) for number in range(10)))
        return order

    order = runner.run(send())
    assert [number for number, _ in order] == list(range(10))
    assert all(took_s >= 0.02 for _, took_s in order)


def test_each_kind_has_its_delay_and_the_target_has_one_for_the_rest(runner):
    async def race():
        transport = await opened(requests=(Request(url=URL),))
        await transport.open(plan(target=URL + "?delay=30ms"))
        slow, fast = (transport.prepare(Request(url=url)) for url in (URL, URL + "?delay=0ms"))
        order = []
        begin(transport, slow, lambda _: order.append("slow"))
        begin(transport, fast, lambda _: order.append("fast"))
        await asyncio.sleep(0.06)
        return order

    assert runner.run(race()) == ["fast", "slow"]


def test_a_delay_over_the_limit_times_out_at_the_limit(runner):
    async def send():
        transport = await opened(timeout_ns=20 * NS_PER_MS)
        return await transport.send(transport.prepare(Request(url=URL + "?delay=1h")))

    assert runner.run(send()).outcome is Outcome.TIMEOUT


def test_an_unexpected_status_is_an_http_error(runner):
    async def send():
        transport = await opened(expect_status=(StatusRange(500, 599),))
        return await transport.send(transport.prepare(Request(url=URL)))

    assert runner.run(send()) == Reply(Outcome.HTTP_ERROR, 200, 0)


@pytest.mark.parametrize("delay", ["0ms", "10ms"])
def test_an_abandoned_request_is_never_called_and_its_neighbours_are(runner, delay):
    async def abandon():
        transport = await opened()
        prepared = transport.prepare(Request(url=f"{URL}?delay={delay}"))
        first, second = [], []
        mine, other = first.append, second.append
        flight = begin(transport, prepared, mine)
        begin(transport, prepared, other)
        given_up = flight.abandon(mine), flight.abandon(mine)
        await asyncio.sleep(0.03)
        return given_up, first, second, flight.abandon(other)

    assert runner.run(abandon()) == ((True, False), [], [OK], False)


@pytest.mark.parametrize("delay", ["0ms", "10ms"])
def test_a_cancelled_send_passes_it_on(runner, delay):
    async def cancel():
        transport = await opened()
        prepared = transport.prepare(Request(url=f"{URL}?delay={delay}"))
        sending = asyncio.create_task(transport.send(prepared))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])
        return sending.cancelled(), await transport.send(prepared)

    assert runner.run(cancel()) == (True, OK)


@pytest.mark.parametrize("delay", ["0ms", "1h"])
def test_closing_ends_what_is_in_flight(runner, delay):
    async def close():
        transport = await opened(timeout_ns=1 << 60)
        sending = asyncio.create_task(transport.send(transport.prepare(Request(url=f"{URL}?delay={delay}"))))
        await asyncio.sleep(0)
        await transport.close()
        return await sending

    assert runner.run(close()).outcome is Outcome.PROTOCOL_ERROR


@pytest.mark.parametrize("url", [URL + "?delay=soon", URL + "?delay=5parsecs"])
def test_a_delay_that_is_none_is_refused(url):
    with pytest.raises(UsageError, match="is not a duration"):
        delay_ns_of(url, 0)
