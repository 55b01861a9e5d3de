"""What to know about a stage that is no fault of its measurement. Pure.

docs/method.md says where each limit comes from.
"""

import math

from loadlab.analysis.checks.check import NO_ACCOUNT, CheckInput, make_check
from loadlab.analysis.checks.client_limits import THROTTLED_RATIO
from loadlab.analysis.hints import ITS_LOG
from loadlab.analysis.unknown import HIDDEN, answers_needed
from loadlab.clock import NS_PER_S
from loadlab.results.result import Check, Distribution
from loadlab.units import show_count, show_ns

_FOR_EACH = 2
_SIGMAS = 3
_TOLD = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def connections_reopened(case: CheckInput) -> Check:
    """Compare the connections that were opened with what could be in flight at once."""
    opened, most = case.stage.client.connections_opened, _most_in_flight(case)
    if most:
        most = max(most, case.stage.processes)  # each has connections of its own
    return make_check(
        name="connections_reopened",
        metric="connections opened, the first ones included",
        limit=_FOR_EACH * (most or 0),
        actual=opened,
        unit="connections",
        untestable=_not_comparable(case, opened, most),
        ok="connections were reused",
        fail=f"{opened or 0:,} connections were opened for {most or 0:,} requests in flight, and each costs a"
        f" handshake: {_who_closed(case)}",
    )


def _not_comparable(case: CheckInput, opened: int | None, most: int | None) -> str | None:
    if opened is None:
        return HIDDEN
    if not case.plan.keep_alive:
        return "--no-keep-alive: connections are not reused"
    return None if most else "it is unknown how many requests could be in flight"


def _who_closed(case: CheckInput) -> str:
    """Say which side closed how many connections and why, the most first."""
    every = case.stage.client.connections_closed
    limit = f"--idle-limit {show_ns(case.plan.idle_limit_ns)}"
    ways = (
        (sum(closed.peer for closed in every), "the target closed {}"),
        (sum(closed.idle_limit for closed in every), f"the client closed {{}} that were idle for {limit}"),
        (
            sum(closed.time_limit for closed in every),
            "the client closed {} when a request timed out",
        ),
        (sum(closed.protocol_error for closed in every), "the client closed {} after an invalid response"),
        (sum(closed.not_kept for closed in every), "{} were closed by a request's Connection: close"),
    )
    told = [way.format(f"{count:,}") for count, way in sorted(ways, key=lambda way: -way[0]) if count]
    return ", ".join(told) or "it is unknown who closed them"


def _most_in_flight(case: CheckInput) -> int | None:
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


def target_throttled(case: CheckInput) -> Check:
    """Judge the time that a CPU limit held the target back."""
    target = case.stage.target
    throttled_ns = target.cpu_throttled_ns if target else None
    ratio = None if throttled_ns is None else throttled_ns / case.stage.window_ns
    return make_check(
        name="target_throttled",
        metric="time that a CPU limit held the target back",
        limit=THROTTLED_RATIO,
        actual=ratio,
        unit="of the window",
        untestable=NO_ACCOUNT if ratio is None else None,
        ok="no CPU limit held the target back",
        fail=f"the target's CPU limit (TARGET_CPUS) held it back for {ratio or 0:.0%} of the window: the"
        " figures are those of the limited target",
    )


def target_workers(case: CheckInput) -> Check:
    """Say that worker processes of the target ended while it was loaded."""
    target = case.stage.target
    ended = target.workers_ended if target else None
    return make_check(
        name="target_workers",
        metric="worker processes of the target that ended",
        operator="==",
        limit=0,
        actual=ended,
        unit="processes",
        untestable=NO_ACCOUNT if ended is None else None,
        ok="no worker process of the target ended",
        fail=f"{show_count(ended or 0, 'worker')} of the target ended under load (a crash or a restart),"
        f" which fails the requests they were handling; {ITS_LOG}",
    )


def samples(case: CheckInput) -> Check:
    """Say whether p50 to p99 are known, each with its order-statistic interval, and what the others need."""
    latency = case.stage.latency_ns
    told = [name for name in _TOLD if getattr(latency, name) is not None and name in latency.intervals]
    return make_check(
        name="samples",
        metric="percentiles p50 to p99 that are known, each with its order-statistic interval",
        operator="==",
        limit=len(_TOLD),
        actual=len(told),
        unit="quantiles",
        untestable=None if len(told) == len(_TOLD) else _needed(latency, told),
        ok="there were enough requests for p50, p90, p95 and p99",
        fail="",
    )


def _needed(latency: Distribution, told: list[str]) -> str:
    name, quantile = next((name, quantile) for name, quantile in _TOLD.items() if name not in told)
    needs = answers_needed(quantile)
    if latency.count >= needs:
        return f"requests without an answer could change {name}"
    return f"{name} needs {needs:,} requests, {latency.count:,} were answered"
