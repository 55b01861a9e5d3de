"""The limit of requests in flight: who finds no place is dropped or waits, and how late the client was."""

import asyncio

import pytest

from loadlab.clock import NS_PER_S
from loadlab.load.shard import Share
from loadlab.recording.sample import OWN_LAG_SHIFT, WAITED
from loadlab.workload.plan import WhenFull
from support.fakes import Answer, FakeAsyncTransport, FakeClock, run_shard
from support.open_loads import EACH_SCENARIO, MS, accounted, ms, open_plan, outcome, samples

pytestmark = pytest.mark.usefixtures("fake_transport")


@pytest.fixture
def clock():
    return FakeClock()


@EACH_SCENARIO
def test_at_the_limit_an_arrival_is_dropped_and_counted(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(250 * MS)] * 10)
    shard = run_shard(clock, open_plan(scenario=scenario, max_in_flight=2), fake)
    rows = samples(shard)
    assert [outcome(row) for row in rows] == [
        "ok",
        "ok",
        "dropped",
        "ok",
        "ok",
        "dropped",
        "ok",
        "ok",
        "dropped",
        "ok",
    ]
    assert all(row.outcome & WAITED for row in rows if outcome(row) == "dropped")
    assert fake.in_flight_peak == 2
    accounted(shard, rows)


@EACH_SCENARIO
def test_at_the_limit_an_arrival_waits_and_keeps_its_due_moment(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(250 * MS)] * 4)
    shard = run_shard(
        clock,
        open_plan(scenario=scenario, max_in_flight=1, when_full=WhenFull.WAIT, duration_ns=400 * MS),
        fake,
    )
    rows = samples(shard)
    assert [ms(row.due_ns) for row in rows] == [0, 100, 200, 300]
    assert [ms(row.sent_ns) for row in rows] == [0, 250, 500, 750]
    assert [bool(row.outcome & WAITED) for row in rows] == [False, True, True, True]
    assert fake.in_flight_peak == 1
    accounted(shard, rows)


@EACH_SCENARIO
@pytest.mark.parametrize("when_full", list(WhenFull))
def test_what_a_late_client_finds_no_place_for_bears_how_late_the_client_was(clock, scenario, when_full):
    """Half a second of standing still fills the one place with what was due in it: no fault of the limit."""

    async def stall(_shard):
        await asyncio.sleep(0.25)
        clock.turn(500 * MS)

    fake = FakeAsyncTransport(clock, [Answer(1 * MS)] * 100)
    limited = open_plan(100, scenario=scenario, max_in_flight=1, when_full=when_full)
    rows = samples(run_shard(clock, limited, fake, meanwhile=stall))
    own = {ms(row.due_ns): row.outcome >> OWN_LAG_SHIFT for row in rows if row.outcome & WAITED}
    assert [own[due] for due in range(270, 750, 10)] == [(750 - due) * MS for due in range(270, 750, 10)]
    assert all(own.get(due, 0) == 0 for due in range(760, 1000, 10))


@EACH_SCENARIO
def test_the_limit_is_shared_out_among_the_shards(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(5_000 * MS)] * 50)
    whole = open_plan(100, scenario=scenario, max_in_flight=5)
    shard = run_shard(clock, whole, fake, share=Share(whole.stages[0], 1, 2))
    assert fake.in_flight_peak == 2
    assert shard.sent + shard.dropped == 50


@EACH_SCENARIO
def test_those_that_still_wait_for_a_place_at_the_end_of_the_drain_are_dropped(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(60 * NS_PER_S)])
    shard = run_shard(
        clock,
        open_plan(scenario=scenario, max_in_flight=1, when_full=WhenFull.WAIT, drain_ns=NS_PER_S),
        fake,
    )
    rows = samples(shard)
    assert [outcome(row) for row in rows] == ["unfinished"] + ["dropped"] * 9
    accounted(shard, rows)
