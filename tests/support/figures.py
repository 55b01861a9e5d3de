"""Results of runs, and what panels show of their stages: columns, bars and charts."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest

from support.grafana import Series
from support.shown import THROUGHPUT, Check

hdrh: Any = pytest.importorskip("hdrh.histogram", reason="hdrhistogram has no wheel here")
Result = dict[str, Any]
NS_PER_S = 1e9
_ANNOUNCED_S = 10.0
"""A run waits for a scrape between its announcement and its load, for five seconds at most."""


def stages(results: Iterable[Result]) -> list[tuple[Result, int, Result]]:
    """Every finished stage, with its run and index."""
    return [(result, index, stage) for result in results for index, stage in enumerate(result["stages"])]


def is_valid(stage: Result) -> bool:
    return stage["state"] != "invalid"


def total(results: Iterable[Result], *names: str) -> int:
    """A sum of counts over all stages."""
    return sum(stage["counts"][name] for _, _, stage in stages(results) for name in names)


def errors(results: Iterable[Result]) -> dict[str, int]:
    """How many requests ended otherwise than ok, by outcome; those that none had are left out."""
    told = [stage["counts"] for _, _, stage in stages(results)]
    outcomes = told[0].keys() - {"scheduled", "ok"}
    sums = {outcome: sum(counts[outcome] for counts in told) for outcome in outcomes}
    return {outcome: times for outcome, times in sums.items() if times}


def began(results: Iterable[Result]) -> dict[tuple[str, ...], tuple[float, float]]:
    """Between which moments each run began: it is announced some moments before its load."""
    starts = {(result["run_id"],): _unix_s(result["started_at"]) for result in results}
    return {run: (start_s - _ANNOUNCED_S, start_s + 1) for run, start_s in starts.items()}


def ended(results: Iterable[Result]) -> dict[tuple[str, ...], tuple[float, float]]:
    """Between which moments each stage ended."""
    return {
        (result["run_id"], str(index)): (_unix_s(result["started_at"]), _unix_s(result["finished_at"]) + 1)
        for result, index, _ in stages(results)
    }


def _unix_s(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def merged(results: Iterable[Result], part: str = "latency") -> Any:
    """The latencies, or service times, or lags, of all stages."""
    together = hdrh.HdrHistogram(1, 3600 * 10**9, 3)
    for _, _, stage in stages(results):
        together.decode_and_add(stage["histograms"][part])
    return together


def slots(result: Result) -> int:
    target = result["stages"][0]["target"]
    return target["workers"] * target["threads"]


def edges(values: Iterable[float]) -> tuple[float, float]:
    told = sorted(values)
    return 0.95 * told[0], 1.05 * told[-1]


def _in_seconds(quantile: str) -> Callable[[Result], float | None]:
    return lambda stage: None if (told := stage["latency_ns"][quantile]) is None else told / NS_PER_S


def _of_bound(stage: Result) -> float | None:
    return None if stage["theory"] is None else stage["theory"]["bound_ratio"]


def _errors(stage: Result) -> float:
    return 1 - stage["counts"]["ok"] / stage["counts"]["scheduled"]


FIGURES: dict[str, Callable[[Result], float | None]] = {
    "concurrency": lambda stage: stage["concurrency"],
    "throughput": lambda stage: stage["throughput_hz"],
    "p50": _in_seconds("p50"),
    "p95": _in_seconds("p95"),
    "p99": _in_seconds("p99"),
    "errors": _errors,
    "of the bound": _of_bound,
    "in flight": lambda stage: stage["in_flight_mean"],
}
CHARTS = {
    "Throughput against concurrency": ("concurrency", "throughput"),
    "Share of the bound against concurrency": ("concurrency", "of the bound"),
    "Latency p50 against concurrency": ("concurrency", "p50"),
    "Latency p95 against concurrency": ("concurrency", "p95"),
    "Latency p99 against concurrency": ("concurrency", "p99"),
    "Throughput against requests in flight": ("in flight", "throughput"),
}


def by_scenario(
    results: list[Result], best: Callable[..., float], figure: Callable[[Result], float | None], by: float
) -> Check:
    told: dict[str, list[float]] = {}
    for result, _, stage in stages(results):
        if is_valid(stage) and (value := figure(stage)) is not None:
            told.setdefault(result["plan"]["scenario"], []).append(value / by)

    def check(found: list[Series]) -> str:
        shown = {series.name: series.last for series in found}
        assert shown.keys() == told.keys()
        for scenario, values in told.items():
            assert math.isclose(shown[scenario], best(values), rel_tol=THROUGHPUT), (scenario, shown, values)
        return ", ".join(f"{name} {value:.4g}" for name, value in shown.items())

    return check


def of_every_stage(results: list[Result], figure: Callable[[Result], float | None]) -> Check:
    """A column of the table: a row for each stage that tells the figure, and `worth` for what it is worth."""
    expected = {
        (result["run_id"], str(index)): (value, "measured" if is_valid(stage) else "client limit")
        for result, index, stage in stages(results)
        if (value := figure(stage)) is not None
    }

    def check(found: list[Series]) -> str:
        shown = {(s.labels["run"], s.labels["stage"]): (s.last, s.labels["worth"]) for s in found}
        assert shown.keys() == expected.keys(), (shown, expected)
        for key, (value, worth) in expected.items():
            assert shown[key][1] == worth
            assert math.isclose(shown[key][0], value, rel_tol=1e-6, abs_tol=1e-9), (key, shown[key], value)
        return f"{len(expected)} stages, equal"

    return check


def chart(results: list[Result], x: str, y: str, drawn: dict[str, list[tuple[float, float]]]) -> str:
    """An XY chart: a series for each run, its invalid stages apart, each point a stage."""
    expected: dict[str, list[tuple[float, float]]] = {}
    for result, _, stage in stages(results):
        across, upward = FIGURES[x](stage), FIGURES[y](stage)
        if across is not None and upward is not None:
            worth = "measured" if is_valid(stage) else "client limit"
            series = f"{result['plan']['scenario']} {result['run_id']} {worth}"
            expected.setdefault(series, []).append((across, upward))
    assert drawn.keys() == expected.keys(), (drawn.keys(), expected.keys())
    for name, points in expected.items():
        for (x_shown, y_shown), (x_told, y_told) in zip(drawn[name], sorted(points), strict=True):
            assert math.isclose(x_shown, x_told, rel_tol=1e-6)
            assert math.isclose(y_shown, y_told, rel_tol=1e-6)
    return f"{len(expected)} series, {sum(map(len, expected.values()))} points, equal"
