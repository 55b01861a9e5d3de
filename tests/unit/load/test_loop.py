"""What every loop uses: its end, and its pulse."""

import asyncio

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.load.loop import settle, watch_loop
from support.fakes import FakeClock, plan, run, shard_of

MS = NS_PER_MS


@pytest.fixture
def clock():
    return FakeClock()


def test_settle_waits_for_nobody_where_there_is_nobody(clock):
    run(clock, settle(shard_of(clock, plan()), []))


def test_the_watch_sees_how_long_the_loop_was_held(clock):
    shard = shard_of(clock, plan())

    async def hold():
        watching = asyncio.ensure_future(watch_loop(shard))
        await asyncio.sleep(0.11)
        clock.turn(400 * MS)
        await asyncio.sleep(0.1)
        watching.cancel()
        await asyncio.wait([watching])

    run(clock, hold())
    assert 300 * MS <= shard.loop_stall_max_ns <= 400 * MS
    assert shard.loop_ticks >= 3


def test_what_holds_the_loop_outside_the_window_is_no_stall(clock):
    shard = shard_of(clock, plan(warmup_ns=500 * MS))

    async def hold():
        watching = asyncio.ensure_future(watch_loop(shard))
        await asyncio.sleep(0.01)
        clock.turn(400 * MS)
        await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.wait([watching])

    run(clock, hold())
    assert shard.loop_ticks >= 1
    assert shard.loop_stall_max_ns == 0
