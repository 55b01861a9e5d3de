"""From what a stage's workers counted to the stage's result. Pure."""

import math

from msgspec import structs

from loadlab.analysis import by_name, unknown
from loadlab.analysis.distributions import distribution, slices
from loadlab.analysis.error_reasons import error_reasons
from loadlab.analysis.findings import backed_off_ns, complete, cut_short, findings_of
from loadlab.analysis.lost_workers import Missed, due_in_window, missed, with_unknown
from loadlab.analysis.outages import outages
from loadlab.analysis.stalls import stalls
from loadlab.analysis.target import grown, target_stage, theory
from loadlab.clock import NS_PER_S, NS_PER_US
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.histogram import Histogram
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.results.result import (
    ClientStage,
    Counts,
    Finding,
    Histograms,
    Shortage,
    StageResult,
    State,
)
from loadlab.system.contention import Contention
from loadlab.system.resources import Resource
from loadlab.targets.target_metrics import REQUESTS, WORKERS_ENDED, WORKERS_REPLACED, Reading
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits

_NOTHING = Histogram()
_NOT_TOLD = Contention()
_FEW_HITS = 30


def stage_result(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    carried: StageCounts,
    readings: tuple[Reading | None, Reading | None],
    *,
    around: tuple[Reading | None, Reading | None] = (None, None),
    began_at: str | None = None,
    taken: Contention = _NOT_TOLD,
) -> StageResult:
    """Return the result of a stage, not judged yet.

    `readings` are the target's metrics at the window's two ends, those `around` it are from before the
    stage and after its drain; `taken` is what the machine took from the client in the window, which began at
    `began_at` by the wall clock.
    """
    counted = carried.counted
    window_ns = carried.window.length_ns
    throughput_hz = counted.completions / window_ns * NS_PER_S
    target = target_stage(*readings, window_ns)
    if target is not None:
        target = structs.replace(
            target,
            requests_in_stage=grown(REQUESTS, *around),
            workers_ended=grown(WORKERS_ENDED, *around),
            workers_replaced=grown(WORKERS_REPLACED, *around),
        )
    due = due_in_window(plan, stage, carried) if plan.workload.traits.has_schedule else None
    gone = missed(plan, stage, carried)
    in_flight_by_stamps = counted.in_flight_by_stamps_ns / window_ns
    in_flight_error = (
        None if traits.hides_flight else _sampling_error(counted, len(carried.cpu_use), window_ns)
    )
    outcomes = counts(counted, gone)
    untold = {
        unknown.IN_FLIGHT: unknown.in_flight(traits, in_flight_error, in_flight_by_stamps),
        unknown.RATE: unknown.rate(outcomes.answered, counted.completions, window_ns),
    }
    sees_flight = untold[unknown.IN_FLIGHT] is None
    findings = findings_of(
        plan,
        stage,
        traits,
        carried,
        workers_ended=target.workers_ended if target else None,
        workers_replaced=target.workers_replaced if target else None,
    )
    if (no_rate := untold[unknown.RATE]) is not None:
        findings.append(Finding("nothing_done", no_rate))
    return StageResult(
        label=stage.label,
        concurrency=stage.concurrency,
        requests=stage.requests,
        rate_hz=stage.rate_hz,
        rate_to_hz=stage.rate_to_hz,
        processes=len(carried.cpu_use) if traits.sharded else plan.processes,
        window_ns=window_ns,
        began_at=began_at,
        counts=outcomes,
        errors=error_reasons(plan, counted, outcomes),
        statuses={str(status): times for status, times in sorted(counted.statuses.items())},
        redirected_to=tuple(carried.stats.redirected_to),
        throughput_hz=throughput_hz,
        received_bytes=counted.body_bytes,
        in_flight_mean=counted.in_flight_integral_ns / window_ns if sees_flight else None,
        in_flight_error=in_flight_error,
        in_flight_dispersion=in_flight_dispersion(counted, len(carried.cpu_use), window_ns)
        if sees_flight
        else None,
        in_flight_by_stamps=in_flight_by_stamps,
        unknown={figure: why for figure, why in untold.items() if why is not None},
        makespan_ns=window_ns if plan.workload.traits.at_once and complete(counted) else None,
        state=State.INVALID if carried.lost else State.SUSPECT if cut_short(plan, carried) else State.VALID,
        findings=tuple(findings),
        sent_total=counted.sent,
        sent_aside=carried.sent_aside,
        answered_total=counted.answered,
        due=due,
        waited=counted.waited,
        refused=counted.refused,
        halted=carried.halted,
        missing_shard_ns=sum(lost.missing_ns for lost in carried.lost),
        latency_ns=distribution(counted.latency, with_unknown(counted.late, gone.unfinished)),
        service_ns=distribution(counted.service, with_unknown(counted.late_service, gone.unfinished)),
        lag_ns=distribution(counted.lag, _NOTHING),
        time_outside_target_ns=distribution(counted.outside_target, _NOTHING)
        if counted.outside_target.count
        else None,
        stamps_over_service=counted.stamps_over_service,
        histograms=Histograms(
            latency=counted.latency.encode(), service=counted.service.encode(), lag=counted.lag.encode()
        ),
        slices=slices(counted, window_ns, sees_flight=sees_flight),
        outages=(away := outages(carried)),
        stalls=stalls(carried, away),
        client=ClientStage(
            cpu_ratio=(None,) if traits.hides_flight else tuple(each.cpu_ratio for each in carried.cpu_use),
            loop_stall_max_ns=carried.loop_stall_max_ns,
            connections_opened=None if traits.hides_flight else carried.stats.connections_opened,
            connections_lost=None if traits.hides_flight else carried.stats.connections_lost,
            backed_off_ns=backed_off_ns(stage, carried),
            files_exhausted=carried.stats.short_of.get(Resource.FILES, 0),
            connections_closed=() if traits.hides_flight else carried.closed,
            shortages=tuple(
                Shortage(resource=resource, count=count, limit=carried.stats.limits.get(resource))
                for resource, count in sorted(carried.stats.short_of.items())
            ),
            cpu_peak_ratio=tuple(each.cpu_peak_ratio for each in carried.cpu_use),
            waited_ratio=tuple(each.waited_ratio for each in carried.cpu_use),
            cpu_demand_ratio=tuple(each.cpu_demand_ratio for each in carried.cpu_use),
            own_lag_ns=distribution(counted.own_lag, _NOTHING),
            throttled_ratio=taken.throttled_ratio,
            stolen_ratio=taken.stolen_ratio,
        ),
        target=target,
        by_name=by_name.names(plan, counted, window_ns),
        journeys=by_name.journeys(counted),
        theory=theory(
            plan,
            stage,
            traits,
            target,
            throughput_hz=throughput_hz,
            completions=counted.completions,
            in_flight_by_stamps=in_flight_by_stamps,
            offered_hz=None if due is None else due / window_ns * NS_PER_S,
        ),
    )


