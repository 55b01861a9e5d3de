"""An exposition as Prometheus would read it, held against a result field by field."""

from collections.abc import Iterable
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from loadlab.metrics import Metrics
from loadlab.metrics.tally import NO_STATUS, status_class
from loadlab.recording.sample import ANSWERED, Outcome
from loadlab.results.result import RunResult


class Exposed:
    """What one scrape tells."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def matching(self, name: str, **labels: Any) -> dict[tuple[tuple[str, str], ...], float]:
        """Every sample of this name whose labels hold at least these, by its labels."""
        wanted = {key: str(value) for key, value in labels.items()}.items()
        return {
            found: value
            for (sample, found), value in self.samples.items()
            if sample == name and wanted <= dict(found).items()
        }

    def value(self, name: str, **labels: Any) -> float:
        """The one sample of this name and these labels."""
        (value,) = self.matching(name, **labels).values()
        return value

    def total(self, name: str, **labels: Any) -> float:
        """The sum of all samples of this name and these labels."""
        return sum(self.matching(name, **labels).values())

    def state(self) -> str:
        """The one state that is 1."""
        (labels,) = (dict(found) for found, value in self.matching("loadlab_run_state").items() if value)
        return labels["state"]

    def growing(self) -> dict[Any, float]:
        """Every sample that must never fall as long as the run is the same."""
        kinds = {"counter", "histogram"}
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            if family.type in kinds
            for sample in family.samples
        }


def exposed(metrics: Metrics) -> Exposed:
    """Scrape."""
    return Exposed(metrics.expose()[0].decode())


def assert_never_falls(scrapes: Iterable[Exposed]) -> None:
    """Every counter is there from the first scrape on, and none ever falls."""
    before: dict[Any, float] | None = None
    for scrape in scrapes:
        now = scrape.growing()
        if before is not None:
            assert now.keys() == before.keys()
            assert all(now[key] >= value for key, value in before.items())
        before = now


def assert_agree(seen: Exposed, result: RunResult) -> None:
    """The sums of a run that is over are its result's, exactly, and each stage's sample is its stage's."""
    stages = result.stages
    for outcome in Outcome:
        theirs = sum(getattr(stage.counts, outcome.key) for stage in stages)
        assert seen.total("loadlab_requests_total", outcome=outcome.key) == theirs, outcome.key
    _assert_statuses_agree(seen, result)
    assert seen.total("loadlab_requests_total") == sum(stage.counts.scheduled for stage in stages)
    assert seen.value("loadlab_sent_requests_total") == sum(stage.sent_total for stage in stages)
    for name, part in (("latency", "latency_ns"), ("service_time", "service_ns"), ("lag", "lag_ns")):
        count = sum(getattr(stage, part).count for stage in stages)
        assert seen.value(f"loadlab_{name}_seconds_count") == count
        assert seen.value(f"loadlab_{name}_seconds_bucket", le="+Inf") == count
    _assert_stages_agree(seen, result)


def _assert_statuses_agree(seen: Exposed, result: RunResult) -> None:
    by_class: dict[str, int] = {}
    for stage in result.stages:
        for status, times in stage.statuses.items():
            name = status_class(int(status))
            by_class[name] = by_class.get(name, 0) + times
    for outcome in ANSWERED:
        for labels, times in seen.matching("loadlab_requests_total", outcome=outcome.key).items():
            by_class[dict(labels)["status_class"]] = by_class.get(dict(labels)["status_class"], 0) - int(
                times
            )
    assert not any(by_class.values()), "statuses and their classes"
    for outcome in set(Outcome) - set(ANSWERED):
        (labels,) = seen.matching("loadlab_requests_total", outcome=outcome.key)
        assert dict(labels)["status_class"] == NO_STATUS


def _assert_stages_agree(seen: Exposed, result: RunResult) -> None:
    for index, stage in enumerate(result.stages):
        at = {"stage": index, "concurrency": stage.label}
        told = stage.latency_ns
        errors = stage.counts.errors / stage.counts.scheduled if stage.counts.scheduled else None
        for name, figure in (
            ("throughput_requests_per_second", stage.throughput_hz),
            ("error_ratio", errors),
            ("bound_ratio", stage.theory and stage.theory.bound_ratio),
            ("invalid", float(stage.state == "invalid")),
            ("in_flight_mean", stage.in_flight_mean),
        ):
            found = list(seen.matching(f"loadlab_stage_{name}", **at).values())
            assert found == ([] if figure is None else [figure]), name
        for quantile, value_ns in (("0.5", told.p50), ("0.95", told.p95), ("0.99", told.p99)):
            found = list(seen.matching("loadlab_stage_latency_seconds", quantile=quantile, **at).values())
            assert found == ([] if value_ns is None else [value_ns / 1e9])
