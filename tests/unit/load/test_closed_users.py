"""The loops, on virtual time: when they send, what they note, and that they lose nothing."""

import asyncio
import threading
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.load.backing_off import AT_ONCE_NS, connection_failed
from loadlab.load.closed_users import BlockingUser
from loadlab.load.pacing import pace
from loadlab.load.shard import Share
from loadlab.recording.sample import Outcome, Reply, Sample
from loadlab.workload.plan import Stage
from loadlab.workload.think import Exponential
from loadlab.workload.traits import Workload
from support.fakes import (
    OK,
    START_NS,
    Answer,
    FakeAsyncTransport,
    FakeBlockingTransport,
    FakeClock,
    plan,
    run_shard,
    shard_of,
)

pytestmark = pytest.mark.usefixtures("fake_transport")

MS = NS_PER_MS
BATCH = {"workload": Workload.BATCH, "duration_ns": None}
COUNTED = {"duration_ns": None}
TASKS_AND_CHAINS = pytest.mark.parametrize("scenario", ["task", "callback"])


@pytest.fixture
def clock():
    return FakeClock()


def samples(shard):
    """All that was noted, in the order of its sending; takes it off the tape."""
    rows = [Sample(*row) for row in shard.tape.cut(1 << 30).tolist()]
    return sorted(rows, key=lambda row: (row.sent_ns, row.done_ns))


def outcomes(rows):
    return [Outcome(row.outcome).key for row in rows]


def milliseconds(moment_ns):
    return round((moment_ns - START_NS) / MS)


@TASKS_AND_CHAINS
def test_closed_users_send_one_after_another_until_the_duration_is_over(clock, scenario):
    fake = FakeAsyncTransport(clock)
    shard = run_shard(clock, plan(scenario=scenario, stages=(Stage(concurrency=3),)), fake)
    rows = samples(shard)
    assert [milliseconds(row.sent_ns) for row in rows] == [100 * (number // 3) for number in range(30)]
    assert all(row.due_ns == row.sent_ns and row.done_ns - row.sent_ns == 100 * MS for row in rows)
    assert (fake.in_flight_peak, shard.sent) == (3, 30)


@TASKS_AND_CHAINS
def test_a_request_that_is_due_before_the_end_is_waited_for_after_it(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(3 * NS_PER_S)])
    rows = samples(run_shard(clock, plan(scenario=scenario), fake))
    assert [(milliseconds(row.done_ns), row.outcome) for row in rows] == [(3_000, Outcome.OK)]


@TASKS_AND_CHAINS
def test_users_share_the_number_of_requests_that_ends_the_stage(clock, scenario):
    stage = Stage(concurrency=4, requests=10)
    shard = run_shard(clock, plan(scenario=scenario, stages=(stage,), **COUNTED), FakeAsyncTransport(clock))
    assert [milliseconds(row.sent_ns) for row in samples(shard)] == [0] * 4 + [100] * 4 + [200] * 2


@TASKS_AND_CHAINS
def test_more_users_than_requests_send_no_more_than_there_are(clock, scenario):
    stage = Stage(concurrency=8, requests=3)
    shard = run_shard(clock, plan(scenario=scenario, stages=(stage,), **COUNTED), FakeAsyncTransport(clock))
    assert len(samples(shard)) == shard.sent == 3


@TASKS_AND_CHAINS
def test_a_batch_goes_out_at_once_and_is_due_at_the_barrier(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(number * 10 * MS) for number in range(1, 21)])
    shard = run_shard(clock, plan(scenario=scenario, stages=(Stage(requests=20),), **BATCH), fake)
    rows = samples(shard)
    assert {row.due_ns for row in rows} == {row.sent_ns for row in rows} == {START_NS}
    assert max(milliseconds(row.done_ns) for row in rows) == 200
    assert fake.in_flight_peak == 20


def test_a_batch_of_one_coroutine_is_due_at_the_barrier_and_goes_out_one_by_one(clock):
    fake = FakeAsyncTransport(clock)
    rows = samples(run_shard(clock, plan(scenario="coroutine", stages=(Stage(requests=5),), **BATCH), fake))
    assert [milliseconds(row.sent_ns) for row in rows] == [0, 100, 200, 300, 400]
    assert {row.due_ns for row in rows} == {START_NS}
    assert fake.in_flight_peak == 1


def test_a_batch_is_not_cut_while_there_is_something_left_to_send(clock):
    whole = plan(scenario="coroutine", stages=(Stage(requests=30),), drain_ns=NS_PER_S, **BATCH)
    assert outcomes(samples(run_shard(clock, whole, FakeAsyncTransport(clock)))) == ["ok"] * 30


