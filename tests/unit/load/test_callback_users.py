"""Users on a transport that calls back by itself, on virtual time: the same rules as for any other user."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.sample import Outcome, Reply, Sample
from loadlab.transports import CallbackTransport
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import OK, START_NS, Answer, FakeAsyncTransport, FakeClock, plan, run_shard

pytestmark = pytest.mark.usefixtures("fake_transport")

MS = NS_PER_MS
BATCH = {"workload": Workload.BATCH, "duration_ns": None}


class FakeCallbackTransport(FakeAsyncTransport):
    """A fake that has `begin`, and whose `send` is not to be used."""

    async def send(self, prepared):
        raise AssertionError("a chain of calls makes no coroutine")

    def begin(self, prepared, replied, sent_ns):
        assert sent_ns == self.clock.now_ns()
        answer = self._begin(prepared)
        return Flight(self, replied, answer)


class Flight:
    def __init__(self, transport, replied, answer):
        self._transport, self._replied, self._answer = transport, replied, answer
        delay_s = answer.delay_ns / NS_PER_S
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._reply)

    def _reply(self):
        replied, self._replied = self._replied, None
        self._transport.in_flight -= 1
        replied(self._transport._end(self._answer))

    def abandon(self, replied):
        if self._replied is not replied:
            return False
        self._replied = None
        self._timer.cancel()
        self._transport.in_flight -= 1
        return True


@pytest.fixture
def clock():
    return FakeClock()


def carried(clock, answers=(), *, meanwhile=None, **changed):
    fake = FakeCallbackTransport(clock, answers)
    assert isinstance(fake, CallbackTransport)
    shard = run_shard(clock, plan(scenario="callback", **changed), fake, meanwhile=meanwhile)
    rows = sorted((Sample(*row) for row in shard.tape.cut(1 << 30).tolist()), key=lambda row: row.sent_ns)
    assert len(rows) == shard.sent == len(fake.sent)
    assert fake.in_flight == 0
    return rows, fake


def ms(moment_ns):
    return round((moment_ns - START_NS) / MS)


def test_closed_users_send_one_after_another_until_the_duration_is_over(clock):
    rows, fake = carried(clock, stages=(Stage(concurrency=3),))
    assert [ms(row.sent_ns) for row in rows] == [at for at in range(0, 1000, 100) for _ in range(3)]
    assert all(row.due_ns == row.sent_ns for row in rows)
    assert fake.in_flight_peak == 3


def test_a_thinking_user_is_due_after_its_reply_and_its_pause(clock):
    rows, _ = carried(clock, think_ns=150 * MS)
    assert [ms(row.due_ns) for row in rows] == [0, 250, 500, 750]


def test_a_batch_is_due_at_the_barrier(clock):
    rows, _ = carried(clock, stages=(Stage(requests=4),), **BATCH)
    assert [(ms(row.due_ns), ms(row.done_ns)) for row in rows] == [(0, 100)] * 4


def test_a_number_of_requests_is_shared_by_the_users(clock):
    rows, _ = carried(clock, stages=(Stage(concurrency=3, requests=7),), duration_ns=None)
    assert len(rows) == 7


def test_what_has_no_answer_at_the_end_of_the_drain_is_unfinished(clock):
    answers = [Answer(100 * MS), Answer(3600 * NS_PER_S)]
    rows, _ = carried(clock, answers, stages=(Stage(concurrency=2),), drain_ns=NS_PER_S)
    assert [row.outcome for row in rows].count(Outcome.UNFINISHED) == 1


def test_it_makes_no_task(clock):
    seen = set()

    async def count_tasks(_shard):
        while True:
            await asyncio.sleep(0.033)
            seen.add(len(asyncio.all_tasks()))

    carried(clock, stages=(Stage(concurrency=7),), meanwhile=count_tasks)
    # This one, the scenario's, the one that carries both; and the settling of users, while it waits.
    assert max(seen) <= 4


delays_ms = st.sampled_from([0, 1, 49, 50, 51, 100, 950, 1_000, 1_050, 2_000, 60_000]) | st.integers(0, 3_000)
replies = st.sampled_from([OK, Reply(Outcome.HTTP_ERROR, 503, 1), Reply(Outcome.TIMEOUT)])
scripts = st.lists(st.builds(lambda delay, reply: Answer(delay * MS, reply), delays_ms, replies), max_size=40)
shapes = st.sampled_from(
    [
        {"stages": (Stage(concurrency=3),)},
        {"stages": (Stage(concurrency=3),), "think_ns": 70 * MS},
        {"stages": (Stage(concurrency=4, requests=11),), "duration_ns": None},
        {"stages": (Stage(requests=9),), **BATCH},
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes, scripts, st.none() | st.integers(0, 3_000), st.booleans())
def test_whatever_happens_every_request_that_went_out_ends_as_one_row(shape, script, halt_ms, quits):
    clock = FakeClock()

    async def halt(shard):
        if halt_ms is not None:
            await asyncio.sleep(halt_ms / 1_000)
            shard.halt()
            if quits:
                shard.drain_from_ns = clock.now_ns() - NS_PER_S
        await asyncio.sleep(3600)

    answers = [*script, *[Answer(100 * MS)] * 3]
    rows, _ = carried(clock, answers, meanwhile=halt, drain_ns=NS_PER_S, **shape)
    think_ns = shape.get("think_ns", 0)
    starts = {START_NS + round(think_ns * user / 3) for user in range(3)}
    replied = {row.done_ns + think_ns for row in rows}
    for row in rows:
        assert row.due_ns <= row.sent_ns <= row.done_ns
        assert row.due_ns in starts or row.due_ns in replied
