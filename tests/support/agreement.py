"""Every panel compared with the results of the runs that it shows, and a table of whether they agree.

Counts agree exactly, throughput within 2 %, percentiles of a whole run within their bucket, and what is drawn
over time by its size (`timelines`). A panel of which a result tells nothing must
have data, finite and not negative, and no two series of one name.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from support.dashboards import Asked, asked
from support.figures import (
    CHARTS,
    FIGURES,
    NS_PER_S,
    Result,
    began,
    by_scenario,
    chart,
    edges,
    ended,
    errors,
    is_valid,
    merged,
    of_every_stage,
    slots,
    stages,
    total,
)
from support.grafana import Series, Viewer, charted, legend_of
from support.shown import (
    Check,
    adds_up_to,
    anything,
    between,
    each_adds_up_to,
    exactly,
    in_bucket_of,
    moments,
    names,
    near,
    steps_through,
)
from support.timelines import over_time

MAY_BE_EMPTY = {"Alerts"}
"""Annotations: an alert that does not fire is no event."""


def checks(results: list[Result], *, every_second: bool) -> dict[str, Check]:
    """What is known of the panels, by `board / panel / letter`.

    `results` are all runs in the time range, the newest last; where not every second has a point, a short
    state may be missed.
    """
    newest = results[-1]
    latencies = merged([newest])
    users = {stage["concurrency"] for _, _, stage in stages(results)}
    sent = sum(stage["sent_total"] for _, _, stage in stages(results))
    known: dict[str, Check] = {
        **over_time(results, every_second=every_second),
        "Run / State / A": names("idle"),
        "Run / Requests / A": exactly(total([newest], "scheduled")),
        "Run / Errors / A": exactly(1 - total([newest], "ok") / total([newest], "scheduled")),
        "Run / What each run was doing / A": steps_through({1, 2, 3}, {2} if every_second else set()),
        "Run / Concurrency / A": steps_through(users, users if every_second else set()),
        "Run / Concurrency / C": exactly(slots(newest)),
        "Run / Errors by outcome / A": each_adds_up_to(errors(results), "requests that ended"),
        "Run / Offered and achieved / C": adds_up_to(sent, "requests sent"),
        "Run / Latency heatmap / A": adds_up_to(total(results, "ok", "http_error"), "answers", of_last=True),
        "Concurrency / Stages limited by the client / A": exactly(
            sum(not is_valid(stage) for _, _, stage in stages(results))
        ),
        "Concurrency / Highest throughput / A": by_scenario(results, max, lambda s: s["throughput_hz"], 1),
        "Concurrency / Lowest median latency / A": by_scenario(
            results, min, lambda s: s["latency_ns"]["p50"], NS_PER_S
        ),
        "Target / Workers / A": exactly(newest["stages"][0]["target"]["workers"]),
        "Target / Threads / A": exactly(newest["stages"][0]["target"]["threads"]),
        "Target / Requests / A": near(
            sent,
            "requests sent",
            per_s=max(s["throughput_hz"] for _, _, s in stages(results)),
        ),
        "Target / Time on the thread / A": between(
            *edges(s["target"]["thread_ns"] / NS_PER_S for _, _, s in stages(results))
        ),
        "Target / Requests finished / A": adds_up_to(sent, "requests sent"),
        "Target / Time on the thread, heatmap / A": adds_up_to(sent, "requests sent", of_last=True),
        "Target / Busy threads / B": exactly(slots(newest)),
    }
    for letter, quantile in zip("ABC", (50, 95, 99), strict=True):
        known[f"Run / Latency of the run / {letter}"] = in_bucket_of(
            latencies.get_value_at_percentile(quantile) / NS_PER_S
        )
    for board in ("Run", "Concurrency", "Target"):
        known[f"{board} / Runs / Anno"] = moments(began(results), "run")
        known[f"{board} / Stages / Anno"] = moments(ended(results), "run", "stage")
        for column, figure in FIGURES.items():
            known[f"{board} / Stages / {column}"] = of_every_stage(results, figure)
    return known


class Row(NamedTuple):
    """A query of a panel, what it found, and with what that agrees, or what is wrong with it."""

    panel: str
    expr: str
    series: int
    points: int
    said: str


def look(boards: dict[str, dict[str, Any]], viewer: Viewer, results: list[Result]) -> list[Row]:
    """Look at every panel; a row for each query with what it agrees with, or what is wrong with it."""
    known = {each: checks(results, every_second=each) for each in (False, True)}
    rows: list[Row] = []
    for board in boards.values():
        seen: Seen = {}
        for query in asked(board):
            found = viewer.see(query, legend_of(board, query))
            seen[query.panel, query.letter] = found
            check = known[viewer.step_s(query) <= 1].get(str(query), anything)
            rows.append(_row(query, viewer, found, check))
        rows += _drawn(board, results, seen)
        rows += _twice(board, seen)
    return rows


Seen = dict[tuple[str, str], list[Series]]
"""What was seen of each panel and letter."""


def _drawn(board: dict[str, Any], results: list[Result], seen: Seen) -> Iterator[Row]:
    for title, (x, y) in CHARTS.items():
        if (title, x) in seen:
            said = _agrees(lambda t=title, x=x, y=y: chart(results, x, y, charted(seen[t, x], seen[t, y])))
            yield Row(f"{board['title']} / {title}", "(as drawn)", 0, 0, said)


def _twice(board: dict[str, Any], seen: Seen) -> Iterator[Row]:
    """Panels in which two lines have one name; a table's rows have none."""
    named = Counter(
        (panel, series.name) for (panel, _), all_ in seen.items() for series in all_ if series.name
    )
    for (panel, name), times in named.items():
        if times > 1:
            said = f"WRONG: {times} series are named {name}"
            yield Row(f"{board['title']} / {panel}", "(names)", times, 0, said)


def _row(query: Asked, viewer: Viewer, found: list[Series], check: Check) -> Row:
    points = sum(len(series.points) for series in found)
    said = _agrees(lambda: _checked(query, found, check))
    return Row(str(query), viewer.resolved(query), len(found), points, said)


def _checked(query: Asked, found: list[Series], check: Check) -> str:
    if query.panel in MAY_BE_EMPTY and query.is_annotation and not found:
        return "no event"
    assert any(series.points for series in found), "no data"
    told = [series for series in found if series.points]
    assert all(math.isfinite(value) and value >= 0 for series in told for value in series.values), (
        "not finite"
    )
    return check(told)


def _agrees(check: Callable[[], str]) -> str:
    try:
        return check()
    except AssertionError as wrong:
        return f"WRONG: {' '.join(str(wrong).split())[:300]}"


def wrong(rows: list[Row]) -> list[str]:
    """The rows that do not agree."""
    return [f"{row.panel}: {row.said}" for row in rows if row.said.startswith("WRONG")]


def write(rows: list[Row], path: Path) -> None:
    """Write the table."""
    lines = ["| panel | query | series | points | agrees |", "| --- | --- | ---: | ---: | --- |"]
    for panel, expr, series, points, said in rows:
        shown = expr.replace("|", "\\|")
        lines.append(f"| {panel} | `{shown}` | {series} | {points} | {said} |")
    path.write_text("\n".join(lines) + "\n")
