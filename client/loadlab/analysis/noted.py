"""What a reader must know of a stage, and no fault of its measurement. Pure.

docs/method.md says where each limit comes from.
"""

import math

from loadlab.analysis.case import NO_ACCOUNT, Case, compared
from loadlab.analysis.limits import THROTTLED_RATIO
from loadlab.clock import NS_PER_S
from loadlab.result import Check, Distribution

_FOR_EACH = 2
_SIGMAS = 3
_Z = 1.96
_TOLD = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def connections_reopened(case: Case) -> Check:
    """Compare the connections that were opened with what could be in flight at once."""
    opened, most = case.stage.client.connections_opened, _most_in_flight(case)
    return compared(
        name="connections_reopened",
        metric="connections opened, the first ones included",
        limit=_FOR_EACH * (most or 0),
        actual=opened,
        unit="connections",
        untestable="the processes that make the requests do not tell it"
        if opened is None
        else None
        if most
        else "nothing tells how many could be in flight at once",
        means="connections were kept and used again",
        failed=f"{opened or 0:,} connections were opened for {most or 0:,} in flight: the target"
        " closes them, or they were idle for too long, and each new one costs a handshake",
    )


def _most_in_flight(case: Case) -> int | None:
    """Return how many requests can have been in flight at once.

    In an open stage all of them were due within one longest latency: so many arrivals, and what chance adds.
    """
    stage, limit = case.stage, case.plan.max_in_flight
    if stage.concurrency or stage.requests:
        return stage.concurrency or stage.requests
    longest_ns, rate_hz = stage.latency_ns.max, max(stage.rate_hz or 0.0, stage.rate_to_hz or 0.0)
    if longest_ns is None:
        return limit
    mean = rate_hz * longest_ns / NS_PER_S
    most = math.ceil(mean + _SIGMAS * math.sqrt(mean)) + 1
    return most if limit is None else min(most, limit)


def target_throttled(case: Case) -> Check:
    """Judge the time that a CPU limit held the target back."""
    target = case.stage.target
    throttled_ns = target.cpu_throttled_ns if target else None
    ratio = None if throttled_ns is None else throttled_ns / case.stage.window_ns
    return compared(
        name="target_throttled",
        metric="time that a CPU limit held the target back",
        limit=THROTTLED_RATIO,
        actual=ratio,
        unit="of the window",
        untestable=NO_ACCOUNT if ratio is None else None,
        means="no CPU limit held the target back",
        failed=f"the target's CPU limit held it back for {ratio or 0:.0%} of the window: these figures are"
        " of the target with that limit (TARGET_CPUS), which is no fault of the measurement",
    )


def samples(case: Case) -> Check:
    """Say whether p50 to p99 are told, each with its order-statistic interval, and what the others need."""
    latency = case.stage.latency_ns
    told = [name for name in _TOLD if getattr(latency, name) is not None and name in latency.intervals]
    return compared(
        name="samples",
        metric="latency quantiles p50 to p99 that are told, each with its order-statistic interval",
        operator="==",
        limit=len(_TOLD),
        actual=len(told),
        unit="quantiles",
        untestable=None if len(told) == len(_TOLD) else _needed(latency, told),
        means="there were requests enough for p50, p90, p95 and p99",
        failed="",
    )


def _needed(latency: Distribution, told: list[str]) -> str:
    name, quantile = next((name, quantile) for name, quantile in _TOLD.items() if name not in told)
    needs = math.ceil(_Z**2 * quantile / (1 - quantile))
    if latency.count >= needs:
        return f"requests without an answer leave {name} open"
    return f"{name} needs {needs:,} requests, {latency.count:,} were answered"
