"""From when to when a target gave no answer while requests failed: a restart, a deployment, a crash. Pure."""

from bisect import bisect_left

from loadlab.clock import NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.presence import TICK_NS, ticks_of
from loadlab.recording.sample import FAILED, Outcome
from loadlab.results.result import Outage, StageResult

_LEAST_NS = 5 * TICK_NS
_TIMES = 10
"""Longer than so many of the mean distance between two answers: of answers that come at random a distance as
long as that is one in e^10, and an outage has none beside failures alone."""
_BY_ITSELF = set(FAILED) - {Outcome.UNFINISHED}


def outages(carried: StageCounts) -> tuple[Outage, ...]:
    """Return each span of the window without an answer in which requests were sent that failed.

    It begins with the first failure after an answer and ends with the first answer after it, or with the
    window. A request that was sent before the last answer proves nothing, and failures must go on for half of
    the span: what a pause of the users' own follows is none. What a stop gave up did not fail by itself.
    """
    if carried.halted and not any(carried.counted.count(outcome) for outcome in _BY_ITSELF):
        return ()
    seconds, window_ns = carried.counted.slices, carried.window.length_ns
    failing = ticks_of({second: part.failing for second, part in seconds.items()})
    if not failing:
        return ()
    answered = ticks_of({second: part.answered for second, part in seconds.items()})
    asked = ticks_of({second: part.failing_sent for second, part in seconds.items()})
    least_ns = min(window_ns, max(_LEAST_NS, _TIMES * window_ns // max(1, carried.counted.completions)))
    end = -(-window_ns // TICK_NS)
    found = []
    for before, after in zip([-1, *answered], [*answered, end], strict=True):
        within = _between(failing, before, after)
        if not within or not _between(asked, before, after):
            continue
        from_ns, to_ns = max(within[0], before + 1) * TICK_NS, min(after * TICK_NS, window_ns)
        goes_on_ns = (within[-1] + 1) * TICK_NS - from_ns
        if to_ns - from_ns >= least_ns and 2 * goes_on_ns >= to_ns - from_ns:
            found.append(Outage(from_ns=from_ns, to_ns=to_ns))
    return tuple(found)


def _between(ticks: list[int], first: int, end: int) -> list[int]:
    return ticks[bisect_left(ticks, first) : bisect_left(ticks, end)]


def away_at_the_end(stage: StageResult) -> bool:
    """Tell whether no answer came any more."""
    return bool(stage.outages) and stage.outages[-1].to_ns >= stage.window_ns


def in_seconds(from_ns: int, to_ns: int, window_ns: int) -> str:
    """Return a span by the window's time."""
    until = "the window's end" if to_ns >= window_ns else f"{to_ns / NS_PER_S:.2f} s"
    return f"from {from_ns / NS_PER_S:.2f} s to {until}"
