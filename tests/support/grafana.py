"""A viewer of the dashboards without Grafana: resolves a query as it does, and asks a real Prometheus.

What Grafana 12 does, from its documentation of the Prometheus data source and the code that it describes
(pkg/promlib/models/query.go; grafana-plugin-sdk-go, backend/gtime):

- `$__interval` and the step: the time range by the number of points that the panel has room for, rounded to a
  handy length, but never less than the data source's `timeInterval`.
- `$__rate_interval`: max($__interval + scrape interval, 4 x scrape interval).
- `$__range`: the time range in whole seconds.
- `$__from`: the beginning of the time range, not aligned, in milliseconds of Unix time.
- A range is aligned to the step; an instant query is asked for its aligned end.
- A variable with several values, or with All, stands for a regular expression; All for its own one.
- An annotation is asked over the time range with its `step` as the least interval and room for 100 points.
  A series gives events (packages/grafana-prometheus/src/datasource.ts): the moments at which it is above 0,
  or, of one whose value is the moment, its values. Those that are no further apart than the step are one.
"""

import json
import math
import re
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from support.dashboards import Asked, asked

POINTS = 1000
"""About what a panel of half the screen has room for, a point a pixel."""
ANNOTATION_POINTS = 100
# The longest length that is rounded to each handy one, both in seconds.
_ROUNDED = ((1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120))


class Prometheus:
    """The HTTP API of one that runs."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1/"
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def ask(self, endpoint: str, **parameters: object) -> Any:
        """Return the answer's data; what Prometheus refuses raises, with its reason."""
        text = urllib.parse.urlencode(parameters)
        try:
            with self._open(f"{self._base}{endpoint}?{text}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{parameters}: {refused.read().decode()}") from None

    def now(self, expr: str, at_s: float | None = None) -> dict[tuple[tuple[str, str], ...], float]:
        """An instant query: values by labels, those without a name."""
        moment = {} if at_s is None else {"time": at_s}
        found = self.ask("query", query=expr, **moment)["result"]
        return {_labels(series["metric"]): float(series["value"][1]) for series in found}


class Series(NamedTuple):
    """A series as a panel has it."""

    name: str
    labels: dict[str, str]
    points: list[tuple[float, float]]
    """Moment and value; NaN is no point, as it is no point in a panel."""

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points]

    @property
    def last(self) -> float:
        """What a number or a table shows."""
        return self.points[-1][1]


class Event(NamedTuple):
    """What an annotation marks: a moment, or a span of them."""

    name: str
    """Of the annotation."""
    labels: dict[str, str]
    began_s: float
    ended_s: float


