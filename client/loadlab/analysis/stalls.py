"""From when to when a target stood still: requests waited, and none was answered. Pure."""

from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.presence import LONG_NS, TICK_NS, ticks_of
from loadlab.results.result import Outage, Standstill

_TIMES = 10
"""Longer than so many of the mean distance between two answers, as of an outage, and than so many usual
answers take: a slow page is no stall."""
_USUAL = 4
"""Usual is what the fastest quarter of the answers takes: a stall slows many of an open load's others."""
_OWN_TIMES = 2
"""A span shorter than so many of the client's own longest pause may be the client's."""


def stalls(carried: StageCounts, away: tuple[Outage, ...]) -> tuple[Standstill, ...]:
    """Return each span of the window without an answer through which a request waited; outages are left out.

    It is a second long at least, and far longer than this load's distances between answers and its usual
    service times. A span in which no request was in flight is none: its users paused.
    """
    counted, window_ns = carried.counted, carried.window.length_ns
    if not counted.service.count or not counted.completions:
        return ()
    seconds = counted.slices
    waiting = set(ticks_of({second: part.waiting | part.failing for second, part in seconds.items()}))
    if not waiting:
        return ()
    least_ns = max(
        LONG_NS,
        _TIMES * window_ns // counted.completions,
        _TIMES * counted.service.value_at_rank(-(-counted.service.count // _USUAL)),
        _OWN_TIMES * carried.loop_stall_max_ns,
    )
    answered = ticks_of({second: part.answered for second, part in seconds.items()})
    end = -(-window_ns // TICK_NS)
    found = []
    for before, after in zip([-1, *answered], [*answered, end], strict=True):
        if (after - before - 1) * TICK_NS < least_ns:
            continue
        first = after
        while first - 1 > before and first - 1 in waiting:
            first -= 1
        span = Standstill(from_ns=first * TICK_NS, to_ns=min(after * TICK_NS, window_ns))
        if span.to_ns - span.from_ns >= least_ns and not any(_overlap(span, outage) for outage in away):
            found.append(span)
    return tuple(found)


def _overlap(span: Standstill, outage: Outage) -> bool:
    return span.from_ns < outage.to_ns and outage.from_ns < span.to_ns
