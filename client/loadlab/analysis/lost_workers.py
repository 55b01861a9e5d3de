"""What went with a lost shard, as far as it can be known. Pure."""

from typing import NamedTuple

import numpy as np

from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.histogram import Histogram
from loadlab.workload.plan import Plan, Stage


class Missed(NamedTuple):
    """Requests that were due and went with a lost shard."""

    unfinished: int = 0
    """Sent; what came of them is unknown."""
    dropped: int = 0
    """Never sent."""


def missed(plan: Plan, stage: Stage, carried: StageCounts) -> Missed:
    """Return how much of what was due went with lost shards; of closed users it can't be known.

    A batch's is known by what was sent; of an open schedule all the rest is unfinished.
    """
    if not carried.lost or plan.workload.traits.has_users:
        return Missed()
    known = sum(carried.counted.counts)
    if plan.workload.traits.has_schedule:
        return Missed(max(0, due_in_window(plan, stage, carried) - known))
    rest = max(0, (stage.requests or 0) - known)
    unfinished = min(rest, sum(lost.unknown for lost in carried.lost))
    return Missed(unfinished, rest - unfinished)


def due_in_window(plan: Plan, stage: Stage, carried: StageCounts) -> int:
    """Return how many arrivals an open schedule has in the window, by arithmetic alone.

    A shard that was halted has those up to that moment, whenever its last reply came.
    """
    begin_ns = carried.window.start_ns - plan.warmup_ns
    arrivals, shards = plan.arrivals(stage), len(carried.cpu_use)
    return sum(
        arrivals.due_of(shard, shards, plan.warmup_ns, _until_ns(carried, shard) - begin_ns, plan.seed)
        for shard in range(shards)
    )


def _until_ns(carried: StageCounts, shard: int) -> int:
    """Return the moment from which on nothing of a shard's schedule is due in the window."""
    if any(lost.shard == shard for lost in carried.lost):
        return carried.window.end_ns or 0
    end_ns = carried.counted.window.end_ns or 0
    return min(end_ns, carried.halted_ns.get(shard, end_ns) + 1)


def with_unknown(late: Histogram, unfinished: int) -> Histogram:
    """Return the waits of unanswered requests together with lost ones, of which nothing is known."""
    together = Histogram()
    together.merge(late)
    together.record(np.zeros(unfinished, dtype=np.int64))
    return together
