"""The open loop, on virtual time: when requests go out, what becomes of them, and that none is lost."""

import asyncio
import itertools
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import OK, START_NS, Answer, FakeAlarm, FakeAsyncTransport, FakeClock, carry, plan, run, shard_of
from loadlab.arrivals import Spacing
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.dispatch import Dispatch, by_turns
from loadlab.plan import Stage, WhenFull, Workload
from loadlab.sample import OWN_LAG_SHIFT, WAITED, Outcome, Reply, Sample
from loadlab.shard import Share

pytestmark = pytest.mark.usefixtures("fake_transport")

MS = NS_PER_MS
EACH_SCENARIO = pytest.mark.parametrize("scenario", ["task", "callback"])


@pytest.fixture
def clock():
    return FakeClock()


def open_plan(rate_hz=10, **changed):
    return plan(**{"workload": Workload.OPEN, "stages": (Stage(rate_hz=rate_hz),), **changed})


def samples(shard):
    rows = [Sample(*row) for row in shard.tape.cut(1 << 30).tolist()]
    return sorted(rows, key=lambda row: (row.due_ns, row.done_ns))


def outcome(row):
    return Outcome(row.outcome & (WAITED - 1)).key


def ms(moment_ns):
    return round((moment_ns - START_NS) / MS)


def accounted(shard, rows):
    """Invariant 1: every due request has one row, and every one that was sent is among them."""
    assert len(rows) == shard.sent + shard.dropped
    assert sum(outcome(row) == "dropped" for row in rows) == shard.dropped


@EACH_SCENARIO
@pytest.mark.parametrize("delay_ms", [0, 1, 100, 3_000])
def test_requests_go_out_when_they_are_due_however_long_the_replies_take(clock, scenario, delay_ms):
    fake = FakeAsyncTransport(clock, [Answer(delay_ms * MS)] * 10)
    shard = carry(clock, open_plan(scenario=scenario), fake)
    rows = samples(shard)
    assert [ms(row.due_ns) for row in rows] == list(range(0, 1000, 100))
    assert all(row.sent_ns == row.due_ns for row in rows)
    assert [ms(row.done_ns - row.due_ns + START_NS) for row in rows] == [delay_ms] * 10
    accounted(shard, rows)


@EACH_SCENARIO
def test_what_is_due_at_the_end_is_no_longer_sent(clock, scenario):
    shard = carry(clock, open_plan(5, scenario=scenario, duration_ns=400 * MS), FakeAsyncTransport(clock))
    assert [ms(row.due_ns) for row in samples(shard)] == [0, 200]


@EACH_SCENARIO
def test_after_a_stall_what_was_due_goes_out_at_once_with_its_own_due_moment(clock, scenario):
    async def stall(_shard):
        await asyncio.sleep(0.25)
        clock.turn(500 * MS)

    shard = carry(clock, open_plan(100, scenario=scenario), FakeAsyncTransport(clock), meanwhile=stall)
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

    carry(clock, open_plan(1000, scenario=scenario), FakeAsyncTransport(clock), meanwhile=stall)
    assert turns[0] < turns[-1] < 1000


@EACH_SCENARIO
def test_at_the_limit_an_arrival_is_dropped_and_counted(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(250 * MS)] * 10)
    shard = carry(clock, open_plan(scenario=scenario, max_in_flight=2), fake)
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
    shard = carry(
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
    rows = samples(carry(clock, limited, fake, meanwhile=stall))
    own = {ms(row.due_ns): row.outcome >> OWN_LAG_SHIFT for row in rows if row.outcome & WAITED}
    assert [own[due] for due in range(270, 750, 10)] == [(750 - due) * MS for due in range(270, 750, 10)]
    assert all(own.get(due, 0) == 0 for due in range(760, 1000, 10))


@EACH_SCENARIO
def test_the_limit_is_shared_out_among_the_shards(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(5_000 * MS)] * 50)
    whole = open_plan(100, scenario=scenario, max_in_flight=5)
    shard = carry(clock, whole, fake, share=Share(whole.stages[0], 1, 2))
    assert fake.in_flight_peak == 2
    assert shard.sent + shard.dropped == 50


@EACH_SCENARIO
def test_what_has_no_answer_at_the_end_of_the_drain_is_unfinished(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(10 * MS), Answer(60 * NS_PER_S)] * 5)
    shard = carry(clock, open_plan(scenario=scenario, drain_ns=2 * NS_PER_S), fake)
    rows = samples(shard)
    assert [outcome(row) for row in rows] == ["ok", "unfinished"] * 5
    assert {ms(row.done_ns) for row in rows if outcome(row) == "unfinished"} <= set(range(3000, 3060))
    accounted(shard, rows)


@EACH_SCENARIO
def test_those_that_still_wait_for_a_place_at_the_end_of_the_drain_are_dropped(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(60 * NS_PER_S)])
    shard = carry(
        clock,
        open_plan(scenario=scenario, max_in_flight=1, when_full=WhenFull.WAIT, drain_ns=NS_PER_S),
        fake,
    )
    rows = samples(shard)
    assert [outcome(row) for row in rows] == ["unfinished"] + ["dropped"] * 9
    accounted(shard, rows)


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

    shard = carry(clock, open_plan(10_000, drain_ns=NS_PER_S, **changed), fake, meanwhile=tick)
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


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5_000])
def test_by_turns_each_has_its_own_and_none_is_left_out_also_when_cancelled(clock, count):
    async def main(cancels):
        done = []
        acting = asyncio.ensure_future(by_turns(range(count), done.append))
        for _ in range(cancels):
            await asyncio.sleep(0)
            acting.cancel()
        await asyncio.wait([acting])
        return done

    for cancels in (0, 1, 2):
        assert run(clock, main(cancels)) == list(range(count))


@EACH_SCENARIO
def test_a_halt_lets_nothing_more_out_and_waits_for_what_is_in_flight(clock, scenario):
    async def halt(shard):
        await asyncio.sleep(0.35)
        shard.halt()

    fake = FakeAsyncTransport(clock, [Answer(400 * MS)] * 10)
    shard = carry(clock, open_plan(scenario=scenario), fake, meanwhile=halt)
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
    shard = carry(clock, whole, FakeAsyncTransport(clock, [Answer(50 * MS)] * 10_000), meanwhile=halt)
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
    shard = carry(clock, open_plan(1000, scenario=scenario, drain_ns=NS_PER_S), fake)
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
    shard = carry(clock, falling, fake, meanwhile=stall)
    assert shard.sent == len(samples(shard)) == late
    assert clock.now_ns() - START_NS < 4 * NS_PER_S


def dispatched(clock, schedule_ns, enter, meanwhile):
    """Dispatch a schedule of a minute whose first second has passed, and return the shard."""

    async def main():
        shard = shard_of(clock, open_plan(duration_ns=60 * NS_PER_S))
        shard.due_ns = lambda: iter(schedule_ns)
        clock.turn(NS_PER_S)
        places = SimpleNamespace(enter=enter)
        dispatch = Dispatch(shard, itertools.repeat(None), places, FakeAlarm(clock))
        await meanwhile(shard)
        await dispatch.done
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
        carry(clock, open_plan(), FakeAsyncTransport(clock, [Answer(5, ZeroDivisionError())]))


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
    shard = carry(clock, whole, FakeAsyncTransport(clock, answers), meanwhile=meanwhile)
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
    shard = carry(clock, open_plan(40, scenario=scenario, drain_ns=NS_PER_S), fake, meanwhile=stall)
    rows = samples(shard)
    assert len(rows) == 40
    accounted(shard, rows)
