"""What went with a lost shard, as far as it can be known. Pure."""

from typing import NamedTuple

import numpy as np

from loadlab.fleet.supervisor import Carried
from loadlab.histogram import Histogram
from loadlab.plan import Plan, Stage, Workload


class Missed(NamedTuple):
    """Requests that were due and went with a lost shard."""

    unfinished: int = 0
    """Sent; what came of them is unknown."""
    dropped: int = 0
    """Never sent."""


def missed(plan: Plan, stage: Stage, carried: Carried) -> Missed:
    """Return how much of a batch went with lost shards; of closed users it can't be known."""
    if plan.workload is not Workload.BATCH or not carried.lost:
        return Missed()
    rest = max(0, (stage.requests or 0) - sum(carried.counted.counts))
    unfinished = min(rest, sum(lost.unknown for lost in carried.lost))
    return Missed(unfinished, rest - unfinished)


def with_unknown(late: Histogram, unfinished: int) -> Histogram:
    """Return the waits of unanswered requests together with lost ones, of which nothing is known."""
    together = Histogram()
    together.merge(late)
    together.record(np.zeros(unfinished, dtype=np.int64))
    return together
