"""From what a stage's workers counted to the stage's result. Pure."""

import math

from msgspec import structs

from loadlab.analysis.losses import Missed, due_in_window, missed, with_unknown
from loadlab.analysis.theory import bound_hz, makespan_ns, most_in_flight
from loadlab.clock import NS_PER_S
from loadlab.fleet.supervisor import Carried
from loadlab.histogram import Histogram, interval_ns, quantile_ns
from loadlab.hosts.metrics import REQUESTS, Reading
from loadlab.machine import Held
from loadlab.plan import Plan, Stage, Traits, Workload
from loadlab.recorder import Recorder, Slice
from loadlab.result import (
    ClientStage,
    Counts,
    Distribution,
    Finding,
    Histograms,
    SliceResult,
    StageResult,
    State,
    TargetStage,
    Theory,
    span_ns,
)
from loadlab.sample import ANSWERED, Outcome

_NOTHING = Histogram()
_NOT_TOLD = Held()
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
_EDGES = 20
"""So many times what is in flight must be completed for a share of the bound to be told within 5 %."""


def stage_result(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    carried: Carried,
    readings: tuple[Reading | None, Reading | None],
    *,
    around: tuple[Reading | None, Reading | None] = (None, None),
    taken: Held = _NOT_TOLD,
) -> StageResult:
    """Return the result of a stage, not judged yet.

    `readings` are the target's metrics at the window's two ends, those `around` it are from before the
    stage and after its drain; `taken` is what the machine took from the client in the window.
    """
    counted = carried.counted
    window_ns = span_ns(carried.window)
    throughput_hz = counted.completions / window_ns * NS_PER_S
    target = target_stage(*readings, window_ns)
    if target is not None:
        target = structs.replace(target, requests_in_stage=requests_between(*around))
    due = due_in_window(plan, stage, carried) if plan.workload is Workload.OPEN else None
    gone = missed(plan, stage, carried)
    findings = _findings(plan, stage, traits, carried)
    return StageResult(
        label=stage.label,
        concurrency=stage.concurrency,
        requests=stage.requests,
        rate_hz=stage.rate_hz,
        rate_to_hz=stage.rate_to_hz,
        processes=len(carried.took) if traits.sharded else plan.processes,
        window_ns=window_ns,
        counts=counts(counted, gone),
        statuses={str(status): times for status, times in sorted(counted.statuses.items())},
        throughput_hz=throughput_hz,
        received_bytes=counted.body_bytes,
        in_flight_mean=None if traits.hides_flight else counted.in_flight_integral_ns / window_ns,
        in_flight_error=None if traits.hides_flight else _sampling_error(counted, len(carried.took)),
        flown_mean=counted.flown_ns / window_ns,
        makespan_ns=window_ns if plan.workload is Workload.BATCH and _complete(counted) else None,
        state=State.INVALID if carried.lost else State.SUSPECT if _cut_short(plan, carried) else State.VALID,
        findings=tuple(findings),
        sent_total=counted.sent,
        answered_total=counted.answered,
        due=due,
        refused=counted.refused,
        halted=carried.halted,
        missing_shard_ns=sum(lost.missing_ns for lost in carried.lost),
        latency_ns=distribution(counted.latency, with_unknown(counted.late, gone.unfinished)),
        service_ns=distribution(counted.service, with_unknown(counted.late_service, gone.unfinished)),
        lag_ns=distribution(counted.lag, _NOTHING),
        histograms=Histograms(
            latency=counted.latency.encode(), service=counted.service.encode(), lag=counted.lag.encode()
        ),
        slices=_slices(counted, window_ns, sees_flight=not traits.hides_flight),
        halves=_halves(counted),
        client=ClientStage(
            cpu_ratio=(None,) if traits.hides_flight else tuple(each.cpu_ratio for each in carried.took),
            loop_stall_max_ns=carried.loop_stall_max_ns,
            connections_opened=None if traits.hides_flight else carried.wear.connections_opened,
            connections_lost=None if traits.hides_flight else carried.wear.connections_lost,
            files_exhausted=carried.wear.files_exhausted,
            busiest_ratio=tuple(each.busiest_ratio for each in carried.took),
            waited_ratio=tuple(each.waited_ratio for each in carried.took),
            wanted_ratio=tuple(each.wanted_ratio for each in carried.took),
            own_lag_ns=distribution(counted.own_lag, _NOTHING),
            throttled_ratio=taken.throttled_ratio,
            stolen_ratio=taken.stolen_ratio,
        ),
        target=target,
        theory=theory(
            plan,
            stage,
            traits,
            target,
            throughput_hz=throughput_hz,
            completions=counted.completions,
            offered_hz=None if due is None else due / window_ns * NS_PER_S,
        ),
    )


