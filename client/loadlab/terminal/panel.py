"""One pair of axes and the points between them, as lines of text of one width. Pure."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
from rich.text import Text

from loadlab.terminal.canvas import ACROSS, UP, Canvas
from loadlab.terminal.scale import Scale, tick

_DASH_REACH = 2
"""Columns that a dash reaches to each side of its step."""


class Point(msgspec.Struct, frozen=True):
    """A value at a step; `apart` from its neighbours no line leads to it."""

    x: float
    y: float
    character: str
    style: str
    apart: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be drawn. Of two characters in one cell `both` is shown, where there is one for the pair."""

    title: Text
    x: Scale
    y: Scale
    steps: tuple[tuple[float, str], ...]
    """Values of x and what stands below them."""
    below: str
    """What x is."""
    series: tuple[tuple[Point | None, ...], ...]
    """In the order of x; a gap where a point can't be told."""
    dashes: tuple[tuple[float, float], ...] = ()
    """Values that something else sets, at their step."""
    both: dict[frozenset[str], str] = {}


class Glyphs(msgspec.Struct, frozen=True, kw_only=True):
    """The characters to draw with."""

    ascii_only: bool
    dash: str
    side: str
    mark: str
    corner: str
    floor: str
    step: str


BRAILLE = Glyphs(ascii_only=False, dash="╌", side="│", mark="┤", corner="└", floor="─", step="┬")
ASCII = Glyphs(ascii_only=True, dash="=", side="|", mark="+", corner="+", floor="-", step="+")


def draw(panel: Panel, width: int, height: int, glyphs: Glyphs) -> list[Text]:
    """Return title, `height` lines of drawing, the axis, its steps and its name; each `width` wide."""
    marks = _marks(panel.y, height)
    margin = max(len(shown) for shown in marks.values())
    canvas = Canvas(width - margin - 1, height, ascii_only=glyphs.ascii_only)
    _fill(canvas, panel, glyphs)
    lines = [panel.title.copy()]
    for row, drawn in zip(reversed(range(height)), canvas.rows(), strict=True):
        shown = marks.get(row, "")
        side = glyphs.mark if shown else glyphs.side
        lines.append(Text.assemble((f"{shown:>{margin}}{side}", "dim"), drawn))
    columns = [(_column(canvas, panel, x), label) for x, label in panel.steps]
    floor = [glyphs.floor] * canvas.width
    for column, _ in columns:
        floor[column] = glyphs.step
    lines.append(Text(" " * margin + glyphs.corner + "".join(floor), "dim"))
    lines.append(Text(" " * (margin + 1) + labels(columns, canvas.width)))
    lines.append(Text(" " * (margin + 1) + panel.below.center(canvas.width).rstrip(), "dim"))
    for line in lines:
        line.no_wrap = True
        line.pad_right(width - line.cell_len)
    return lines


def labels(columns: Sequence[tuple[int, str]], width: int) -> str:
    """Return a line with each label below its column, those left out that would touch another.

    The last has precedence, then the first, then those with a mark, then the rest from left to right.
    """
    ends = [columns[-1], columns[0]]
    marked = [each for each in columns if not each[1][:1].isdigit()]
    line = [" "] * width
    for column, label in (*ends, *marked, *columns):
        start = min(max(column - len(label) // 2, 0), width - len(label))
        around = line[max(start - 1, 0) : start + len(label) + 1]
        if start >= 0 and not "".join(around).strip():
            line[start : start + len(label)] = label
    return "".join(line)


def _fill(canvas: Canvas, panel: Panel, glyphs: Glyphs) -> None:
    for x, y in panel.dashes:
        if panel.y.low <= y <= panel.y.high:
            column, row = _column(canvas, panel, x), _row_of(panel.y, y, canvas.height)
            for each in range(max(0, column - _DASH_REACH), min(canvas.width, column + _DASH_REACH + 1)):
                canvas.put(each, row, glyphs.dash, "dim")
    for points in panel.series:
        for one, other in pairwise(points):
            if one and other and not (one.apart or other.apart):
                canvas.line(_dots(canvas, panel, one), _dots(canvas, panel, other), one.style)
    for points in panel.series:
        for point in points:
            if point is not None:
                column, row = _column(canvas, panel, point.x), _row_of(panel.y, point.y, canvas.height)
                pair = frozenset((canvas.at(column, row) or "", point.character))
                canvas.put(column, row, panel.both.get(pair, point.character), point.style)


def _column(canvas: Canvas, panel: Panel, x: float) -> int:
    """Return where a step lies, a column away from either end."""
    return 1 + round(panel.x.share(x) * (canvas.width - 3))


def _height(scale: Scale, y: float, rows: int) -> int:
    return round(scale.share(y) * (rows * UP - 1))


def _row_of(scale: Scale, y: float, rows: int) -> int:
    return _height(scale, y, rows) // UP


def _dots(canvas: Canvas, panel: Panel, point: Point) -> tuple[int, int]:
    return _column(canvas, panel, point.x) * ACROSS, _height(panel.y, point.y, canvas.height)


def _marks(scale: Scale, height: int) -> dict[int, str]:
    """Return the label of each row; the ends have precedence."""
    low, *inner, high = scale.ticks(height // 2)
    return {_row_of(scale, value, height): tick(value) for value in (*inner, low, high)}
