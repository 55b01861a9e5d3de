"""The open loop, on virtual time: when requests go out, what becomes of them, and that none is lost."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadlab.clock import NS_PER_S
from loadlab.load.open_schedule import OpenSchedule
from loadlab.recording.sample import WAITED, Outcome, Reply
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Stage, WhenFull
from support.fakes import (
    OK,
    START_NS,
    Answer,
    FakeAsyncTransport,
    FakeClock,
    FakeTimer,
    run,
    run_shard,
    shard_of,
)
from support.open_loads import EACH_SCENARIO, MS, accounted, ms, open_plan, outcome, samples

pytestmark = pytest.mark.usefixtures("fake_transport")


@pytest.fixture
def clock():
    return FakeClock()


@EACH_SCENARIO
@pytest.mark.parametrize("delay_ms", [0, 1, 100, 3_000])
def test_requests_go_out_when_they_are_due_however_long_the_replies_take(clock, scenario, delay_ms):
    fake = FakeAsyncTransport(clock, [Answer(delay_ms * MS)] * 10)
    shard = run_shard(clock, open_plan(scenario=scenario), fake)
    rows = samples(shard)
    assert [ms(row.due_ns) for row in rows] == list(range(0, 1000, 100))
    assert all(row.sent_ns == row.due_ns for row in rows)
    assert [ms(row.done_ns - row.due_ns + START_NS) for row in rows] == [delay_ms] * 10
    accounted(shard, rows)


@EACH_SCENARIO
def test_what_is_due_at_the_end_is_no_longer_sent(clock, scenario):
    shard = run_shard(clock, open_plan(5, scenario=scenario, duration_ns=400 * MS), FakeAsyncTransport(clock))
    assert [ms(row.due_ns) for row in samples(shard)] == [0, 200]


@EACH_SCENARIO
def test_after_a_stall_what_was_due_goes_out_at_once_with_its_own_due_moment(clock, scenario):
    async def stall(_shard):
        await asyncio.sleep(0.25)
        clock.turn(500 * MS)

    shard = run_shard(clock, open_plan(100, scenario=scenario), FakeAsyncTransport(clock), meanwhile=stall)
    rows = samples(shard)
    assert [ms(row.due_ns) for row in rows] == list(range(0, 1000, 10))
    lags = {ms(row.due_ns): ms(row.sent_ns) - ms(row.due_ns) for row in rows}
    assert lags[240] == 0
    assert [lags[due] for due in range(260, 750, 10)] == [750 - due for due in range(260, 750, 10)]
    assert all(lags[due] == 0 for due in range(760, 1000, 10))


@EACH_SCENARIO
def test_a_late_loop_still_turns_between_the_requests_it_catches_up_with(clock, scenario):
    """A reply that comes while 1,000 requests wait to go out is noted before the last of them is sent."""
    turns = []

    async def stall(shard):
        await asyncio.sleep(0.0005)
        clock.turn(1_000 * MS)
        for _ in range(5):
            await asyncio.sleep(0)
            turns.append(shard.sent)

    run_shard(clock, open_plan(1000, scenario=scenario), FakeAsyncTransport(clock), meanwhile=stall)
    assert turns[0] < turns[-1] < 1000


@EACH_SCENARIO
def test_what_has_no_answer_at_the_end_of_the_drain_is_unfinished(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(10 * MS), Answer(60 * NS_PER_S)] * 5)
    shard = run_shard(clock, open_plan(scenario=scenario, drain_ns=2 * NS_PER_S), fake)
    rows = samples(shard)
    assert [outcome(row) for row in rows] == ["ok", "unfinished"] * 5
    assert {ms(row.done_ns) for row in rows if outcome(row) == "unfinished"} <= set(range(3000, 3060))
    accounted(shard, rows)


@EACH_SCENARIO
def test_a_halt_lets_nothing_more_out_and_waits_for_what_is_in_flight(clock, scenario):
    async def halt(shard):
        await asyncio.sleep(0.35)
        shard.halt()

    fake = FakeAsyncTransport(clock, [Answer(400 * MS)] * 10)
    shard = run_shard(clock, open_plan(scenario=scenario), fake, meanwhile=halt)
    rows = samples(shard)
    assert [ms(row.due_ns) for row in rows] == [0, 100, 200, 300]
    assert {outcome(row) for row in rows} == {"ok"}
    accounted(shard, rows)


@EACH_SCENARIO
def test_what_was_due_at_a_halt_and_had_not_gone_is_dropped_at_that_moment(clock, scenario):
    """Late by half a second and halted then: more than a turn of the loop sends."""

    async def halt(shard):
        await asyncio.sleep(0.0105)
        clock.turn(500 * MS)
        shard.halt()

    whole = open_plan(10_000, scenario=scenario)
    shard = run_shard(clock, whole, FakeAsyncTransport(clock, [Answer(50 * MS)] * 10_000), meanwhile=halt)
    rows = samples(shard)
    assert len(rows) == 5_106
    assert shard.dropped > 4_900
    dropped = [row for row in rows if outcome(row) == "dropped"]
    assert {row.done_ns for row in dropped} == {shard.halted_ns}
    assert not any(row.outcome & WAITED for row in dropped)
    accounted(shard, rows)


@EACH_SCENARIO
def test_a_schedule_that_the_client_is_too_slow_for_ends_with_the_drain_and_its_rest_is_dropped(
    clock, scenario
):
    """Each send costs the loop 10 ms, at 1,000 a second: a tenth goes out in time, a tenth in the drain."""

    class Slow(FakeAsyncTransport):
        def _begin(self, prepared):
            clock.turn(10 * MS)
            return super()._begin(prepared)

    fake = Slow(clock, [Answer(0)] * 1000)
    shard = run_shard(clock, open_plan(1000, scenario=scenario, drain_ns=NS_PER_S), fake)
    rows = samples(shard)
    assert len(rows) == 1000
    assert 150 < shard.sent < 400
    assert not any(row.outcome & WAITED for row in rows), "no limit kept them"
    accounted(shard, rows)


@EACH_SCENARIO
@pytest.mark.parametrize("late", [63, 64, 65, 128])
def test_a_schedule_whose_last_request_is_late_comes_to_its_end(clock, scenario, late):
    """A ramp down to nothing has a last request; a turn of the loop that lets in many ends with it."""

    async def stall(_shard):
        clock.turn(3_000 * MS)

    fake = FakeAsyncTransport(clock)
    falling = open_plan(
        scenario=scenario,
        stages=(Stage(rate_hz=float(late), rate_to_hz=0.0),),
        duration_ns=2 * NS_PER_S,
        drain_ns=10 * NS_PER_S,
    )
    shard = run_shard(clock, falling, fake, meanwhile=stall)
    assert shard.sent == len(samples(shard)) == late
    assert clock.now_ns() - START_NS < 4 * NS_PER_S


def dispatched(clock, schedule_ns, acquire, meanwhile):
    """Send a schedule of a minute whose first second has passed, and return the shard."""

    async def main():
        shard = shard_of(clock, open_plan(duration_ns=60 * NS_PER_S))
        shard.due_ns = lambda: iter(schedule_ns)
        clock.turn(NS_PER_S)
        limit = SimpleNamespace(acquire=acquire)
        schedule = OpenSchedule(shard, itertools.repeat(None), limit, FakeTimer(clock))
        await meanwhile(shard)
        await schedule.done
        return shard

    return run(clock, main())


@pytest.mark.parametrize("late", [63, 64, 65])
def test_a_halt_is_seen_in_a_long_gap_behind_a_full_turn(clock, late):
    let_in = []

    async def halt(shard):
        await asyncio.sleep(0.5)
        shard.halt()

    dispatched(clock, [*range(late), 50 * NS_PER_S], lambda due_ns, _: let_in.append(due_ns - START_NS), halt)
    assert let_in == list(range(late))
    assert clock.now_ns() - START_NS < 1_600 * MS


def test_an_error_in_letting_a_request_in_ends_the_dispatch(clock):
    def broken(due_ns, _):
        if due_ns - START_NS == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dispatched(clock, range(5), broken, lambda _: asyncio.sleep(0))


def test_an_error_of_our_own_ends_the_shard(clock):
    with pytest.raises(ZeroDivisionError):
        run_shard(clock, open_plan(), FakeAsyncTransport(clock, [Answer(5, ZeroDivisionError())]))


ANSWERS = st.builds(
    Answer,
    st.integers(0, 3_000).map(lambda delay_ms: delay_ms * MS),
    st.sampled_from(
        [OK, Reply(Outcome.HTTP_ERROR, 503), Reply(Outcome.TIMEOUT), Reply(Outcome.CONNECT_ERROR)]
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ANSWERS, max_size=40),
    st.sampled_from(["task", "callback"]),
    st.sampled_from(list(Spacing)),
    st.none() | st.integers(1, 6),
    st.sampled_from(list(WhenFull)),
    st.none() | st.floats(0, 1.5),
    st.none() | st.tuples(st.floats(0, 1), st.integers(0, 2_000)),
)
def test_nothing_that_is_due_is_ever_lost(  # noqa: PLR0917 - what hypothesis draws
    answers, scenario, spacing, limit, when_full, halt_s, stall
):
    """Drops, waits, halts, stalls, errors and a drain that cuts: each due request has exactly one row."""
    clock = FakeClock()

    async def meanwhile(shard):
        moments = [(halt_s, shard.halt)] if halt_s is not None else []
        moments += [(stall[0], lambda: clock.turn(stall[1] * MS))] if stall else []
        for at_s, act in sorted(moments, key=lambda moment: moment[0]):
            await asyncio.sleep(max(0.0, at_s - (clock.now_ns() - START_NS) / NS_PER_S))
            act()

    whole = open_plan(
        40,
        scenario=scenario,
        spacing=spacing,
        max_in_flight=limit,
        when_full=when_full,
        drain_ns=NS_PER_S,
    )
    shard = run_shard(clock, whole, FakeAsyncTransport(clock, answers), meanwhile=meanwhile)
    rows = samples(shard)
    accounted(shard, rows)
    until_ns = START_NS + NS_PER_S
    if shard.halted_ns is not None:
        until_ns = min(until_ns, shard.halted_ns + 1)
    offsets = whole.arrivals(whole.stages[0]).due_ns(0, 1, whole.seed)
    schedule = list(itertools.takewhile(lambda due_ns: due_ns < until_ns, (START_NS + at for at in offsets)))
    assert [row.due_ns for row in rows] == schedule, "all that is due until the end or a halt, and no more"
    if halt_s is None:
        assert len(rows) == whole.arrivals(whole.stages[0]).due_of(0, 1, 0, NS_PER_S, whole.seed)
    assert all(row.due_ns <= row.sent_ns <= row.done_ns for row in rows)


@EACH_SCENARIO
def test_what_goes_out_after_a_stall_that_outlasts_the_drain_is_accounted_for(clock, scenario):
    async def stall(_shard):
        await asyncio.sleep(0.01)
        clock.turn(2_500 * MS)

    fake = FakeAsyncTransport(clock)
    shard = run_shard(clock, open_plan(40, scenario=scenario, drain_ns=NS_PER_S), fake, meanwhile=stall)
    rows = samples(shard)
    assert len(rows) == 40
    accounted(shard, rows)
