"""When a target answered, and when requests failed or waited, in ticks of 20 ms: when it was away.

A second has a bit for each of its ticks. Bits are joined by `|`, so they merge in any order, and a second of
any rate takes two integers.
"""

from collections.abc import Iterator

import numpy as np

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.histogram import Int64s

TICK_NS = 20 * NS_PER_MS
TICKS = NS_PER_S // TICK_NS
"""Of a second."""
LONG_NS = NS_PER_S
"""An answer that takes so long may have met a target that stood still."""
_ONE = np.int64(1)


def bits_at(offsets_ns: Int64s) -> int:
    """Return the bits of moments within one second, each counted from its start."""
    return int(np.bitwise_or.reduce(_ONE << (offsets_ns // TICK_NS))) if len(offsets_ns) else 0


def bits_between(from_ns: Int64s, to_ns: Int64s) -> Iterator[tuple[int, int]]:
    """Give, second by second, the bits of every tick that one of these spans touches, both ends included.

    Moments are counted from the window's start. Seconds that no span touches are left out.
    """
    if not len(from_ns):
        return
    first, last = from_ns // TICK_NS, to_ns // TICK_NS
    base = int(first.min())
    changes = np.zeros(int(last.max()) - base + 2, dtype=np.int64)
    np.add.at(changes, first - base, 1)
    np.add.at(changes, last - base + 1, -1)
    ticks = np.flatnonzero(np.cumsum(changes)) + base
    # Not numpy's `unique`, which imports a module when it is first called: there may be no file left for it.
    for second in sorted(set((ticks // TICKS).tolist())):
        here = ticks[ticks // TICKS == second] % TICKS
        yield second, int(np.bitwise_or.reduce(_ONE << here))


def ticks_of(seconds: dict[int, int]) -> list[int]:
    """Return the numbers of the ticks whose bits are set, counted from the window's start, in order."""
    return [
        second * TICKS + tick
        for second, bits in sorted(seconds.items())
        if bits
        for tick in range(TICKS)
        if bits >> tick & 1
    ]
