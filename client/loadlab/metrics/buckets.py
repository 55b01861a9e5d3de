"""HdrHistogram's counts in Prometheus's classic buckets. Pure.

A value lies in the first bucket whose edge its HDR bucket's highest value does not exceed: within a
thousandth of what it is, and always in the same one, so that no cumulative count ever falls.
"""

from typing import NamedTuple, Self

import numpy as np

from loadlab.clock import NS_PER_S
from loadlab.recording.histogram import Histogram, Int64s, bucket_of

EDGES_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
"""The target's own, so that both can stand in one panel."""
LE = (*(str(edge_s) for edge_s in EDGES_S), "+Inf")

_EDGES_NS = np.array([round(edge_s * NS_PER_S) for edge_s in EDGES_S], dtype=np.int64)
_STARTS = np.concatenate([[0], bucket_of(_EDGES_NS + 1)])
"""The first HDR bucket of each classic one: that of the first value above the edge before it."""


class Spread(NamedTuple):
    """A distribution as a classic histogram has it."""

    counts: Int64s
    """Values up to each edge of `LE`; the last is the count of all."""
    sum_ns: int

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Return a copy of what a histogram holds now; costs the same however much that is."""
        return cls(np.add.reduceat(histogram.counts, _STARTS).cumsum(), histogram.sum_ns)

    def plus(self, other: Self) -> Self:
        """Return both together."""
        return type(self)(self.counts + other.counts, self.sum_ns + other.sum_ns)


EMPTY = Spread(np.zeros(len(LE), dtype=np.int64), 0)
