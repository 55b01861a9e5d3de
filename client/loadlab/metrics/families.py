"""Names, labels and meanings of the client's metrics; docs/metrics.md is the table of them."""

from collections.abc import Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from loadlab.clock import NS_PER_S
from loadlab.metrics import stages
from loadlab.metrics.buckets import LE, Spread
from loadlab.metrics.watched import IDLE, STATES, Watched

RUN = ("run", "scenario", "transport", "workload")


def no_run() -> Iterator[Metric]:
    """Give what there is before the first run."""
    yield _state(("", "", "", ""), IDLE)


def of_run(run: Watched) -> Iterator[Metric]:
    """Give the sums of a run and how it stands; what is unknown is absent."""
    labels = _labels(run)
    yield _state(labels, run.now.state)
    began = GaugeMetricFamily(
        "loadlab_run_began_timestamp_seconds", "Unix time at which the run was announced.", labels=RUN
    )
    began.add_metric(labels, run.began_s)
    yield began
    yield from _sums(run, labels)
    yield from _now(run, labels)
    if run.verdict is not None:
        verdict = GaugeMetricFamily(
            "loadlab_run_verdict", "1 for the verdict of a run that is over.", labels=(*RUN, "verdict")
        )
        verdict.add_metric((*labels, run.verdict), 1)
        yield verdict


def of_stages(run: Watched) -> Iterator[Metric]:
    """Give the figures of a run's stages that are over."""
    return stages.ended(run.ended, run.ended_s, RUN, _labels(run))


def _labels(run: Watched) -> tuple[str, ...]:
    return run.run_id, run.plan.scenario, run.plan.transport, str(run.plan.workload)


def _state(labels: tuple[str, ...], state: str) -> Metric:
    family = GaugeMetricFamily(
        "loadlab_run_state", "What the run does now: 1 for the state that it is in.", labels=(*RUN, "state")
    )
    for each in STATES:
        family.add_metric((*labels, each), each == state)
    return family


def _sums(run: Watched, labels: tuple[str, ...]) -> Iterator[Metric]:
    tally = run.tally
    requests = CounterMetricFamily(
        "loadlab_requests_total",
        "Requests due in the measured windows, by what came of them.",
        labels=(*RUN, "outcome", "status_class"),
    )
    for (outcome, status_class), times in tally.requests.items():
        requests.add_metric((*labels, outcome.key, status_class), times)
    yield requests
    sent = CounterMetricFamily(
        "loadlab_sent_requests_total", "Requests sent, warm-up and drain included.", labels=RUN
    )
    sent.add_metric(labels, tally.sent)
    yield sent
    yield _histogram(
        "loadlab_latency_seconds",
        "From when a request was due until its response was complete.",
        labels,
        tally.latency,
    )
    yield _histogram(
        "loadlab_service_time_seconds",
        "From when a request was sent until its response was complete.",
        labels,
        tally.service,
    )
    yield _histogram(
        "loadlab_lag_seconds",
        "From when a request was due until it was sent: the client's own lateness.",
        labels,
        tally.lag,
    )


def _histogram(name: str, text: str, labels: tuple[str, ...], spread: Spread) -> Metric:
    family = HistogramMetricFamily(name, text, labels=RUN)
    family.add_metric(labels, list(zip(LE, spread.counts.tolist(), strict=True)), spread.sum_ns / NS_PER_S)
    return family


def _now(run: Watched, labels: tuple[str, ...]) -> Iterator[Metric]:
    now = run.now
    for name, text, value in (
        ("loadlab_concurrency", "Users of the running stage, or its batch's size.", now.concurrency),
        (
            "loadlab_offered_requests_per_second",
            "Open: the rate at which requests are due now. Otherwise: requests sent in the last second.",
            now.offered_hz,
        ),
        ("loadlab_achieved_requests_per_second", "Responses of the last second.", now.achieved_hz),
        (
            "loadlab_loop_stall_seconds",
            "The latest that a timer of a client's event loop came in the running stage.",
            now.loop_stall_ns / NS_PER_S,
        ),
    ):
        family = GaugeMetricFamily(name, text, labels=RUN)
        if value is not None:
            family.add_metric(labels, value)
        yield family
    if run.sees_flight:
        in_flight = GaugeMetricFamily("loadlab_in_flight", "Requests sent and not answered yet.", labels=RUN)
        in_flight.add_metric(labels, now.in_flight)
        yield in_flight
        cpu = GaugeMetricFamily(
            "loadlab_client_cpu_ratio",
            "Cores that a worker took in the last second, without what it spent awake only to be on time.",
            labels=(*RUN, "worker"),
        )
        busy = dict(enumerate(now.busy))
        for worker in range(run.workers):
            cpu.add_metric((*labels, str(worker)), busy.get(worker) or 0.0)
        yield cpu
