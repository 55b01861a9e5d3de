"""Distributions of nanoseconds: exact counts in HdrHistogram's buckets, so that merging loses nothing.

Bucket layout: Gil Tene's HdrHistogram (hdrhistogram.org) with 1 ns as the lowest discernible value,
one hour as the highest and three significant digits. `encode` gives its published V2 encoding, so
other programs can read, merge and draw the same counts. Percentiles are read from merged counts and
never averaged.
"""

import math
from typing import NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt

from loadlab.clock import NS_PER_S
from loadlab.recording import hdr_encoding

Int64s = npt.NDArray[np.int64]

HIGHEST_NS = 3600 * NS_PER_S
DIGITS = 3
_HALF_BITS = 10
_HALF = 1 << _HALF_BITS
"""Half the sub-buckets: from 2048 on, each doubling of the value shares 1024 buckets."""
_MANTISSA_BITS, _EXPONENT_OF_1 = 52, 1023
"""Of a double (IEEE 754, binary64)."""
_BEFORE_HALF = ((_EXPONENT_OF_1 + _HALF_BITS) << _HALF_BITS) - _HALF
"""What the upper bits of _HALF as a double exceed its bucket by, which is _HALF."""


def bucket_of(values_ns: Int64s) -> Int64s:
    """Return the bucket index of each value; values are whole nanoseconds from 0 to HIGHEST_NS."""
    # A double is exact here, HIGHEST_NS has fewer bits than 53. What stands before the last of its fraction's
    # bits, its exponent and the first ten of the fraction, numbers the buckets of the values from _HALF on.
    buckets = values_ns.astype(np.float64).view(np.int64)
    buckets >>= _MANTISSA_BITS - _HALF_BITS
    buckets -= _BEFORE_HALF
    return np.maximum(buckets, np.minimum(values_ns, _HALF), out=buckets)


def _end_of(max_ns: int) -> int:
    """Return the index behind the bucket of a value: from it on is nothing, where that is the highest."""
    shift = max(max_ns.bit_length() - 1 - _HALF_BITS, 0)
    return (shift << _HALF_BITS) + (max_ns >> shift) + 1


def _filled(counts: Int64s) -> Int64s:
    """Return where something was counted; among truth values that is found faster."""
    return np.flatnonzero(counts != 0)


def highest_in(bucket: int) -> int:
    """Return the highest value that shares a bucket: what a percentile reports."""
    shift = max((bucket >> _HALF_BITS) - 1, 0)
    return ((bucket - (shift << _HALF_BITS) + 1) << shift) - 1


LENGTH = _end_of(HIGHEST_NS)
_BUCKET, _COUNT = np.uint16, np.uint32
assert np.iinfo(_BUCKET).max >= LENGTH
_NONE: Int64s = np.zeros(LENGTH, dtype=np.int64)
"""The counts of every empty distribution: there are many, and zeros of each would take a quarter of a MiB."""
_NONE.flags.writeable = False


class BucketCounts(NamedTuple):
    """Values counted by bucket, to be added in more than one place."""

    lowest: int
    """The first bucket that one of them is in."""
    counts: Int64s
    """From that bucket on, as far as the last."""
    counted: int
    sum_ns: int
    max_ns: int

    @classmethod
    def of(cls, values_ns: Int64s) -> Self:
        """Count these values, one at least, clipped to the range from 0 to HIGHEST_NS."""
        min_ns, max_ns = int(values_ns.min()), int(values_ns.max())
        if min_ns < 0 or max_ns > HIGHEST_NS:
            return cls.of(np.clip(values_ns, 0, HIGHEST_NS))
        counted, lowest = len(values_ns), _end_of(min_ns) - 1
        if min_ns == max_ns:
            return cls(lowest, np.array([counted]), counted, counted * min_ns, max_ns)
        counts = np.bincount(bucket_of(values_ns) - lowest)
        return cls(lowest, counts, counted, int(values_ns.sum()), max_ns)

    def sparse(self) -> "Sparse":
        """Return the buckets that are not empty."""
        filled = _filled(self.counts)
        return Sparse.where(filled, self.counts[filled], self.sum_ns, self.max_ns, self.lowest)


class Sparse(msgspec.Struct, array_like=True, frozen=True):
    """The buckets of a distribution that are not empty: for keeping many, and between processes.

    Of a second or two: no bucket of one holds more than 32 bits can count.
    """

    buckets: bytes = b""
    """Their indices, ascending, of 16 bits each."""
    counts: bytes = b""
    """Of 32 bits each."""
    sum_ns: int = 0
    max_ns: int = 0

    @staticmethod
    def of(values_ns: Int64s) -> "Sparse":
        """Count these values, clipped to the range from 0 to HIGHEST_NS."""
        return BucketCounts.of(values_ns).sparse() if len(values_ns) else Sparse()

    @classmethod
    def where(cls, filled: Int64s, counts: Int64s, sum_ns: int, max_ns: int, lowest: int = 0) -> Self:
        """Return these counts of these buckets, which are numbered from the lowest."""
        buckets = (filled + lowest).astype(_BUCKET)
        return cls(buckets.tobytes(), counts.astype(_COUNT).tobytes(), sum_ns, max_ns)

    def read(self) -> tuple[Int64s, Int64s]:
        """Return buckets and counts."""
        buckets = np.frombuffer(self.buckets, dtype=_BUCKET).astype(np.int64)
        return buckets, np.frombuffer(self.counts, dtype=_COUNT).astype(np.int64)

    def plus(self, other: Self) -> Self:
        """Return both together."""
        if not (self.buckets and other.buckets):
            return self if self.buckets else other
        (mine, my_counts), (theirs, their_counts) = self.read(), other.read()
        lowest, highest = min(mine[0], theirs[0]), max(mine[-1], theirs[-1])
        counts = np.zeros(highest - lowest + 1, dtype=np.int64)
        counts[mine - lowest] = my_counts
        counts[theirs - lowest] += their_counts
        filled = _filled(counts)
        sum_ns, max_ns = self.sum_ns + other.sum_ns, max(self.max_ns, other.max_ns)
        return self.where(filled, counts[filled], sum_ns, max_ns, int(lowest))


