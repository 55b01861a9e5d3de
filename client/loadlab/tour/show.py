"""The tour in the terminal: what each event looks like. Pure: events in, renderables out."""

import re
import textwrap

from pygments.token import (  # type: ignore[import-untyped]  # comes with rich
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    String,
    Token,
)
from rich import box
from rich.console import Group, RenderableType
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.table import Table
from rich.text import Text

from loadlab.tour import BASIC, FURTHER, NAMES
from loadlab.tour.events import (
    Began,
    Closed,
    Event,
    Measured,
    Predicted,
    Prediction,
    Row,
    Seen,
    StepBegan,
    StepEnded,
)
from loadlab.tour.steps import STEPS
from loadlab.tour.timeline import draw
from loadlab.units import show_ns

WIDTH = 80

_THEME = ANSISyntaxTheme(
    {
        Token: Style(),
        Comment: Style(dim=True),
        Keyword: Style(color="magenta"),
        Keyword.Constant: Style(color="cyan"),
        Operator.Word: Style(color="magenta"),
        Name.Builtin: Style(color="cyan"),
        Name.Function: Style(bold=True),
        Name.Namespace: Style(),
        String: Style(color="green"),
        Number: Style(color="cyan"),
    }
)
"""The terminal's own colours, and only those that can be read on white and on black."""
_MARKED = re.compile(r"\*([^*]+)\*|`([^`]+)`")
_INDENT = " " * 4


def render(event: Event) -> RenderableType:
    """Return what to print for an event."""
    made: RenderableType
    match event:
        case Began(delay_ns, folder):
            made = _overview(delay_ns, folder)
        case StepBegan():
            made = _began(event)
        case Predicted(where, names, predictions):
            made = Group(Text(), *_predicted(where, names, predictions))
        case Seen(text):
            made = Text(f"{_INDENT}{text}", no_wrap=True)
        case Measured():
            made = _measured(event)
        case StepEnded(remember):
            made = Group(Text(), Text.assemble(("Remember: ", "bold green"), _prose(remember)))
        case Closed(rows, took_ns, is_more):
            made = Group(Text(), _table(rows), *_closing(rows, took_ns, is_more=is_more))
    return made


def _overview(delay_ns: int, folder: str) -> RenderableType:
    intro = (
        "Each step sends requests to a web server on this machine. The server waits"
        f" {show_ns(delay_ns)} before each answer, and can do so for many requests at the same time. A step"
        " shows a program, predicts how long it takes, runs it, and draws what it measured."
    )
    drawing = "A bar is one request, from sending it to its answer. These two overlap:"
    files = f"The programs are files to run and to change: {folder}. Start with 00_server.py."
    return Group(
        Text("asyncio, step by step", style="bold"),
        Text(),
        Text(intro),
        Text(),
        Text(drawing),
        Text(f"{_INDENT}1 ├────────┤\n{_INDENT}2     ├────────┤"),
        Text(),
        Text(files),
        Text(),
        *(_listed(name) for name in BASIC),
        Text("Further steps:"),
        *(_listed(name) for name in FURTHER),
        Text(),
    )


def _listed(name: str) -> Text:
    title = STEPS[name].title.replace("`", "")
    return Text.assemble((f"{NAMES.index(name) + 1:>4}  ", "bold cyan"), f"{name:<14}", (title, "dim"))


def _began(event: StepBegan) -> RenderableType:
    head = Text.assemble((f"\n{event.number}  ", "bold cyan"), _prose(event.title, "bold"))
    return Group(
        head, _prose(event.idea), Text(f"\n{event.file}", style="dim", overflow="fold"), _listing(event.code)
    )


def _prose(text: str, style: str = "") -> Text:
    """Write text whose `code` and *terms* stand out."""
    made = Text(style=style)
    end = 0
    for found in _MARKED.finditer(text):
        made.append(text[end : found.start()])
        if found[1]:
            made.append(found[1].strip("`"), style="bold")
        else:
            made.append(found[2], style="cyan")
        end = found.end()
    return made.append(text[end:])


def _listing(code: str) -> RenderableType:
    indented = textwrap.indent(code, _INDENT)
    text = Syntax(indented, "python", theme=_THEME, background_color="default").highlight(indented)
    text.rstrip()
    return text


def _predicted(where: str, names: tuple[str, ...], predictions: tuple[Prediction, ...]) -> list[Text]:
    """Write a line for each prediction, one for all where they are the same."""
    if len(set(predictions)) == 1:
        names = (where or ("each" if len(names) > 1 else ""),)
    return [
        Text.assemble(("Prediction: ", "bold"), (f"{name}: " if name else ""), _figure(prediction))
        for name, prediction in zip(names, predictions, strict=False)
    ]


def _figure(prediction: Prediction) -> str:
    if prediction.ns is None:
        return prediction.because
    least = "at least " if prediction.is_least else ""
    return f"{least}{show_ns(prediction.ns)} ({prediction.because})"


def _measured(event: Measured) -> RenderableType:
    costs = [
        f"{show_ns(part.cost.ns)}{f' {part.cost.label}' if part.cost.label else ''}" for part in event.parts
    ]
    return Group(
        *(Text(line, no_wrap=True) for line in draw(event.parts, WIDTH - 2)),
        Text.assemble(("Cost time:  ", "bold"), (", ".join(costs), "bold")),
    )


def _table(rows: tuple[Row, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("program")
    for name in ("prediction", "Cost time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        least = "≥ " if row.prediction.is_least else ""
        predicted = f"{least}{show_ns(row.prediction.ns)}"
        measured = Text(show_ns(row.measured_ns), style="yellow" if row.is_far else "")
        table.add_row(str(row.number), row.label, predicted, measured)
    return table


def _closing(rows: tuple[Row, ...], took_ns: int, *, is_more: bool) -> list[Text]:
    lines = []
    if far := [row for row in rows if row.is_far]:
        named = ", ".join(row.label for row in far)
        advice = (
            f"More than a quarter away from the prediction: {named}. Other work on this machine does that,"
            " and a short delay: try --delay 1s."
        )
        lines.append(Text(advice, style="yellow"))
    if is_more:
        lines.append(Text(f"{len(FURTHER)} further steps: loadlab tour --further"))
    lines.append(Text("Load a server in these ways: loadlab run task --concurrency 1,8,64"))
    lines.append(Text(f"The tour took {show_ns(took_ns)}.", style="dim"))
    return lines
