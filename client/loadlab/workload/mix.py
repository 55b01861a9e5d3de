"""Which of several weighted requests is sent next, in its proportion however many there are. Pure.

The weights lie end to end on a line from 0 to 1, and each step takes the request that a point falls on. The
points are a Weyl sequence with the golden ratio, which spreads them most evenly: among a million requests
each is sent as often as its share says, to within four (Niederreiter, *Random Number Generation and
Quasi-Monte Carlo Methods*, 1992, section 3.1). Its order is regular, so short runs are shuffled.
"""

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: whole numbers that overflow stay exact however many there are."""
_SHUFFLED = 256
"""Points that are shuffled with one another."""
_AT_ONCE = 4 * _SHUFFLED
"""Points that are made in one go, in some tens of microseconds."""


def mixed(
    items: Sequence[_T], weights: Sequence[float], *, seed: int, shard: int = 0, shards: int = 1
) -> Iterator[_T]:
    """Return an endless iterator over items in proportion to their weights, positive and finite.

    The order is drawn from the seed, another one for each shard. The shards' points lie between one
    another, so that together they keep the proportions, too.
    """
    if len(items) == 1:
        return itertools.repeat(items[0])
    return itertools.chain.from_iterable(_runs(items, weights, seed, shard, shards))


def _runs(
    items: Sequence[_T], weights: Sequence[float], seed: int, shard: int, shards: int
) -> Iterator[tuple[_T, ...]]:
    shares = np.asarray(weights, dtype=np.float64) / max(weights)  # whose sum can't overflow
    edges = np.cumsum(shares / shares.sum())[:-1]
    common = int(np.random.default_rng(seed).integers(0, 2**64, dtype=np.uint64))
    start = np.uint64((common + (shard << 64) // shards) % 2**64)
    order = np.random.default_rng([seed, shard])
    steps = np.arange(_AT_ONCE, dtype=np.uint64)
    for first in itertools.count(0, _AT_ONCE):
        points = (steps + np.uint64(first)) * _GOLDEN + start
        chosen = np.searchsorted(edges, points * 2.0**-64, side="right")
        shuffled = order.permuted(chosen.reshape(-1, _SHUFFLED), axis=1)
        yield operator.itemgetter(*shuffled.ravel().tolist())(items)