@dataclass
class Viewer:
    """A reader who looks at a time range of a Prometheus, with choices of scenario and run."""

    prometheus: Prometheus
    start_s: float
    end_s: float
    chosen: dict[str, list[str]] = field(default_factory=dict)
    """Values of the variables; one that is not in it is All."""
    scrape_s: float = 1.0
    """The data source's `timeInterval`."""

    def options(self, board: dict[str, Any], name: str) -> list[str]:
        """What a variable offers, in no order."""
        variable = next(v for v in board["templating"]["list"] if v["name"] == name)
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
        assert asked
        within = {"match[]": self._with_choices(asked[1]), "start": self.start_s, "end": self.end_s}
        return self.prometheus.ask(f"label/{asked[2]}/values", **within)

    def resolved(self, query: Asked) -> str:
        """The expression that Prometheus gets."""
        step_s = self.step_s(query)
        rate_s = max(step_s + self.scrape_s, 4 * self.scrape_s)
        replaced = self._with_choices(query.expr)
        for name, value in (
            ("$__rate_interval", f"{rate_s:g}s"),
            ("$__interval", f"{step_s:g}s"),
            ("$__range", f"{round(self.end_s - self.start_s)}s"),
            ("$__from", f"{self.start_s * 1000:.0f}"),
        ):
            replaced = replaced.replace(name, value)
        assert "$" not in replaced, replaced
        return replaced

    def step_s(self, query: Asked) -> float:
        """How far points lie apart."""
        points = ANNOTATION_POINTS if query.is_annotation else POINTS
        least_s = float(query.step.removesuffix("s")) if query.step else self.scrape_s
        wanted_s = (self.end_s - self.start_s) / points
        if wanted_s <= least_s:
            return least_s
        return next((to for up_to, to in _ROUNDED if wanted_s < up_to), 300)

    def see(self, query: Asked, legend: str = "") -> list[Series]:
        """What the panel shows of a query."""
        step_s = self.step_s(query)
        start_s, end_s = (math.floor(moment / step_s) * step_s for moment in (self.start_s, self.end_s))
        expr = self.resolved(query)
        if query.instant:
            found = self.prometheus.ask("query", query=expr, time=end_s)["result"]
            return [_series(each["metric"], [each["value"]], legend) for each in found]
        found = self.prometheus.ask("query_range", query=expr, start=start_s, end=end_s, step=step_s)[
            "result"
        ]
        return [_series(each["metric"], each["values"], legend) for each in found]

    def events(self, board: dict[str, Any]) -> list[Event]:
        """What the annotations of a dashboard mark."""
        notes = {note["name"]: note for note in board["annotations"]["list"]}
        found: list[Event] = []
        for query in asked(board):
            if query.is_annotation:
                value_is_moment = notes[query.panel].get("useValueForTime") is True
                for series in self.see(query):
                    at_s = (
                        [value / 1000 for value in series.values]
                        if value_is_moment
                        else [moment for moment, value in series.points if value > 0]
                    )
                    spans = _joined(at_s, self.step_s(query))
                    found += [Event(query.panel, series.labels, *span) for span in spans]
        return found

    def _with_choices(self, text: str) -> str:
        for name in ("scenario", "run"):
            values = [
                re.sub(r"([$^*{}\[\]'+?.()|\\])", r"\\\\\1", value) for value in self.chosen.get(name, [])
            ]
            pattern = ".+" if not values else values[0] if len(values) == 1 else f"({'|'.join(values)})"
            text = text.replace(f'"${name}"', f'"{pattern}"')
        return text


def legend_of(board: dict[str, Any], query: Asked) -> str:
    """What a query's series are to be called."""
    for panel in board["panels"]:
        if panel["title"] == query.panel:
            return next(
                (t.get("legendFormat", "") for t in panel.get("targets") or [] if t["refId"] == query.letter),
                "",
            )
    return ""


def charted(x: list[Series], y: list[Series]) -> dict[str, list[tuple[float, float]]]:
    """What an XY chart draws of its two queries, joined by labels and split by `series`, in order of x.

    The transformations `merge`, `sortBy` and `partitionByValues`; a row without either value would be drawn
    as a zero, so it raises.
    """
    across = {_labels(series.labels): series.last for series in x}
    upward = {_labels(series.labels): series.last for series in y}
    assert across.keys() == upward.keys()
    drawn: dict[str, list[tuple[float, float]]] = {}
    for labels in sorted(across, key=lambda each: across[each]):
        drawn.setdefault(dict(labels)["series"], []).append((across[labels], upward[labels]))
    return drawn


def _joined(at_s: list[float], step_s: float) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for moment in at_s:
        if spans and spans[-1][1] + step_s >= moment:
            spans[-1] = (spans[-1][0], moment)
        else:
            spans.append((moment, moment))
    return spans


def _series(metric: dict[str, str], points: Iterable[tuple[float, str]], legend: str) -> Series:
    name = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: metric.get(found[1], ""), legend)
    kept = [(moment, float(value)) for moment, value in points if value != "NaN"]
    return Series(name, metric, kept)


def _labels(metric: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in metric.items() if name != "__name__"))
