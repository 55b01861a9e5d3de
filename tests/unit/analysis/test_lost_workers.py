"""What went with a lost shard: arithmetic for a batch and an open schedule, unknown for closed users."""

import numpy as np
import pytest

from loadlab.analysis.lost_workers import Missed, due_in_window, missed, with_unknown
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.cpu_use import CpuUse
from loadlab.fleet.stage_counts import Lost, StageCounts
from loadlab.recording.histogram import Histogram
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, plan

SECONDS = 2
WINDOW = Window(START_NS, START_NS + SECONDS * NS_PER_S)
OPEN = plan(
    workload=Workload.OPEN,
    stages=(Stage(rate_hz=100.0),),
    duration_ns=SECONDS * NS_PER_S,
    warmup_ns=NS_PER_S,
    max_in_flight=100,
)
BATCH = plan(workload=Workload.BATCH, stages=(Stage(requests=20),), duration_ns=None)
CLOSED = plan(stages=(Stage(concurrency=4),), duration_ns=SECONDS * NS_PER_S)


def lost(shard=0, unknown=0):
    return Lost(shard, "was killed", 0, unknown)


def carried(known=0, *, window=WINDOW, shards=2, **changed):
    """The recorder when so many requests have an outcome."""
    counted = Recorder(WINDOW)
    if known:
        due = START_NS + np.arange(known, dtype=np.int64) * NS_PER_MS
        one = np.ones(known, dtype=np.int64)
        counted.fold(np.column_stack((due, due, due + 1, one * Outcome.OK, one * 200, one, one * 0)))
    return StageCounts(
        **{
            "counted": counted,
            "window": window,
            "lost": (lost(),),
            "stats": ConnectionStats(),
            "cpu_use": (CpuUse(0.5),) * shards,
            "loop_stall_max_ns": 0,
            **changed,
        }
    )


def of(whole, what):
    return missed(whole, whole.stages[0], what)


@pytest.mark.parametrize("whole", [OPEN, BATCH, CLOSED])
def test_nothing_is_missed_where_no_shard_is_lost(whole):
    assert of(whole, carried(lost=())) == Missed(0, 0)


def test_what_closed_users_would_have_sent_can_not_be_known():
    assert of(CLOSED, carried(lost=(lost(unknown=3),))) == Missed(0, 0)


@pytest.mark.parametrize(("known", "unfinished"), [(0, 200), (150, 50), (200, 0), (250, 0)])
def test_of_an_open_schedule_all_that_has_no_outcome_is_unfinished(known, unfinished):
    assert of(OPEN, carried(known)) == Missed(unfinished, 0)


@pytest.mark.parametrize(
    ("known", "unknown", "expected"),
    [(12, (3,), (3, 5)), (12, (3, 2), (5, 3)), (12, (30,), (8, 0)), (20, (0,), (0, 0)), (25, (2,), (0, 0))],
)
def test_of_a_batch_what_was_sent_is_unfinished_and_the_rest_was_dropped(known, unknown, expected):
    shards = tuple(lost(shard, each) for shard, each in enumerate(unknown))
    assert of(BATCH, carried(known, lost=shards)) == Missed(*expected)


def test_the_warm_up_is_not_due_in_the_window():
    assert due_in_window(OPEN, OPEN.stages[0], carried(lost=())) == 100 * SECONDS


@pytest.mark.parametrize(
    ("halted_ms", "due"),
    [
        # 50/s a shard: shard 0 has 0, 20, 40 ms …, shard 1 10, 30, 50 ms …
        ({0: 1000, 1: 1000}, 101),
        ({0: 1000}, 151),
        ({0: 1000 - 1e-6}, 150),
        ({0: 999}, 150),
        ({1: 990}, 150),
        ({0: 3000, 1: 3000}, 200),
    ],
)
def test_a_shard_that_was_halted_has_what_was_due_up_to_then(halted_ms, due):
    halted_ns = {shard: START_NS + round(at * NS_PER_MS) for shard, at in halted_ms.items()}
    what = carried(lost=(), halted=True, halted_ns=halted_ns)
    assert due_in_window(OPEN, OPEN.stages[0], what) == due


def test_a_shard_that_was_lost_has_what_was_due_up_to_the_end_of_what_was_measured():
    half = Window(START_NS, START_NS + NS_PER_S)
    what = carried(window=half, lost=(lost(shard=1),), halted_ns={0: START_NS + NS_PER_S})
    assert due_in_window(OPEN, OPEN.stages[0], what) == 51 + 50


def test_a_poisson_schedule_is_that_of_its_seed():
    def due(seed):
        whole = plan(
            workload=Workload.OPEN,
            stages=(Stage(rate_hz=100.0),),
            duration_ns=SECONDS * NS_PER_S,
            warmup_ns=NS_PER_S,
            max_in_flight=100,
            spacing=Spacing.POISSON,
            seed=seed,
        )
        return due_in_window(whole, whole.stages[0], carried(lost=()))

    assert len({due(seed) for seed in range(1, 9)}) > 1


def test_of_unknown_waits_only_their_number_is_known():
    late = Histogram()
    late.record(np.array([5 * NS_PER_MS], dtype=np.int64))
    together = with_unknown(late, 3)
    assert together.count == 4
    assert (late.count, together.max_ns) == (1, pytest.approx(5 * NS_PER_MS, rel=1e-3))