class Histogram:
    """Counts of values in nanoseconds, with their exact sum and maximum.

    Values below 0 count as 0 and values above HIGHEST_NS as HIGHEST_NS: nothing is left out.
    """

    __slots__ = ("_sparse", "count", "counts", "max_ns", "sum_ns")

    def __init__(self) -> None:
        self.counts: Int64s = _NONE
        """By bucket; not to be written to."""
        self.count = 0
        self.sum_ns = 0
        self.max_ns = 0
        self._sparse: Sparse | None = None

    def record(self, values_ns: Int64s) -> None:
        """Count each of the values."""
        if len(values_ns):
            self.add(BucketCounts.of(values_ns))

    def add(self, values: BucketCounts) -> None:
        """Add values that are counted."""
        self._sparse = None
        if self.counts is _NONE:
            self.counts = np.zeros(LENGTH, dtype=np.int64)
        self.counts[values.lowest : values.lowest + len(values.counts)] += values.counts
        self.count += values.counted
        self.sum_ns += values.sum_ns
        self.max_ns = max(self.max_ns, values.max_ns)

    def merge(self, other: Self) -> None:
        """Add the other's counts; the order of merges makes no difference."""
        if not other.count:
            return
        self._sparse = None
        if self.counts is _NONE:
            self.counts = np.zeros(LENGTH, dtype=np.int64)
        end = _end_of(other.max_ns)
        self.counts[:end] += other.counts[:end]
        self.count += other.count
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)

    def value_at_rank(self, rank: int) -> int:
        """Return the value of the rank-th smallest, counted from 1, as its bucket's highest value."""
        return min(highest_in(self.bucket_at_rank(rank)), self.max_ns)

    def bucket_at_rank(self, rank: int) -> int:
        """Return the bucket of the rank-th smallest, counted from 1."""
        if not 1 <= rank <= self.count:
            raise ValueError(f"rank {rank} of {self.count}")
        return int(np.searchsorted(np.cumsum(self.counts[: _end_of(self.max_ns)]), rank))

    @property
    def mean_ns(self) -> float | None:
        """The exact mean, None of nothing."""
        return self.sum_ns / self.count if self.count else None

    def sparse(self) -> Sparse:
        """Return the buckets that are not empty; found once, and kept until something is counted."""
        if self._sparse is None:
            buckets = _filled(self.counts[: _end_of(self.max_ns)])
            self._sparse = Sparse.where(buckets, self.counts[buckets], self.sum_ns, self.max_ns)
        return self._sparse

    @classmethod
    def of(cls, sparse: Sparse) -> Self:
        """Return the distribution with these counts."""
        self = cls()
        buckets, counts = sparse.read()
        if len(counts):
            self.counts = np.zeros(LENGTH, dtype=np.int64)
            self.counts[buckets] = counts
        self.count = int(counts.sum())
        self.sum_ns = sparse.sum_ns
        self.max_ns = sparse.max_ns
        return self

    def encode(self) -> str:
        """Return the HdrHistogram V2 compressed encoding, base64."""
        filled = _filled(self.counts)
        buckets = zip(filled.tolist(), self.counts[filled].tolist(), strict=True)
        return hdr_encoding.encode(buckets, lowest=1, highest=HIGHEST_NS, digits=DIGITS)


def quantile_ns(known: Histogram, censored: Histogram, quantile: float) -> int | None:
    """Return a quantile of known values and of values known only to be at least so much.

    None where it can't be told: where the censored values, which may lie anywhere from their bound
    to infinity, could move it; and where there are too few values for the upper end of its 95 %
    order-statistic interval, rank n*q + 1.96*sqrt(n*q*(1-q)), to exist (David & Nagaraja, Order
    Statistics, 3rd ed., section 7.1).
    """
    count = known.count + censored.count
    if count == 0 or _ranks(count, quantile)[1] > count:
        return None
    return _at_rank(known, censored, max(1, math.ceil(count * quantile - 1e-9)))


def interval_ns(known: Histogram, censored: Histogram, quantile: float) -> tuple[int, int | None] | None:
    """Return the 95 % order-statistic interval of a quantile; None where the quantile can't be told.

    Its upper end is None where a censored value stands there. It holds for values that are independent;
    latencies are not quite, so the truth may lie outside a little more often.
    """
    if quantile_ns(known, censored, quantile) is None:
        return None
    low, high = _ranks(known.count + censored.count, quantile)
    return (
        _at_rank(known, censored, max(1, math.floor(low))) or 0,
        _at_rank(known, censored, max(1, math.ceil(high - 1e-9))),
    )


def _ranks(count: int, quantile: float) -> tuple[float, float]:
    half = 1.96 * math.sqrt(count * quantile * (1 - quantile))
    return count * quantile - half, count * quantile + half


def _at_rank(known: Histogram, censored: Histogram, rank: int) -> int | None:
    """Return the value of a rank among both; None where censored values could move it."""
    if rank > known.count:
        return None
    if censored.count:
        together = Histogram()
        together.merge(known)
        together.merge(censored)
        if together.bucket_at_rank(rank) != known.bucket_at_rank(rank):
            return None
    return known.value_at_rank(rank)
