"""Which figures of a stage are unknown, and why. Pure.

Such a figure is shown as `–`, with its reason.
"""

import math

from loadlab.clock import NS_PER_S
from loadlab.results.result import StageResult
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits

IN_FLIGHT = "in_flight_mean"
RATE = "throughput_hz"
LATENCY = "latency_ns"
BOUND_SHARE = "bound_ratio"

HIDDEN = "the scenario's own processes make the requests and can't be watched"

SIGMAS = 3
_Z = 1.96
MOST_NOISE = 0.5
"""Of a figure: one whose error is more says nothing."""


def in_flight(traits: Traits, error: float | None, in_flight_by_stamps: float) -> str | None:
    """Say why the number in flight is unknown; None where it is known.

    `error` is the standard error of the sampling, `in_flight_by_stamps` what the requests' own stamps say.
    """
    if traits.hides_flight:
        return HIDDEN
    if error is None or noise(error, in_flight_by_stamps) > MOST_NOISE:
        return "too few samples met a request; use a longer --duration or more --requests"
    return None


def noise(error: float, in_flight_by_stamps: float) -> float:
    """Return how far what was seen in flight may be off, as a share of what the requests' stamps say."""
    return SIGMAS * error / in_flight_by_stamps if in_flight_by_stamps else 0.0


def rate(answered: int, completions: int, window_ns: int) -> str | None:
    """Say why a rate of 0 is not the rate: every answer came after the window's end.

    `answered` are requests due in the window, `completions` answers in it.
    """
    if completions or not answered:
        return None
    return (
        f"all {answered:,} answers came after the measured {window_ns / NS_PER_S:.3g} s: use a --duration"
        " longer than an answer takes"
    )


def latency(plan: Plan, stage: StageResult) -> str | None:
    """Say why a percentile up to p99, or the maximum, is unknown."""
    latency = stage.latency_ns
    if not latency.count or None not in (latency.p99, latency.max):
        return None
    if latency.p99 is None and latency.count < answers_needed(0.99):
        return f"too few requests; use {_more(plan)}"
    return "requests without an answer could change it"


def answers_needed(quantile: float) -> int:
    """Return how many answers the upper end of a quantile's 95 % order-statistic interval takes."""
    return math.ceil(_Z**2 * quantile / (1 - quantile))


def bound_share(plan: Plan, stage: StageResult, *, client_paused: bool) -> str | None:
    """Say why the share of the bound is unknown; `client_paused`: the client did not always ask for more."""
    if stage.theory is None or stage.theory.bound_hz is None or stage.theory.bound_ratio is not None:
        return None
    if client_paused:
        return "the client did not ask for as much as the target can do"
    return f"too few requests besides those in flight at the window's ends; use {_more(plan)}"


def _more(plan: Plan) -> str:
    return "more --requests" if plan.duration_ns is None else "a longer --duration"
