"""A stage's requests by their names, and its journeys. Pure."""

from loadlab.analysis.distributions import distribution, slices
from loadlab.analysis.error_reasons import error_reasons
from loadlab.clock import NS_PER_S
from loadlab.recording.histogram import Histogram
from loadlab.recording.journeys import JourneyCounts
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.results.result import Counts, JourneyFailure, JourneyResult, NameResult
from loadlab.workload.plan import Plan

_NOTHING = Histogram()


def names(plan: Plan, counted: Recorder, window_ns: int) -> tuple[NameResult, ...]:
    """Return what was counted of each name, the slowest first: by p95, of few requests by p50."""
    made = [_named(plan, name, each, window_ns) for name, each in counted.by_name.items()]
    made = [each for each in made if each.counts.scheduled]
    return tuple(sorted(made, key=lambda each: (-_slowness_ns(each), each.name)))


def _slowness_ns(named: NameResult) -> int:
    latency = named.latency_ns
    return latency.p95 or latency.p50 or 0


def _named(plan: Plan, name: str, counted: Recorder, window_ns: int) -> NameResult:
    by_outcome = {outcome.key: counted.count(outcome) for outcome in Outcome}
    counts = Counts(scheduled=sum(by_outcome.values()), **by_outcome)
    return NameResult(
        name=name,
        counts=counts,
        statuses={str(status): times for status, times in sorted(counted.statuses.items())},
        errors=error_reasons(plan, counted, counts),
        throughput_hz=counted.completions / window_ns * NS_PER_S,
        received_bytes=counted.body_bytes,
        latency_ns=distribution(counted.latency, counted.late),
        service_ns=distribution(counted.service, counted.late_service),
        time_outside_target_ns=distribution(counted.outside_target, _NOTHING)
        if counted.outside_target.count
        else None,
        slices=slices(counted, window_ns, sees_flight=False),
    )


def journeys(counted: Recorder) -> tuple[JourneyResult, ...]:
    """Return what became of each kind of journey, by name."""
    return tuple(_journey(name, counted.journeys[name]) for name in sorted(counted.journeys))


def _journey(name: str, counted: JourneyCounts) -> JourneyResult:
    by_count = sorted(counted.failed.items(), key=lambda each: (-each[1], each[0]))
    return JourneyResult(
        name=name,
        started=counted.started,
        finished=counted.finished,
        failed=tuple(
            JourneyFailure(reason=why, count=count, traceback=counted.traces.get(why, ""))
            for why, count in by_count
        ),
        cut=counted.cut,
        duration_ns=distribution(counted.duration, _NOTHING),
    )
