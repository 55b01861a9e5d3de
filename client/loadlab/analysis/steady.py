"""Was it one state that was measured? Drift between a window's halves, and where the steady state begins."""

import math
from typing import NamedTuple

from loadlab.analysis.case import Case, away, compared, cut_short
from loadlab.clock import NS_PER_S
from loadlab.plan import Workload
from loadlab.result import Check, Distribution

_SIGMAS = 3
_LEAST_SECONDS = 10
DRIFT_RATIO = 0.1


class Drift(NamedTuple):
    """The larger change of the two."""

    what: str
    ratio: float
    rises: bool


def stationary(case: Case) -> Check:
    """Compare the first half of the window with the second."""
    stage = case.stage
    drift = drift_of(stage.halves)
    untestable = None if drift is not None else "the window has no four whole seconds with enough requests"
    if stage.rate_to_hz is not None:
        untestable = "the rate changes over the window by plan"
    untestable = untestable or away(case) or cut_short(case)
    return compared(
        name="stationary",
        metric="change of throughput or p50 from the window's first half to its second, beyond chance",
        limit=DRIFT_RATIO,
        actual=drift.ratio if drift else None,
        unit="relative",
        untestable=untestable,
        means="both halves of the window show the same",
        failed=f"{drift.what if drift else ''} changed by {drift.ratio if drift else 0:.0%} from the window's"
        " first half to its second, so the figures are of no one state: "
        + (
            "the queue grows, the target does not keep up with this rate"
            if case.plan.workload is Workload.OPEN and drift and drift.what == "p50" and drift.rises
            else "give a longer --warmup and --duration"
        ),
    )


def warmed_up(case: Case) -> Check:
    """Judge whether the window began in a steady state, by MSER over its seconds."""
    stage = case.stage
    seconds = [each for each in stage.slices if each.at_ns + NS_PER_S <= stage.window_ns]
    begins = begins_after([(each.count, each.p50) for each in seconds])
    untestable = None if begins is not None else "the window has no ten whole seconds with enough requests"
    if stage.rate_to_hz is not None:
        untestable = "the rate changes over the window by plan"
    return compared(
        name="warmed_up",
        metric="seconds of the window that differ from its steady state",
        limit=0,
        actual=begins,
        unit="s",
        untestable=untestable or away(case) or cut_short(case),
        means="the window began in the steady state",
        failed=f"the first {begins or 0} s of the window are not of its steady state: give a --warmup longer"
        " by that",
    )


def drift_of(halves: tuple[Distribution, ...]) -> Drift | None:
    """Return how far throughput or p50 of the second half is from the first, 0 where chance explains it.

    A difference counts where it is beyond what independent arrivals make (3 sigma of two Poisson counts),
    of p50 where the two order-statistic intervals have nothing in common.
    """
    if len(halves) != 2 or not all(half.count for half in halves):
        return None
    first, last = halves
    changed = (last.count - first.count) / ((first.count + last.count) / 2)
    chance = _SIGMAS * math.sqrt(1 / first.count + 1 / last.count)
    found = [Drift("throughput", abs(changed) if abs(changed) > chance else 0.0, changed > 0)]
    if first.p50 is not None and last.p50 is not None:
        (low, high), (other_low, other_high) = first.intervals["p50"], last.intervals["p50"]
        apart = (high is not None and high < other_low) or (other_high is not None and other_high < low)
        changed = (last.p50 - first.p50) / first.p50 if first.p50 else 0.0
        found.append(Drift("p50", abs(changed) if apart else 0.0, changed > 0))
    return max(found, key=lambda each: each.ratio)


def begins_after(seconds: list[tuple[int, int | None]]) -> int | None:
    """Return after how many seconds, each with its count and p50, both are in a steady state.

    MSER (White 1997) over both series, on batches of a second instead of five observations; what it cuts off
    counts only where its mean is more than a tenth from the rest. None of too short a series.
    """
    if len(seconds) < _LEAST_SECONDS or any(p50 is None for _, p50 in seconds):
        return None
    counts = [float(count) for count, _ in seconds]
    medians = [float(p50 or 0) for _, p50 in seconds]
    return max(_begins(counts), _begins(medians))


def _begins(values: list[float]) -> int:
    cut = mser(values)
    rest = _mean(values[cut:])
    return cut if cut and rest and abs(_mean(values[:cut]) - rest) > DRIFT_RATIO * rest else 0


def mser(values: list[float]) -> int:
    """Return how many of the first values to cut off, at most half of them.

    It is the d that makes the least of sum((y - mean)^2) / (n - d)^2 over the rest: the squared standard
    error of its mean.
    """
    return min(range(len(values) // 2 + 1), key=lambda cut: _squared_error(values[cut:]))


def _squared_error(values: list[float]) -> float:
    mean = _mean(values)
    return float(sum((value - mean) ** 2 for value in values) / len(values) ** 2)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
