"""Closed users wait where their connections fail at once, ever longer, and never after an answer."""

import itertools
import threading

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.load.backing_off import BackingOff
from loadlab.load.closed_users import BlockingUser
from loadlab.load.shard import Share
from loadlab.recording.sample import Outcome, Reply, Sample
from loadlab.transports.status_outcomes import cut_off, malformed
from loadlab.workload.plan import Stage
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
from unit.load.test_callback_users import FakeCallbackTransport

pytestmark = pytest.mark.usefixtures("fake_transport")

MS = NS_PER_MS
REFUSED = Answer(0, Reply(Outcome.CONNECT_ERROR))
FINE = Answer(10 * MS)
PAUSES_MS = [1, 2, 4, 8, 16, 32, 64, 100, 100, 100]


@pytest.fixture
def clock():
    return FakeClock()


def by_task(clock, answers, **changed):
    return run_shard(clock, plan(scenario="task", **changed), FakeAsyncTransport(clock, answers))


def by_future(clock, answers, **changed):
    return run_shard(clock, plan(scenario="callback", **changed), FakeAsyncTransport(clock, answers))


def by_call(clock, answers, **changed):
    return run_shard(clock, plan(scenario="callback", **changed), FakeCallbackTransport(clock, answers))


def by_thread(clock, answers, **changed):
    shard = shard_of(clock, plan(scenario="threads", **changed))
    transport = FakeBlockingTransport(clock, answers)
    (requests,) = shard.requests_by_user(["a request"], apart=False)
    BlockingUser(shard, requests, transport.send, threading.Lock(), shard.pace(0)).run()
    return shard


WAYS = pytest.mark.parametrize("by", [by_task, by_future, by_call, by_thread])


def rows_of(shard):
    return [Sample(*row) for row in shard.tape.cut(1 << 30).tolist()]


def sent_ms(shard):
    return [round((row.sent_ns - START_NS) / MS) for row in rows_of(shard)]


@WAYS
def test_a_user_whose_connection_fails_at_once_waits_ever_longer_up_to_100_ms(clock, by):
    sent = sent_ms(by(clock, [REFUSED] * 100))

    pauses = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert pauses[: len(PAUSES_MS)] == PAUSES_MS
    assert len(sent) < 20, "of a second"


@WAYS
def test_how_long_users_waited_in_the_window_is_counted(clock, by):
    shard = by(clock, [REFUSED] * 5)

    assert shard.backed_off_ns == (1 + 2 + 4 + 8 + 16) * MS


@WAYS
def test_a_request_after_a_pause_is_due_when_it_is_sent(clock, by):
    """Who waits after a failure is late for nothing: the pause is neither lag nor latency."""
    rows = rows_of(by(clock, [REFUSED] * 5))

    assert all(row.due_ns == row.sent_ns for row in rows)


@WAYS
def test_an_answer_ends_the_pauses_and_the_next_failure_begins_anew(clock, by):
    shard = by(clock, [REFUSED, REFUSED, REFUSED, FINE, REFUSED, FINE, FINE])

    assert sent_ms(shard)[:7] == [0, 1, 3, 7, 17, 18, 28]


@WAYS
def test_pauses_go_on_where_a_failure_between_them_came_late(clock, by):
    """A client without a core hears late of a refusal: the target is away all the same."""
    late = Answer(20 * MS, REFUSED.reply)
    sent = sent_ms(by(clock, [REFUSED, REFUSED, REFUSED, late, late, REFUSED, FINE, REFUSED, FINE]))

    assert sent[:9] == [0, 1, 3, 7, 27, 47, 55, 65, 66]


@WAYS
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_the_target_closes_in_silence_is_a_failure_too(clock, by, kept, reset):
    closed = Answer(2 * MS, cut_off(kept=kept, heard=False, reset=reset))

    assert sent_ms(by(clock, [closed, closed, FINE]))[:3] == [0, 3, 7]


@WAYS
@pytest.mark.parametrize(
    "answer",
    [
        Answer(0, OK),
        Answer(0, Reply(Outcome.HTTP_ERROR, 503)),
        Answer(10 * MS, Reply(Outcome.CONNECT_ERROR)),
        Answer(5 * MS, Reply(Outcome.TIMEOUT)),
        Answer(2 * MS, cut_off(kept=False, heard=True, reset=False)),
        Answer(2 * MS, malformed("status line")),
    ],
    ids=["ok", "an HTTP answer", "one that failed late", "a time limit", "half an answer", "no HTTP"],
)
def test_nobody_waits_after_anything_else(clock, by, answer):
    shard = by(clock, [answer, answer, FINE])

    assert sent_ms(shard)[:3] == [0, answer.delay_ns // MS, 2 * answer.delay_ns // MS]
    assert shard.backed_off_ns == 0


@WAYS
def test_a_pause_comes_after_the_time_to_think(clock, by):
    assert sent_ms(by(clock, [REFUSED, REFUSED, FINE], think_ns=50 * MS))[:3] == [0, 51, 103]


@WAYS
def test_no_request_goes_out_after_the_end_of_the_stage(clock, by):
    sent = sent_ms(by(clock, [REFUSED] * 100, duration_ns=250 * MS))

    assert sent[-1] < 250
    assert clock.now_ns() <= START_NS + 400 * MS


@WAYS
def test_each_of_a_number_of_requests_is_sent_however_often_it_fails(clock, by):
    counted = {"duration_ns": None, "stages": (Stage(concurrency=1, requests=12),)}

    assert len(sent_ms(by(clock, [REFUSED] * 12, **counted))) == 12


@pytest.mark.parametrize("by", [by_task, by_future, by_call])
def test_a_batch_waits_for_nothing(clock, by):
    batch = {"workload": Workload.BATCH, "duration_ns": None, "stages": (Stage(requests=5),)}
    shard = by(clock, [REFUSED] * 5, **batch)

    assert sent_ms(shard) == [0] * 5
    assert shard.backed_off_ns == 0


@pytest.mark.parametrize("scenario", ["task", "callback"])
def test_a_schedule_does_not_wait(clock, scenario):
    whole = plan(scenario=scenario, workload=Workload.OPEN, stages=(Stage(rate_hz=100.0),))
    shard = run_shard(clock, whole, FakeAsyncTransport(clock, [REFUSED] * 200), share=Share(whole.stages[0]))

    assert len(rows_of(shard)) == 100
    assert shard.backed_off_ns == 0


def test_users_wait_each_for_themselves(clock):
    shard = by_task(clock, [REFUSED, FINE, *[FINE] * 400], stages=(Stage(concurrency=2),))

    assert sorted(sent_ms(shard))[:4] == [0, 0, 1, 10]


def test_only_the_part_of_a_pause_in_the_window_counts(clock):
    shard = shard_of(clock, plan(duration_ns=NS_PER_S))
    user = BackingOff()
    user.pause_ns(shard, START_NS, shard.end_ns - NS_PER_MS // 2, REFUSED.reply, 0)

    assert shard.backed_off_ns == NS_PER_MS // 2


@pytest.mark.parametrize(("took_ns", "pause_ns"), [(10 * MS - 1, MS), (10 * MS, 0)])
def test_what_took_longer_than_10_ms_did_not_fail_at_once(clock, took_ns, pause_ns):
    shard = shard_of(clock, plan())

    assert BackingOff().pause_ns(shard, START_NS, START_NS, REFUSED.reply, took_ns) == pause_ns
