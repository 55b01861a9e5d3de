"""A sweep as a picture in the terminal: rate and latency against what was swept. Pure.

1. What the client limited is never drawn as the target's: `≥` for its rate, `!` for its latencies, and no
   line leads there. What else is INVALID is `!` and stands apart, too; what is suspect is `?`.
2. The bound is a dash at each stage for which it is known; between the stages nothing is claimed.
3. What can't be told is not drawn, and no line goes over the gap.
"""

from collections.abc import Callable
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from loadlab.analysis.together import MARKS
from loadlab.clock import NS_PER_MS
from loadlab.results.result import RunResult, StageResult, State
from loadlab.terminal.marks import marked_label
from loadlab.terminal.panel import ASCII, BRAILLE, Glyphs, Panel, Point, draw
from loadlab.terminal.scale import Scale, of_steps, of_values
from loadlab.workload.traits import Workload

_WIDEST = 100
_SIDE_BY_SIDE = 76
"""From so many columns on the two panels stand side by side."""
_HEIGHT, _LOW = 8, 6
_GAP = 2
_NEAR = 2.0
"""A bound of more than so many times the highest rate would press the curve flat, and is not drawn."""


class _Markers(NamedTuple):
    full: str
    hollow: str
    both: str
    at_least: str


_MARKERS = {False: _Markers("●", "○", "◉", "≥"), True: _Markers("*", "o", "@", ">")}

_RATE, _P50, _P99, _MARKED = "cyan", "green", "magenta", "yellow"


def curve(result: RunResult) -> "Curve | None":
    """Return the picture; None where the run's stages are no sweep over one thing."""
    stages = [(x, stage) for stage in result.stages if (x := _x(stage)) is not None]
    stages.sort(key=lambda each: each[0])
    if len({x for x, _ in stages}) < 2 or not any(stage.counts.ok for _, stage in stages):
        return None
    return Curve(result.plan.workload, stages)


def _x(stage: StageResult) -> float | None:
    if stage.rate_hz is not None:
        return stage.rate_hz if stage.rate_to_hz is None else None
    return stage.concurrency or stage.requests


class Curve:
    """Rate and latency against what was swept, as wide as the terminal allows."""

    def __init__(self, workload: Workload, stages: list[tuple[float, StageResult]]) -> None:
        self._workload = workload
        self._stages = stages

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        del console
        width = min(options.max_width, _WIDEST)
        yield from self.lines(width, ascii_only=options.ascii_only)

    def lines(self, width: int, *, ascii_only: bool) -> list[Text]:
        """Return its lines, none of them wider than so many columns."""
        glyphs, markers = (ASCII if ascii_only else BRAILLE), _MARKERS[ascii_only]
        panels = (self._rate(markers, glyphs), self._latency(markers))
        if width < _SIDE_BY_SIDE:
            drawn = [line for panel in panels for line in draw(panel, width, _LOW, glyphs)]
        else:
            each = (width - _GAP) // 2
            left, right = (draw(panel, each, _HEIGHT, glyphs) for panel in panels)
            drawn = [Text(" " * _GAP).join(pair) for pair in zip(left, right, strict=True)]
        for line in drawn:
            line.no_wrap = True
            line.rstrip()
        return drawn

    def _rate(self, markers: _Markers, glyphs: Glyphs) -> Panel:
        rates = [hz for _, stage in self._stages if (hz := stage.known_rate_hz) is not None]
        dashes = [(x, y) for x, y in self._bounds() if y <= _NEAR * max(rates, default=0.0)]
        title = Text.assemble(("rate per second  ", "bold"), (markers.full, _RATE), " measured")
        if dashes:
            title.append(f"  {glyphs.dash} bound", "dim")
        points = [
            None
            if (hz := stage.known_rate_hz) is None
            else _point(x, hz, stage, (markers.full, _RATE), markers.at_least)
            for x, stage in self._stages
        ]
        return self._panel(title, of_values(rates + [y for _, y in dashes]), (tuple(points),), tuple(dashes))

    def _latency(self, markers: _Markers) -> Panel:
        title = Text.assemble(
            ("latency in ms  ", "bold"), (markers.full, _P50), " p50  ", (markers.hollow, _P99), " p99"
        )
        series = (
            self._quantile(lambda stage: stage.latency_ns.p99, (markers.hollow, _P99)),
            self._quantile(lambda stage: stage.latency_ns.p50, (markers.full, _P50)),
        )
        scale = of_values([point.y for points in series for point in points if point], may_be_log=True)
        if scale.log:
            title.append("  (log)", "dim")
        both = {frozenset((markers.full, markers.hollow)): markers.both}
        return self._panel(title, scale, series, (), both)

    def _quantile(
        self, of: Callable[[StageResult], int | None], ink: tuple[str, str]
    ) -> tuple[Point | None, ...]:
        return tuple(
            None if (ns := of(stage)) is None else _point(x, ns / NS_PER_MS, stage, ink, "!")
            for x, stage in self._stages
        )

    def _panel(
        self,
        title: Text,
        y: Scale,
        series: tuple[tuple[Point | None, ...], ...],
        dashes: tuple[tuple[float, float], ...],
        both: dict[frozenset[str], str] | None = None,
    ) -> Panel:
        x = of_steps([x for x, _ in self._stages])
        return Panel(
            title=title,
            x=x,
            y=y,
            steps=tuple((x, marked_label(stage)) for x, stage in self._stages),
            below=f"{self._workload.traits.many}{' (log)' if x.log else ''}",
            series=series,
            dashes=dashes,
            both=both or {},
        )

    def _bounds(self) -> list[tuple[float, float]]:
        return [
            (x, stage.theory.bound_hz) for x, stage in self._stages if stage.theory and stage.theory.bound_hz
        ]


def _point(x: float, y: float, stage: StageResult, ink: tuple[str, str], limited: str) -> Point:
    """Return a stage's point; one that is not the target's, or can't be believed, is marked."""
    if stage.client_limited:
        return Point(x, y, limited, _MARKED, apart=True)
    if stage.state is not State.VALID:
        return Point(x, y, MARKS[stage.state], _MARKED, apart=stage.state is State.INVALID)
    return Point(x, y, *ink)
