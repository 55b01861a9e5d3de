"""Was the load steady? It compares the window's halves, and its beginning with the rest. Pure.

Latency is compared as its reciprocal, second by second: a second in which a queue was long by chance is then
one slow second among others and does not outweigh them.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loadlab.analysis.batch_means import (
    LEAST_BATCHES,
    Change,
    Floats,
    batch_means,
    beginning,
    between_halves,
    rises,
)
from loadlab.analysis.checks.check import CheckInput, away, cut_short, make_check
from loadlab.clock import NS_PER_S
from loadlab.results.result import Check, SliceResult, StageResult
from loadlab.units import show_count

_HALVES_CHANCE, _BEGINNING_CHANCE = 0.002, 0.0005
"""How often a comparison may call a steady load unsteady; `make false-alarms` counts what the checks do."""
_STILL_CHANCE = 0.05
"""The same of a queue that grew, and is asked whether it still does."""
_BATCHES, _BATCHES_QUEUEING = 25, 15
"""About so many batches are made. Where requests queue, latencies resemble each other for longer.

Completions do not: those of a steady queue with random arrivals and exponential service are Poisson, however
many requests wait (Burke, *The output of a queuing system*, Operations Research 4, 1956).
"""
_QUEUEING = 2.0
"""Above this dispersion of what is in flight, requests queue."""
DRIFT_RATIO = 0.1
"""How far throughput or latency may change: a convention, twice what `lag` lets the client add."""
COARSEST_RATIO = 0.25
"""A window that could not have found a change of this size tells nothing."""
BY_PLAN = "the rate changes by plan"
"""Why a ramp is not asked whether it is steady."""
_PLAIN_TIMES = 2.5
"""In a coarse window a change of latency counts from so many times the least beyond chance."""
_FEW_HZ = 20
"""The mean of fewer answers a second may have a reciprocal that is far from those of its neighbours."""
_MOST_RESPONSE = 4.0
"""More is not credited: a target that stands still now and then raises the dispersion, too."""
_LEAST_SECONDS_WARMUP = 10


class Batches(NamedTuple):
    """The whole seconds of a window, averaged over batches."""

    rates_s: int
    """How many seconds a batch of completions has."""
    rates: Floats
    """Completions a second."""
    speeds_s: int
    """The same of the two below."""
    speeds: Floats | None
    """1 / mean latency; None where a second has no answer."""
    in_flight: Floats | None


class Drift(NamedTuple):
    """A change of throughput or latency that chance does not explain."""

    what: str
    ratio: float
    """What is after over what was before, less 1."""
    before_s: int
    """How long the part before it is."""
    times_least: float
    """How many times the smallest change that chance does not explain."""

    def __str__(self) -> str:
        """Say which way it changed, and how far."""
        return f"{self.what} {'rose' if self.ratio > 0 else 'fell'} by {abs(self.ratio):.0%}"


def stationary(case: CheckInput) -> Check:
    """Compare the first half of the window with the second."""
    batches = batches_of(case.stage)
    drift = drift_of(batches)
    found = least_found(batches, case.stage)
    coarse = found > COARSEST_RATIO and (
        _queues(case.stage) or batches.rates.sum() < _FEW_HZ * len(batches.rates)
    )
    changed = drift is not None and abs(drift.ratio) > DRIFT_RATIO and _is_told(drift, coarse=coarse)
    grows = case.plan.workload.traits.has_schedule and queue_grows(batches)
    return make_check(
        name="stationary",
        metric="change of throughput or latency from the window's first half to its second, beyond chance",
        limit=DRIFT_RATIO,
        actual=abs(drift.ratio) if drift else 0.0,
        unit="relative",
        untestable=_untestable(case) or (None if changed else _too_coarse(found, batches, case.stage)),
        ok=f"the load was steady: a change of service time by {found:.0%} or more would have been found",
        fail=f"{drift} from the window's first half to its second: "
        + (
            "the queue grows, the target does not keep up with this rate. Use a lower --rate."
            if grows
            else "the load was not steady. Use a longer --warmup and --duration."
        ),
    )


def warmed_up(case: CheckInput) -> Check:
    """Look for a beginning that differs from the rest of the window."""
    batches = batches_of(case.stage)
    drift = beginning_of(batches, case.stage)
    found = least_found(batches, case.stage)
    begins_s = drift.before_s if drift else 0
    too_short = None
    if len(batches.rates) * batches.rates_s < _LEAST_SECONDS_WARMUP:
        too_short = "the window is shorter than ten seconds"
    return make_check(
        name="warmed_up",
        metric="seconds at the window's start that differ from the rest",
        limit=0,
        actual=begins_s,
        unit="s",
        untestable=_untestable(case)
        or too_short
        or (None if drift else _too_coarse(found, batches, case.stage)),
        ok="the window began in the steady state",
        fail=f"{drift} after the window's first {begins_s} s: use a --warmup that is {begins_s} s longer",
    )


def batches_of(stage: StageResult) -> Batches:
    """Return the window's whole seconds in batches."""
    seconds = [each for each in stage.slices if each.at_ns + NS_PER_S <= stage.window_ns]
    rates_s = _length_s(seconds, _BATCHES)
    speeds_s = _length_s(seconds, _BATCHES_QUEUEING if _queues(stage) else _BATCHES)
    speeds = [1 / max(each.mean, 1) for each in seconds if each.mean is not None]
    in_flight = [each.in_flight for each in seconds if each.in_flight is not None]
    return Batches(
        rates_s,
        batch_means([each.count for each in seconds], rates_s),
        speeds_s,
        batch_means(speeds, speeds_s) if len(speeds) == len(seconds) else None,
        batch_means(in_flight, speeds_s) if len(in_flight) == len(seconds) else None,
    )