@TASKS_AND_CHAINS
def test_a_user_thinks_after_each_reply(clock, scenario):
    shard = run_shard(clock, plan(scenario=scenario, think_ns=150 * MS), FakeAsyncTransport(clock))
    rows = samples(shard)
    assert [milliseconds(row.due_ns) for row in rows] == [0, 250, 500, 750]
    assert all(abs(row.sent_ns - row.due_ns) <= 1 for row in rows)


@TASKS_AND_CHAINS
def test_users_that_think_start_spread_over_a_think_time(clock, scenario):
    whole = plan(
        scenario=scenario, stages=(Stage(concurrency=4),), think_ns=800 * MS, duration_ns=2 * NS_PER_S
    )
    rows = samples(run_shard(clock, whole, FakeAsyncTransport(clock, [Answer(0)] * 99)))
    assert [milliseconds(row.sent_ns) for row in rows] == list(range(0, 2_000, 200))
    assert all(row.due_ns == row.sent_ns for row in rows), "who starts later is not late"


@TASKS_AND_CHAINS
def test_users_start_over_the_ramp_up_also_where_they_do_not_think(clock, scenario):
    whole = plan(scenario=scenario, stages=(Stage(concurrency=3),), ramp_up_ns=300 * MS)
    fake = FakeAsyncTransport(clock, [Answer(10 * NS_PER_S)] * 3)
    rows = samples(run_shard(clock, whole, fake))
    assert [milliseconds(row.due_ns) for row in rows] == [0, 100, 200]


@TASKS_AND_CHAINS
def test_with_a_ramp_up_of_nothing_users_that_think_start_together(clock, scenario):
    whole = plan(scenario=scenario, stages=(Stage(concurrency=3),), think_ns=NS_PER_S, ramp_up_ns=0)
    rows = samples(run_shard(clock, whole, FakeAsyncTransport(clock)))
    assert [milliseconds(row.due_ns) for row in rows] == [0, 0, 0]


@TASKS_AND_CHAINS
def test_a_users_random_pauses_are_its_own_and_repeat(clock, scenario):
    whole = plan(
        scenario=scenario,
        stages=(Stage(concurrency=3),),
        think_ns=100 * MS,
        think_shape=Exponential(),
        duration_ns=20 * NS_PER_S,
    )
    rows = samples(run_shard(clock, whole, FakeAsyncTransport(clock, [Answer(0)] * 10_000)))
    due = {row.due_ns for row in rows}
    for user in range(3):
        first_ns, pauses_ns = pace(whole, whole.stages[0], user)
        moments = [START_NS + first_ns + sum(gone) for gone in _heads(list(islice(pauses_ns, 20)))]
        assert set(moments) <= due
    assert len(rows) == pytest.approx(600, rel=0.2)


def _heads(pauses):
    return [pauses[:length] for length in range(len(pauses))]


def test_a_user_that_would_start_after_the_end_sends_nothing(clock):
    whole = plan(stages=(Stage(concurrency=2),), ramp_up_ns=4 * NS_PER_S)
    rows = samples(run_shard(clock, whole, FakeAsyncTransport(clock, [Answer(9 * NS_PER_S)])))
    assert [milliseconds(row.due_ns) for row in rows] == [0]


@TASKS_AND_CHAINS
def test_a_late_client_shows_as_lag_and_does_not_move_what_is_due(clock, scenario):
    async def hold_the_loop(_shard):
        await asyncio.sleep(0.2)
        clock.turn(130 * MS)  # the loop is held from 200 to 330 ms; the second request is due at 250

    shard = run_shard(
        clock, plan(scenario=scenario, think_ns=150 * MS), FakeAsyncTransport(clock), meanwhile=hold_the_loop
    )
    second = samples(shard)[1]
    assert (milliseconds(second.due_ns), milliseconds(second.sent_ns)) == (250, 330)


@TASKS_AND_CHAINS
def test_without_think_time_a_late_reply_is_the_next_due_moment(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(270 * MS), Answer(30 * MS)])
    rows = samples(run_shard(clock, plan(scenario=scenario, duration_ns=400 * MS), fake))
    assert [milliseconds(row.due_ns) for row in rows] == [0, 270, 300]
    assert all(row.due_ns == row.sent_ns for row in rows)