def counts(counted: Recorder, missed: Missed) -> Counts:
    """Return the outcomes of what was due in the window."""
    by_outcome = {outcome.key: counted.count(outcome) for outcome in Outcome}
    by_outcome[Outcome.UNFINISHED.key] += missed.unfinished
    by_outcome[Outcome.DROPPED.key] += missed.dropped
    return Counts(scheduled=sum(by_outcome.values()), **by_outcome)


def _complete(counted: Recorder) -> bool:
    """Tell whether every request that was due has a response."""
    return sum(counted.counts) == sum(counted.count(outcome) for outcome in ANSWERED) > 0


def distribution(known: Histogram, censored: Histogram) -> Distribution:
    """Return the figures of a distribution; None where too few or unanswered requests leave them open."""

    def at(quantile: float) -> int | None:
        return quantile_ns(known, censored, quantile)

    complete = censored.count == 0 and known.count > 0
    return Distribution(
        count=known.count,
        mean=known.mean_ns if complete else None,
        **{name: at(quantile) for name, quantile in _QUANTILES.items()},
        max=known.max_ns if complete else None,
        intervals={
            name: found
            for name, quantile in _QUANTILES.items()
            if (found := interval_ns(known, censored, quantile)) is not None
        },
    )


def _slices(counted: Recorder, window_ns: int, *, sees_flight: bool) -> tuple[SliceResult, ...]:
    seconds = -(-window_ns // NS_PER_S)
    made = []
    for second in range(seconds):
        part = counted.slices.get(second, Slice())
        figures = part.figures()
        length_ns = min(NS_PER_S, window_ns - second * NS_PER_S)
        made.append(
            SliceResult(
                at_ns=second * NS_PER_S,
                count=figures.count,
                errors=part.errors,
                p50=figures.p50_ns,
                p99=figures.p99_ns,
                in_flight=part.in_flight_integral_ns / length_ns if sees_flight else None,
            )
        )
    return tuple(made)


def _halves(counted: Recorder) -> tuple[Distribution, ...]:
    """Return the latencies of the window's first whole seconds and of as many last ones."""
    halves = counted.half_latencies()
    return tuple(distribution(half, _NOTHING) for half in halves)


def _sampling_error(counted: Recorder, shards: int) -> float | None:
    """Return how far the mean of what was seen in flight may be from the mean of what was, one sigma.

    From the mean squared successive difference (von Neumann 1941), which takes what is the same from one
    look to the next for known: half the mean of (x' - x)^2 is a look's variance about what is seen.
    """
    if not counted.flight_samples:
        return None
    return math.sqrt(counted.flight_jumps / 2) / (counted.flight_samples / shards)


def requests_between(before: Reading | None, after: Reading | None) -> int | None:
    """Return how many requests the target counted between two readings."""
    if before is None or after is None:
        return None
    first, last = before.get(REQUESTS), after.get(REQUESTS)
    return None if first is None or last is None else round(last - first)


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


def slots(target: TargetStage) -> int | None:
    """Return how many requests the target handles at once; None where it sets no limit or tells none."""
    return target.workers * target.threads if target.workers and target.threads else None


def theory(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    target: TargetStage | None,
    *,
    throughput_hz: float,
    completions: int,
    offered_hz: float | None = None,
) -> Theory | None:
    """Return what was to be expected, given the S that the target measured; None without it.

    `offered_hz` is the rate that an open stage's schedule realised in its window.

    The share of the bound is left open where the edges of the window could move it by more than 5 %: what
    is in flight there may fall to either side.
    """
    if target is None or not target.thread_ns or target.threads is None:
        return None
    service_ns, places = target.thread_ns, slots(target)
    in_flight = most_in_flight(plan, stage, traits)
    if plan.workload is Workload.BATCH:
        return Theory(
            service_ns=service_ns,
            makespan_ns=makespan_ns(stage.requests or 1, in_flight, places, service_ns),
            makespan_is_lower_bound=(target.workers or 1) > 1,
        )
    if plan.workload is Workload.OPEN:
        bound = math.inf if places is None else places / service_ns * NS_PER_S
        bound = min(bound, offered_hz or bound)
        ratio = throughput_hz / bound if bound else None
        return Theory(service_ns=service_ns, bound_hz=bound, bound_ratio=ratio)
    at_once = in_flight if places is None else min(in_flight, places)
    bound = bound_hz(stage.concurrency or 1, at_once, service_ns, plan.think_ns)
    told = completions >= _EDGES * at_once
    return Theory(service_ns=service_ns, bound_hz=bound, bound_ratio=throughput_hz / bound if told else None)


def _cut_short(plan: Plan, carried: Carried) -> bool:
    """Tell whether the stage ended before its time."""
    return plan.duration_ns is not None and span_ns(carried.window) < plan.duration_ns


def _findings(plan: Plan, stage: Stage, traits: Traits, carried: Carried) -> list[Finding]:
    counted = carried.counted
    found = [
        Finding(
            "worker_lost",
            f"the worker of shard {lost.shard} {lost.why}; {lost.missing_ns / NS_PER_S:.1f} s of its window"
            f" and the outcome of {lost.unknown} requests are unknown",
        )
        for lost in carried.lost
    ]
    if plan.duration_ns is not None and _cut_short(plan, carried):
        found.append(
            Finding(
                "cut_short",
                f"it ended after {span_ns(carried.window) / NS_PER_S:.2f} of"
                f" {plan.duration_ns / NS_PER_S:.2f} s: its window lasts until its last reply",
            )
        )
    if not sum(counted.counts) and not carried.lost:
        found.append(
            Finding(
                "nothing_due",
                f"no request was due in its window: those in flight began before it and took longer than it;"
                f" {counted.sent} were sent in all",
            )
        )
    unanswered = counted.count(Outcome.CONNECT_ERROR) + counted.count(Outcome.PROTOCOL_ERROR)
    if unanswered and counted.latency.count:
        found.append(
            Finding(
                "answered_only",
                f"its latencies are those of the {counted.latency.count} requests that were answered",
            )
        )
    if counted.late.count:
        found.append(
            Finding(
                "unanswered",
                f"{counted.late.count} requests had no answer: their latency is at least what was waited, and"
                " a quantile that they could move is left open",
            )
        )
    if traits.blocks_loop:
        found.append(
            Finding(
                "loop_blocked",
                f"by design: blocking calls held the event loop, one after another, for up to"
                f" {carried.loop_stall_max_ns / NS_PER_S:.2f} s without a break",
            )
        )
    if not carried.lost and plan.workload is Workload.BATCH and not _complete(counted):
        found.append(
            Finding("incomplete", "not every request of the batch was answered, so it has no Cost time")
        )
    if carried.wear.connections_lost:
        found.append(
            Finding("connections_lost", f"{carried.wear.connections_lost} connections broke under a request")
        )
    users = stage.concurrency or stage.requests
    if users is not None and carried.wear.connections_opened > 2 * users:
        found.append(
            Finding(
                "connections_reopened",
                f"{carried.wear.connections_opened} connections were opened for {users} in flight: the target"
                " closes them, or they were idle for too long, and each new one costs a handshake",
            )
        )
    if carried.wear.surplus:
        found.append(
            Finding(
                "surplus",
                f"{carried.wear.surplus} times bytes came that belonged to no response, such as a body longer"
                " than its Content-Length; the connection was closed each time",
            )
        )
    return found
