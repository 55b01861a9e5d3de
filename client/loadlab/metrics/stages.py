"""One sample of each figure for a stage that is over, so that a panel can draw it against concurrency."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.samples import Sample

from loadlab.clock import NS_PER_S
from loadlab.results.result import StageResult, State


def size(stage: StageResult) -> float:
    """Return a stage's place on the axis that its sweep varies; of a ramp, the middle."""
    if stage.rate_hz is not None:
        return (stage.rate_hz + (stage.rate_hz if stage.rate_to_hz is None else stage.rate_to_hz)) / 2
    return stage.concurrency or stage.requests or 0


_Figure = Callable[[StageResult], float | None]

_FIGURES: tuple[tuple[str, str, _Figure], ...] = (
    (
        "loadlab_stage_concurrency",
        "Users, arrivals per second or batch size of a stage that is over.",
        size,
    ),
    (
        "loadlab_stage_throughput_requests_per_second",
        "Responses in the stage's window by the window's length.",
        lambda stage: stage.known_rate_hz,
    ),
    (
        "loadlab_stage_error_ratio",
        "Share of the stage's due requests that did not end ok.",
        lambda stage: stage.counts.errors / stage.counts.scheduled if stage.counts.scheduled else None,
    ),
    (
        "loadlab_stage_bound_ratio",
        "Throughput as a share of what the target's threads allow.",
        lambda stage: None if stage.theory is None else stage.theory.bound_ratio,
    ),
    (
        "loadlab_stage_invalid",
        "1 where the stage shows the client's limit or lost a worker, and not the target's capacity.",
        lambda stage: stage.state is State.INVALID,
    ),
    (
        "loadlab_stage_in_flight_mean",
        "Requests in flight, averaged over the stage's window.",
        lambda stage: stage.in_flight_mean,
    ),
)


def ended(
    results: Mapping[int, StageResult],
    ended_s: Mapping[int, float],
    names: tuple[str, ...],
    labels: tuple[str, ...],
) -> Iterator[Metric]:
    """Give the figures of the stages that are over, and when that was, by their index.

    What a stage can't tell is absent.
    """
    names = (*names, "stage", "concurrency")
    stages = [((*labels, str(index), stage.label), stage) for index, stage in results.items()]
    for name, text, figure in _FIGURES:
        family = GaugeMetricFamily(name, text, labels=names)
        for values, stage in stages:
            if (value := figure(stage)) is not None:
                family.add_metric(values, value)
        if family.samples:
            yield family
    yield _moments(results, ended_s, names, labels)
    latency = SummaryMetricFamily(
        "loadlab_stage_latency_seconds", "Latency of a stage that is over.", labels=names
    )
    for values, stage in stages:
        told = stage.latency_ns
        for quantile, value_ns in (("0.5", told.p50), ("0.95", told.p95), ("0.99", told.p99)):
            if value_ns is not None:
                named = dict(zip(names, values, strict=True)) | {"quantile": quantile}
                latency.samples.append(Sample(latency.name, named, value_ns / NS_PER_S))
    if latency.samples:
        yield latency


def _moments(
    results: Mapping[int, StageResult],
    ended_s: Mapping[int, float],
    names: tuple[str, ...],
    labels: tuple[str, ...],
) -> Metric:
    family = GaugeMetricFamily(
        "loadlab_stage_ended_timestamp_seconds", "Unix time at which the stage was over.", labels=names
    )
    for index, stage in results.items():
        family.add_metric((*labels, str(index), stage.label), ended_s[index])
    return family