@TASKS_AND_CHAINS
def test_a_halt_lets_no_more_out_and_waits_for_what_is_in_flight(clock, scenario):
    async def halt(shard):
        await asyncio.sleep(0.25)
        shard.halt()

    shard = run_shard(
        clock,
        plan(scenario=scenario, stages=(Stage(concurrency=2),)),
        FakeAsyncTransport(clock),
        meanwhile=halt,
    )
    rows = samples(shard)
    assert max(milliseconds(row.sent_ns) for row in rows) == 200
    assert outcomes(rows) == ["ok"] * 6


@TASKS_AND_CHAINS
def test_a_halt_ends_thinking_soon(clock, scenario):
    async def halt(shard):
        await asyncio.sleep(1)
        shard.halt()

    whole = plan(scenario=scenario, think_ns=3600 * NS_PER_S, duration_ns=7200 * NS_PER_S)
    assert len(samples(run_shard(clock, whole, FakeAsyncTransport(clock), meanwhile=halt))) == 1
    assert clock.now_ns() - START_NS < 1.2 * NS_PER_S


@TASKS_AND_CHAINS
def test_what_has_no_answer_at_the_end_of_the_drain_is_unfinished_and_not_lost(clock, scenario):
    answers = [Answer(100 * MS), Answer(3600 * NS_PER_S), Answer(300 * MS)]
    fake = FakeAsyncTransport(clock, answers)
    whole = plan(scenario=scenario, stages=(Stage(requests=3),), drain_ns=2 * NS_PER_S, **BATCH)
    shard = run_shard(clock, whole, fake)
    rows = samples(shard)
    assert sorted(outcomes(rows)) == ["ok", "ok", "unfinished"]
    (left,) = [row for row in rows if row.outcome == Outcome.UNFINISHED]
    assert (left.due_ns, left.sent_ns) == (START_NS, START_NS)
    assert 2_000 <= milliseconds(left.done_ns) <= 2_200
    assert fake.in_flight == 0


@TASKS_AND_CHAINS
def test_what_a_transport_raises_ends_the_shard_soon_and_is_raised(clock, scenario):
    fake = FakeAsyncTransport(clock, [Answer(), Answer(10 * MS, ValueError("a fault of the transport"))])
    whole = plan(scenario=scenario, stages=(Stage(concurrency=5),), duration_ns=3600 * NS_PER_S)
    with pytest.raises(ValueError, match="a fault of the transport"):
        run_shard(clock, whole, fake)
    assert clock.now_ns() - START_NS < NS_PER_S
    assert fake.in_flight == 0


def test_callbacks_make_no_task_but_the_request_in_flight(clock):
    seen = set()

    async def count_tasks(_shard):
        while True:
            await asyncio.sleep(0.033)
            seen.add(len(asyncio.all_tasks()))

    whole = plan(scenario="callback", stages=(Stage(concurrency=7),))
    run_shard(clock, whole, FakeAsyncTransport(clock), meanwhile=count_tasks)
    assert max(seen) == 7 + 3, "this one, the scenario's, the one that carries both"


def test_the_shards_of_a_stage_send_as_much_as_one_would(clock):
    stage = Stage(concurrency=5, requests=17)
    whole = plan(scenario="pool", stages=(stage,), processes=3, **COUNTED)
    sent = [
        run_shard(clock, whole, FakeAsyncTransport(clock), share=Share(stage, number, 3)).sent
        for number in range(3)
    ]
    assert sum(sent) == 17


delays = st.sampled_from([0, 1, 49, 50, 51, 100, 150, 950, 1_000, 1_050, 1_100, 2_000, 60_000]) | st.integers(
    0, 3_000
)
replies = st.sampled_from(
    [OK, Reply(Outcome.HTTP_ERROR, 503, 1), Reply(Outcome.TIMEOUT), Reply(Outcome.CONNECT_ERROR)]
)
scripts = st.lists(st.builds(lambda delay, reply: Answer(delay * MS, reply), delays, replies), max_size=40)
shapes = st.sampled_from(
    [
        {"stages": (Stage(concurrency=3),)},
        {"stages": (Stage(concurrency=3),), "think_ns": 70 * MS},
        {"stages": (Stage(concurrency=4, requests=11),), **COUNTED},
        {"stages": (Stage(requests=9),), **BATCH},
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["task", "callback"]), shapes, scripts, st.none() | st.integers(0, 3_000), st.booleans()
)
def test_whatever_happens_every_request_that_went_out_ends_as_one_row(
    scenario, shape, script, halt_ms, quits
):
    clock = FakeClock()
    whole = plan(scenario=scenario, drain_ns=NS_PER_S, **shape)

    async def halt(shard):
        if halt_ms is not None:
            await asyncio.sleep(halt_ms / 1_000)
            shard.halt()
            if quits:
                shard.drain_from_ns = clock.now_ns() - whole.drain_ns
        await asyncio.sleep(3600)

    answers = [*script, *[Answer(100 * MS)] * 3]
    fake = FakeAsyncTransport(clock, answers)
    shard = run_shard(clock, whole, fake, meanwhile=halt)
    rows = samples(shard)
    assert len(rows) == shard.sent == len(fake.sent)
    assert fake.in_flight == 0
    users = 9 if shard.is_batch else whole.stages[0].concurrency
    assert fake.in_flight_peak <= users
    starts = {shard.begin_ns + shard.pace(index).first_ns for index in range(users)}
    replied = {row.done_ns + whole.think_ns for row in rows}
    resumed = {
        row.done_ns + whole.think_ns + pause_ms * MS
        for row in rows
        if connection_failed(Reply(Outcome(row.outcome))) and row.done_ns - row.sent_ns < AT_ONCE_NS
        for pause_ms in (1, 2, 4, 8, 16, 32, 64, 100)
    }
    for row in rows:
        assert row.due_ns <= row.sent_ns <= row.done_ns
        assert row.due_ns in starts or (not shard.is_batch and row.due_ns in replied | resumed)