def counts(counted: Recorder, missed: Missed) -> Counts:
    """Return the outcomes of what was due in the window."""
    by_outcome = {outcome.key: counted.count(outcome) for outcome in Outcome}
    by_outcome[Outcome.UNFINISHED.key] += missed.unfinished
    by_outcome[Outcome.DROPPED.key] += missed.dropped
    return Counts(scheduled=sum(by_outcome.values()), **by_outcome)


def in_flight_dispersion(counted: Recorder, shards: int, window_ns: int) -> float | None:
    """Return the variance of what is in flight over its mean; None of nothing.

    Of several workers, which are looked at one by one, it is the sum of their variances: they carry equal
    parts of the load, and what they have in common is left out.
    """
    mean = counted.in_flight_integral_ns / window_ns
    if not mean:
        return None
    return max(0.0, counted.in_flight_squares_us * NS_PER_US / window_ns - mean**2 / max(shards, 1)) / mean


def _sampling_error(counted: Recorder, shards: int, window_ns: int) -> float | None:
    """Return how far the mean of what was seen in flight may be from the mean of what was, one sigma.

    From the mean squared successive difference (von Neumann 1941), which takes what is the same from one
    look to the next for known: half the mean of (x' - x)^2 is a look's variance about what is seen. Where
    few looks can meet a request at all they may by chance meet none, and jump nowhere: there the variance
    is that of a Poisson count of the looks that should.
    """
    if not counted.flight_samples:
        return None
    looks = counted.flight_samples / shards
    hits = counted.in_flight_by_stamps_ns / window_ns * looks
    return math.sqrt(max(counted.flight_jumps / 2, min(hits, _FEW_HITS))) / looks