def _length_s(seconds: Sequence[SliceResult], batches: int) -> int:
    return max(1, round(len(seconds) / batches))


def drift_of(batches: Batches) -> Drift | None:
    """Return the larger change between the halves that chance does not explain."""
    found = (
        _drift("throughput", _halves(batches.rates), batches.rates_s),
        _drift("latency", _halves(batches.speeds), batches.speeds_s),
    )
    return _larger(found)


def beginning_of(batches: Batches, stage: StageResult) -> Drift | None:
    """Return the larger change from a beginning to the rest that chance does not explain.

    A slow beginning would make the window coarse, and so hide itself: what counts is how coarse the rest is.
    """
    rates = _drift("throughput", _first(batches.rates), batches.rates_s)
    change = _first(batches.speeds)
    if change is None or batches.speeds is None:
        return rates
    latency = _drift("latency", change, batches.speeds_s)
    rest = batches._replace(speeds=batches.speeds[change.batches :])
    coarse = least_found(rest, stage) > COARSEST_RATIO
    return _larger((rates, latency if latency and _is_told(latency, coarse=coarse) else None))


def _first(batches: Floats | None) -> Change | None:
    return None if batches is None else beginning(batches, _BEGINNING_CHANCE, DRIFT_RATIO)


def queue_grows(batches: Batches) -> bool:
    """Tell whether more is in flight in the second half of the window, and still more towards its end."""
    if batches.in_flight is None:
        return False
    change = _halves(batches.in_flight)
    if change is None or not change.beyond_chance or change.after < change.before:
        return False
    return rises(batches.in_flight[-change.batches :], _STILL_CHANCE)


def least_found(batches: Batches, stage: StageResult) -> float:
    """Return the smallest lasting change of service time that the halves' latencies would have shown.

    Where requests queue, latency changes by more than service time does. For random arrivals and a queue
    with exponential service the ratio of the two, both relative, is the dispersion of what is in flight, its
    variance over its mean: a derivative with respect to log S is a covariance, as in every product-form
    network (de Souza e Silva & Muntz, IEEE Transactions on Computers 37, 1988). Where nothing queues it is 1.
    """
    change = _halves(batches.speeds)
    if change is None:
        return math.inf
    response = min(max(stage.in_flight_dispersion or 1.0, 1.0), _MOST_RESPONSE)
    return max(DRIFT_RATIO, math.pow(change.least_ratio, 1 / response) - 1)


def _halves(batches: Floats | None) -> Change | None:
    return None if batches is None else between_halves(batches, _HALVES_CHANCE)


def _drift(what: str, change: Change | None, length_s: int) -> Drift | None:
    """Return a change that chance does not explain; of latency's reciprocal it is one of latency."""
    if change is None or not change.beyond_chance:
        return None
    before, after = change.before, change.after
    ratio = before / after - 1 if what == "latency" else (after - before) / (before or after)
    return Drift(what, ratio, change.batches * length_s, change.times_least)


def _larger(found: Iterable[Drift | None]) -> Drift | None:
    return max(filter(None, found), key=lambda each: abs(each.ratio), default=None)


def _untestable(case: CheckInput) -> str | None:
    changes = case.stage.rate_to_hz is not None
    return BY_PLAN if changes else away(case) or cut_short(case)


def _queues(stage: StageResult) -> bool:
    return (stage.in_flight_dispersion or 0.0) > _QUEUEING


def _is_told(drift: Drift, *, coarse: bool) -> bool:
    """Tell whether a change may be told of a window, or of what is left of one, that may be coarse.

    A coarse one may have batches shorter than a queue is remembered, or few answers in a second. Chance
    explains more of a change of latency then than the batches' scatter says, and nothing more of completions.
    """
    return not coarse or drift.what == "throughput" or drift.times_least > _PLAIN_TIMES


def _too_coarse(found: float, batches: Batches, stage: StageResult) -> str | None:
    """Say what the window could have found, where that is too little to tell."""
    if math.isinf(found):
        return _found_nothing(batches, stage)
    if found > COARSEST_RATIO:
        return (
            f"only a change of service time by {found:.0%} or more would have been found:"
            " use a longer --duration or more requests"
        )
    return None


def _found_nothing(batches: Batches, stage: StageResult) -> str:
    whole = stage.window_ns // NS_PER_S
    if whole < LEAST_BATCHES:
        seconds = show_count(whole, "whole second")
        return f"the window has {seconds} and {LEAST_BATCHES} are needed: use a longer --duration"
    if batches.speeds is None or len(batches.speeds) < LEAST_BATCHES:
        return "too few seconds with answers: use a longer --duration"
    return "latency differs too much from second to second: use a longer --duration or more requests"
