"""From the rounds of a bench to its table, as data, as text and as Markdown. Pure."""

import statistics
from typing import Any

from lab import Figures
from rows import Row

Told = dict[str, Any]
"""A row with its result, as it stands in the JSON."""


def told(row: Row, rounds: dict[str, list[Figures]], missing: dict[str, str]) -> Told:
    """Return a row with its value round by round; `missing` says for a contestant which tool it lacks."""
    base = {
        "group": row.group,
        "what": row.what,
        "unit": row.unit,
        "operator": "<=" if row.most else ">=",
        "limit": row.limit,
        "aim": row.aim,
    }
    names = [name for name, _ in filter(None, (row.of, row.over))]
    absent = [missing[name] for name in names if name in missing]
    if absent:
        return base | {"median": None, "rounds": [], "outcome": f"{absent[0]} is not installed"}
    values = [figures[row.of[1]] for figures in rounds[row.of[0]]]
    if row.over is not None:
        others = [figures[row.over[1]] for figures in rounds[row.over[0]]]
        values = [mine / other for mine, other in zip(values, others, strict=True)]
    median = statistics.median(values)
    lost = sum(_lost(figures) for name in names for figures in rounds[name])
    return base | {"median": median, "rounds": values, "outcome": _outcome(row, median, lost)}


def _lost(figures: Figures) -> int:
    """Return how many requests of an open load were dropped or failed: the figures are of the others."""
    return int(figures.get("dropped", 0) + figures.get("failed", 0))


def _outcome(row: Row, median: float, lost: int) -> str:
    if lost:
        return f"missed: {lost:,} dropped or failed"
    if row.limit is None:
        return "–"
    return "met" if (median <= row.limit if row.most else median >= row.limit) else "missed"


def text(rows: list[Told], rates: dict[str, Figures]) -> str:
    """Lay a table out for a terminal: each row, then what each contestant did."""
    wide = max(len(row["what"]) for row in rows)
    lines = [f"{'':{wide}}{'limit':>8}{'aim':>6}{'median':>9}      rounds"]
    for row in rows:
        limit, aim = _limit(row), "" if row["aim"] is None else f"{row['aim']:g}"
        each = " ".join(_plain(row, value) for value in row["rounds"])
        value = "" if row["median"] is None else _plain(row, row["median"])
        lines.append(
            f"{row['what']:{wide}}{limit:>8}{aim:>6}{value:>9} {row['unit']:4} {each}  {row['outcome']}"
        )
    lines += ["", f"{'medians':32}{'requests/s':>12}{'CPU, µs/request':>18}"]
    for name, figures in rates.items():
        cpu = f"{figures['cpu_us']:.2f}" if "cpu_us" in figures else ""
        lines.append(f"{name:32}{figures['rate_hz']:>12,.0f}{cpu:>18}")
    return "\n".join(lines)


def markdown(rows: list[Told], rates: dict[str, Figures]) -> str:
    """Lay the same out for a document."""
    lines = ["| what | limit | median | rounds | |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        limit = _limit(row) + ("" if row["aim"] is None else f" (aim {row['aim']:g})")
        value = "" if row["median"] is None else f"{_plain(row, row['median'])} {row['unit']}"
        each = " ".join(_plain(row, value) for value in row["rounds"])
        lines.append(f"| {row['what']} | {limit} | {value} | {each} | {row['outcome']} |")
    lines += ["", "| medians | requests/s | CPU per request |", "| --- | --- | --- |"]
    for name, figures in rates.items():
        cpu = f"{figures['cpu_us']:.2f} µs" if "cpu_us" in figures else "–"
        lines.append(f"| {name} | {figures['rate_hz']:,.0f} | {cpu} |")
    return "\n".join(lines)


def medians(rounds: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Return each contestant's figures as medians over its rounds, of those that have a rate."""
    return {
        name: {key: statistics.median(each[key] for each in figures) for key in figures[0]}
        for name, figures in rounds.items()
        if figures and "rate_hz" in figures[0]
    }


def _limit(row: Told) -> str:
    if row["limit"] is None:
        return ""
    return f"{'≤' if row['operator'] == '<=' else '≥'} {row['limit']:g}"


def _plain(row: Told, value: float) -> str:
    return f"{value:.3f}" if row["unit"] == "ms" else f"{value:.2f}"
