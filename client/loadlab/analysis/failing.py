"""From when to when nothing but errors ended, for a second or longer. Pure."""

from bisect import bisect_left
from collections.abc import Iterator

from loadlab.analysis.hints import ITS_LOG
from loadlab.analysis.outages import in_seconds, outages
from loadlab.clock import NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.presence import TICK_NS, ticks_of
from loadlab.recording.sample import Outcome
from loadlab.results.result import Finding
from loadlab.workload.plan import Plan

_LEAST_TICKS = NS_PER_S // TICK_NS
_TOLD = 3
_ALLOWS_ALL = (None, 1.0)
"""Limits of `--max-errors` that no share of errors is above."""


def failing_seconds(plan: Plan, carried: StageCounts) -> list[Finding]:
    """Name each span of a second or longer in which requests ended and all of them failed.

    It goes from the first failure to the next request that ends well, exact to 20 ms. There is none where
    nothing ended well and the check `errors` tells that. A span that lies in an outage is
    left out: `target_away` tells it.
    """
    counted, window_ns = carried.counted, carried.window.length_ns
    if not (counted.count(Outcome.OK) or plan.max_errors_ratio in _ALLOWS_ALL):
        return []
    spans = [in_seconds(from_ns, to_ns, window_ns) for from_ns, to_ns in _spans(carried)]
    if not spans:
        return []
    told, more = " and ".join(spans[:_TOLD]), len(spans) - _TOLD
    times = f", and {more} more times" if more > 0 else ""
    return [Finding("failing_seconds", f"every request that ended {told} failed{times}; {ITS_LOG}")]


def _spans(carried: StageCounts) -> Iterator[tuple[int, int]]:
    seconds, window_ns = carried.counted.slices, carried.window.length_ns
    badly = ticks_of({second: part.ended_badly for second, part in seconds.items()})
    if not badly:
        return
    well = ticks_of({second: part.ended_well for second, part in seconds.items()})
    away, end = outages(carried), -(-window_ns // TICK_NS)
    for before, after in zip([-1, *well], [*well, end], strict=True):
        at = bisect_left(badly, before + 1)
        if at == len(badly) or after - badly[at] < _LEAST_TICKS:
            continue
        from_ns, to_ns = badly[at] * TICK_NS, min(after * TICK_NS, window_ns)
        if not any(outage.from_ns <= from_ns and to_ns <= outage.to_ns for outage in away):
            yield from_ns, to_ns