# --- users that block ---


def blocking(clock, whole, *answers):
    shard = shard_of(clock, whole)
    fake = FakeBlockingTransport(clock, answers)
    (requests, *_) = shard.requests_by_user(
        [fake.prepare(request) for request in whole.requests], apart=False
    )
    return shard, fake, BlockingUser(shard, requests, fake.send, threading.Lock(), shard.pace(0))


def test_a_blocking_user_sends_until_the_duration_is_over(clock):
    shard, _, user = blocking(clock, plan())
    user.run()
    rows = samples(shard)
    assert [milliseconds(row.sent_ns) for row in rows] == list(range(0, 1_000, 100))
    assert all(row.due_ns == row.sent_ns for row in rows)


def test_a_blocking_user_sends_its_number_of_requests(clock):
    shard, _, user = blocking(clock, plan(stages=(Stage(concurrency=1, requests=3),), **COUNTED))
    user.run()
    assert (len(samples(shard)), shard.sent) == (3, 3)


def test_a_blocking_users_batch_is_due_at_the_barrier(clock):
    shard, _, user = blocking(clock, plan(stages=(Stage(requests=3),), **BATCH))
    user.run()
    assert [(row.due_ns, milliseconds(row.sent_ns)) for row in samples(shard)] == [
        (START_NS, 0),
        (START_NS, 100),
        (START_NS, 200),
    ]


def test_a_blocking_user_thinks_after_each_reply(clock):
    shard, _, user = blocking(clock, plan(think_ns=150 * MS))
    user.run()
    assert [milliseconds(row.due_ns) for row in samples(shard)] == [0, 250, 500, 750]


def test_a_halted_blocking_user_finishes_its_request_and_sends_no_more(clock):
    shard, fake, user = blocking(clock, plan())
    fake.during = lambda: shard.halt() if len(fake.sent) == 2 else None
    user.run()
    assert outcomes(samples(shard)) == ["ok", "ok"]


def test_a_cut_blocking_user_counts_its_request_as_unfinished_and_its_reply_not_at_all(clock):
    shard, fake, user = blocking(clock, plan())
    fake.during = lambda: user.cut() if len(fake.sent) == 2 else None
    user.run()
    rows = samples(shard)
    assert outcomes(rows) == ["ok", "unfinished"]
    assert shard.sent == len(rows)
    assert milliseconds(rows[1].done_ns) == 150


def test_cutting_a_blocking_user_with_nothing_in_hand_counts_nothing(clock):
    shard, _, user = blocking(clock, plan(stages=(Stage(concurrency=1, requests=1),), **COUNTED))
    user.cut()
    user.run()
    user.cut()
    assert outcomes(samples(shard)) == ["ok"]


def test_users_that_take_turns_are_not_cut_while_there_is_something_left_to_send(clock):
    whole = plan(stages=(Stage(requests=40),), drain_ns=NS_PER_S, **BATCH)
    shard = shard_of(clock, whole)
    fake = FakeBlockingTransport(clock)
    users = [
        BlockingUser(shard, requests, fake.send, threading.Lock(), shard.pace(0))
        for requests in shard.requests_by_user(
            [fake.prepare(request) for request in whole.requests], apart=True
        )
    ]
    for user in islice(users, 39):
        user.run()
        assert shard.drain_left_ns() > 0
    users[39].run()
    assert outcomes(samples(shard)) == ["ok"] * 40
    assert shard.drain_left_ns() <= NS_PER_S
