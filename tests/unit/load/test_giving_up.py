"""Giving up what is left after a drain: the loop turns meanwhile, and nothing is left out."""

import asyncio
import itertools

import pytest

from loadlab.clock import NS_PER_S
from loadlab.load.open_schedule import act_in_turns
from loadlab.load.shard import Shard
from loadlab.workload.plan import WhenFull
from support.fakes import Answer, FakeAsyncTransport, FakeClock, run, run_shard
from support.open_loads import EACH_SCENARIO, MS, accounted, open_plan, outcome, samples

pytestmark = pytest.mark.usefixtures("fake_transport")


@pytest.fixture
def clock():
    return FakeClock()


def turns_beside(clock, fake, drained_s, **changed):
    """Carry a load of 10,000 a second and return its shard, its rows and the loop's turns after the drain."""
    turns = []

    async def tick(shard):
        await asyncio.sleep(drained_s - 0.001)
        while True:
            await asyncio.sleep(0)
            clock.turn(5 * MS)
            if shard.drain_left_ns() <= 0:
                turns.append(len(shard.tape))

    shard = run_shard(clock, open_plan(10_000, drain_ns=NS_PER_S, **changed), fake, meanwhile=tick)
    return shard, samples(shard), turns


@EACH_SCENARIO
def test_the_loop_turns_while_many_that_wait_are_given_up(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(60 * NS_PER_S)])
    limited = {"scenario": scenario, "max_in_flight": 1, "when_full": WhenFull.WAIT}
    shard, rows, turns = turns_beside(clock, fake, 2, **limited)
    assert [outcome(row) for row in rows] == ["unfinished"] + ["dropped"] * 9_999
    assert len([count for count in turns if 1_000 < count < 10_000]) >= 9
    accounted(shard, rows)


@EACH_SCENARIO
def test_the_loop_turns_while_many_in_flight_are_cut(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(60 * NS_PER_S)] * 10_000)
    shard, rows, turns = turns_beside(clock, fake, 2, scenario=scenario)
    assert [outcome(row) for row in rows] == ["unfinished"] * 10_000
    assert len(set(turns)) >= 9
    accounted(shard, rows)


@EACH_SCENARIO
def test_a_reply_that_comes_while_others_are_given_up_sends_none_of_them(clock, scenario):
    """Its place is free then, but the drain is over; and a reply after the drain is one too late."""
    fake = FakeAsyncTransport(clock, [Answer(2 * NS_PER_S + 30 * MS)])
    limited = {"scenario": scenario, "max_in_flight": 1, "when_full": WhenFull.WAIT}
    shard, rows, _ = turns_beside(clock, fake, 2, **limited)
    assert shard.sent == len(fake.sent) == 1
    assert outcome(rows[0]) == "unfinished"
    accounted(shard, rows)


@EACH_SCENARIO
def test_a_schedule_that_never_reaches_the_end_is_ended_by_the_clock(clock, scenario, monkeypatch):
    monkeypatch.setattr(Shard, "due_ns", lambda _shard: itertools.repeat(0))
    began_ns = clock.now_ns()

    async def tick(_shard):
        while True:
            await asyncio.sleep(0)
            clock.turn(5 * MS)

    whole = open_plan(10, scenario=scenario, drain_ns=NS_PER_S, max_in_flight=1)
    shard = run_shard(clock, whole, FakeAsyncTransport(clock), meanwhile=tick)
    assert clock.now_ns() - began_ns < 13 * NS_PER_S
    accounted(shard, samples(shard))


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5_000])
def test_by_turns_each_has_its_own_and_none_is_left_out_also_when_cancelled(clock, count):
    async def main(cancels):
        done = []
        acting = asyncio.ensure_future(act_in_turns(range(count), done.append))
        for _ in range(cancels):
            await asyncio.sleep(0)
            acting.cancel()
        await asyncio.wait([acting])
        return done

    for cancels in (0, 1, 2):
        assert run(clock, main(cancels)) == list(range(count))
