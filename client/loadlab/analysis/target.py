"""The target's own figures over a window, and what arithmetic expects from them. Pure."""

import math

from loadlab.analysis.theory import bound_hz, makespan_ns, most_in_flight
from loadlab.clock import NS_PER_S
from loadlab.results.result import TargetStage, Theory
from loadlab.targets.target_metrics import REQUESTS, Reading
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits

_EDGES = 20
"""So many times what is in flight must be completed for a share of the bound to be told within 5 %."""


def grown(name: str, before: Reading | None, after: Reading | None) -> int | None:
    """Return how far a counter rose between two readings; None where it was not told or began anew."""
    if before is None or after is None:
        return None
    first, last = before.get(name), after.get(name)
    return None if first is None or last is None or last < first else round(last - first)


def target_stage(first: Reading | None, last: Reading | None, window_ns: int) -> TargetStage | None:
    """Return the target's figures between two readings of its metrics; None without both.

    Where the readings lie outside the window, because its ends can't be known or met, all that grew between
    them grew in it: the target has nothing else to do.
    """
    if first is None or last is None or last.at_ns <= first.at_ns:
        return None
    span_s = min(last.at_ns - first.at_ns, window_ns) / NS_PER_S

    def grown(name: str) -> float | None:
        before, after = first.get(name), last.get(name)
        return None if before is None or after is None else after - before

    def mean_ns(name: str) -> float | None:
        total_s, times = grown(f"{name}_sum"), grown(f"{name}_count")
        return total_s / times * NS_PER_S if total_s is not None and times else None

    def per_s(name: str) -> float | None:
        total = grown(name)
        return None if total is None else total / span_s

    return TargetStage(
        workers=_whole(last.get("target_workers")),
        threads=_whole(last.get("target_threads")),
        requests=_whole(grown(REQUESTS)),
        thread_ns=mean_ns("target_thread_seconds"),
        handler_ns=mean_ns("target_handler_seconds"),
        queue_ns=mean_ns("target_queue_seconds"),
        busy_threads_mean=per_s("target_thread_seconds_sum"),
        cpu_ratio=per_s("target_cpu_seconds_total"),
        cpu_throttled_ns=_whole(grown("target_cpu_throttled_seconds_total"), NS_PER_S),
        memory_bytes=_whole(last.get("target_memory_bytes")),
        accept_queue_overflows=_whole(grown("target_accept_overflows_total")),
    )


def _whole(value: float | None, scale: int = 1) -> int | None:
    return None if value is None else round(value * scale)


def theory(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    target: TargetStage | None,
    *,
    throughput_hz: float,
    completions: int,
    in_flight_by_stamps: float,
    offered_hz: float | None = None,
) -> Theory | None:
    """Return what was to be expected, given the S that the target measured; None without it.

    `offered_hz` is the rate that an open stage's schedule realised in its window, and
    `in_flight_by_stamps` how many requests were in flight in it.

    The share of the bound is left open where the edges of the window could move it by more than 5 %: what
    is in flight there may fall to either side.
    """
    if target is None or not target.thread_ns or target.threads is None:
        return None
    service_ns, places = target.thread_ns, target.slots
    in_flight = most_in_flight(plan, stage, traits)
    if plan.workload.traits.at_once:
        return Theory(
            service_ns=service_ns,
            makespan_ns=makespan_ns(stage.requests or 1, in_flight, places, service_ns),
            makespan_is_lower_bound=(target.workers or 1) > 1,
        )
    if plan.workload.traits.has_schedule:
        most = min(places or math.inf, plan.max_in_flight or math.inf)
        bound = most / service_ns * NS_PER_S
        bound = min(bound, offered_hz or bound)
        at_edges = max(1.0, min(in_flight_by_stamps, places or math.inf))
    else:
        at_edges = at_once = in_flight if places is None else min(in_flight, places)
        bound = bound_hz(stage.concurrency or 1, at_once, service_ns, plan.think_ns)
        if plan.in_step:
            at_edges = stage.concurrency or 1
    told = completions >= _EDGES * at_edges
    return Theory(service_ns=service_ns, bound_hz=bound, bound_ratio=throughput_hz / bound if told else None)
