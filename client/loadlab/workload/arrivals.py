"""When requests of an open workload are due: pure arithmetic, no clock inside.

A `Profile` says how many requests are due by a moment; a spacing says which counts they fall on. Constant
spacing takes the whole numbers, Poisson spacing the points of a unit-rate Poisson process; both go through
the profile's inverse (the time-rescaling theorem: Brown et al., Neural Computation 14, 2002, section 2), so
that a ramp needs no code of its own in either.
"""

import bisect
import itertools
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Protocol

import msgspec
import numpy as np

from loadlab.clock import NS_PER_S

_BLOCK = 1024


class Profile(Protocol):
    """A rate over time."""

    def rate_hz(self, at_ns: int) -> float:
        """Return the rate at a moment after the start."""
        ...

    def at_ns(self, count: float) -> float:
        """Return the moment by which so many requests are due; infinity where that never comes."""
        ...


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """The same rate for ever."""

    hz: float

    def rate_hz(self, at_ns: int) -> float:  # noqa: ARG002 - the same at every moment
        """Return the rate."""
        return self.hz

    def at_ns(self, count: float) -> float:
        """Return count / rate."""
        return count / self.hz * NS_PER_S


class Ramp(msgspec.Struct, frozen=True, tag="ramp"):
    """A rate that changes evenly over a span and stays where it arrives."""

    from_hz: float
    to_hz: float
    over_ns: int
    after_ns: int = 0
    """How long the first rate is held before it changes."""

    def rate_hz(self, at_ns: int) -> float:
        """Return the rate on the straight line between the two."""
        part = min(1.0, max(0.0, (at_ns - self.after_ns) / self.over_ns))
        return self.from_hz + (self.to_hz - self.from_hz) * part

    def at_ns(self, count: float) -> float:
        """Solve from*t + (to - from)*t²/(2*over) = count for t; past the ramp's end, its last rate."""
        held = self.from_hz * self.after_ns / NS_PER_S
        if count <= held:
            return count / self.from_hz * NS_PER_S if count else 0.0
        return self.after_ns + self._ramp_ns(count - held)

    def _ramp_ns(self, count: float) -> float:
        over_s = self.over_ns / NS_PER_S
        whole = (self.from_hz + self.to_hz) / 2 * over_s
        if count >= whole:
            return math.inf if not self.to_hz else self.over_ns + (count - whole) / self.to_hz * NS_PER_S
        slope = (self.to_hz - self.from_hz) / over_s
        # The root in the form that stays exact where the slope is small.
        root = math.sqrt(max(0.0, self.from_hz**2 + 2 * slope * count))
        return 2 * count / (self.from_hz + root) * NS_PER_S


class Spacing(StrEnum):
    """How requests lie between one another."""

    CONSTANT = "constant"
    POISSON = "poisson"


class Arrivals(msgspec.Struct, frozen=True):
    """When the requests of an open workload are due."""

    profile: Constant | Ramp
    spacing: Spacing = Spacing.CONSTANT

    def rate_hz(self, at_ns: int) -> float:
        """Return the nominal rate of all shards together at a moment after the start."""
        return self.profile.rate_hz(at_ns)

    def due_ns(self, shard: int, shards: int, seed: int) -> Iterator[int]:
        """Return the due moments of one shard, after the start, in order and without an end.

        Constant: shard k has every shards-th request, beginning with the k-th, so that all shards together
        are the same schedule as one. Poisson: each shard has a stream of its own at its share of the rate;
        together they are a Poisson process at the whole rate. The same seed gives the same moments.
        """
        counts = (
            itertools.count(shard, shards)
            if self.spacing is Spacing.CONSTANT
            else _poisson_counts(shard, shards, seed)
        )
        for count in counts:
            at_ns = self.profile.at_ns(count)
            if at_ns == math.inf:
                return
            yield round(at_ns)

    def due_of(self, shard: int, shards: int, from_ns: int, to_ns: int, seed: int) -> int:
        """Return how many requests of one shard are due in a span, its start included and its end not."""
        if self.spacing is not Spacing.CONSTANT:
            return self._points_between(from_ns, to_ns, shard, shards, seed)
        first, last = (
            (self._whole_before(moment_ns) + shards - 1 - shard) // shards for moment_ns in (from_ns, to_ns)
        )
        return max(0, last - first)

    def _at(self, count: float) -> float:
        """Return the moment of a count in whole nanoseconds, or infinity."""
        at_ns = self.profile.at_ns(count)
        return at_ns if at_ns == math.inf else float(round(at_ns))

    def _whole_before(self, moment_ns: int) -> int:
        """Return how many whole counts fall before a moment: all shards have them together."""
        end = 1
        while self._at(end) < moment_ns:
            end *= 2
        return bisect.bisect_left(range(end), float(moment_ns), key=self._at)

    def _points_between(self, from_ns: int, to_ns: int, shard: int, shards: int, seed: int) -> int:
        due = 0
        for block in _poisson_blocks(shard, shards, seed):
            first = bisect.bisect_left(block, float(from_ns), key=self._at)
            last = bisect.bisect_left(block, float(to_ns), key=self._at)
            due += max(0, last - first)
            if last < len(block):
                return due
        raise AssertionError("blocks never end")


def _poisson_counts(shard: int, shards: int, seed: int) -> Iterator[float]:
    """Return the points of a Poisson process that has a point every `shards` counts on average."""
    return itertools.chain.from_iterable(_poisson_blocks(shard, shards, seed))


def _poisson_blocks(shard: int, shards: int, seed: int) -> Iterator[list[float]]:
    random = np.random.default_rng([seed, shards, shard])
    reached = 0.0
    while True:
        points = (reached + np.cumsum(random.exponential(shards, _BLOCK))).tolist()
        reached = points[-1]
        yield points
