"""A run's raw counters in a Prometheus, and the result's counts."""

from typing import Any

from support.grafana import Prometheus

Result = dict[str, Any]
HISTOGRAMS = {"latency": "latency_ns", "service_time": "service_ns", "lag": "lag_ns"}


def assert_raw_counters_are_the_counts(prometheus: Prometheus, result: Result) -> None:
    """Final minus initial is exact: by outcome, of what was sent, and of each histogram."""
    run_id, stages = result["run_id"], result["stages"]
    requests = _ends(prometheus, "loadlab_requests_total", run_id)
    for outcome in stages[0]["counts"].keys() - {"scheduled"}:
        grown = sum(grew for labels, grew in requests if labels["outcome"] == outcome)
        assert grown == sum(stage["counts"][outcome] for stage in stages), outcome
    assert _grown(prometheus, "loadlab_sent_requests_total", run_id) == sum(s["sent_total"] for s in stages)
    for name, key in HISTOGRAMS.items():
        grown = _grown(prometheus, f"loadlab_{name}_seconds_count", run_id)
        assert grown == sum(stage[key]["count"] for stage in stages), name


def assert_increase_is_near(prometheus: Prometheus, result: Result) -> None:
    """`increase` and `rate` extrapolate: within 2 % and what comes between two scrapes."""
    scheduled = sum(stage["counts"]["scheduled"] for stage in result["stages"])
    allowed = 0.02 * scheduled + max(stage["throughput_hz"] for stage in result["stages"])
    for function, by in (("increase", 1), ("rate", 3600)):
        asked = f'sum({function}(loadlab_requests_total{{run="{result["run_id"]}"}}[1h]))'
        [grown] = prometheus.now(asked).values()
        assert abs(grown * by - scheduled) <= allowed, function


def _grown(prometheus: Prometheus, metric: str, run_id: str) -> float:
    [(_, grew)] = _ends(prometheus, metric, run_id)
    return grew


def _ends(prometheus: Prometheus, metric: str, run_id: str) -> list[tuple[dict[str, str], float]]:
    """Of each series of a run, last raw sample minus first, which is the 0 that it was announced with."""
    found = prometheus.ask("query", query=f'{metric}{{run="{run_id}"}}[1h]')["result"]
    for series in found:
        assert float(series["values"][0][1]) == 0, series["metric"]
    return [(series["metric"], float(series["values"][-1][1])) for series in found]
