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

from loadlab.tour.events import (
    Closed,
    Event,
    Measured,
    Noted,
    Predicted,
    Row,
    Seen,
    StepBegan,
    StepEnded,
)
from loadlab.units import show_ns

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
_CODE = re.compile(r"`([^`]+)`")
_INDENT = " " * 4


def render(event: Event) -> RenderableType:
    """Return what to print for an event."""
    made: RenderableType
    match event:
        case StepBegan():
            made = _began(event)
        case Noted(text):
            made = Text(text, style="dim")
        case Seen(text):
            made = Text(f"{_INDENT}{text}", no_wrap=True)
        case Predicted(label, prediction):
            made = Group(
                Text.assemble(("\nPrediction: ", "bold"), (show_ns(prediction.ns), "bold"), f"  {label}"),
                Text(f"{_INDENT}{prediction.because}", style="dim"),
            )
        case Measured(row):
            made = _measured(row)
        case StepEnded(remember):
            made = Group(Text(), Text.assemble(("Remember: ", "bold green"), _prose(remember)))
        case Closed(rows, took_ns):
            made = Group(Text(), _table(rows), *_closing(rows, took_ns))
    return made


def _began(event: StepBegan) -> RenderableType:
    head = Text.assemble((f"\n{event.number}  ", "bold cyan"), _prose(event.title, "bold"))
    return Group(head, Text(), _prose(event.idea), Text(), _listing(event.code), Text())


def _prose(text: str, style: str = "") -> Text:
    """Write text whose `code` stands out."""
    made = Text(style=style)
    for index, part in enumerate(_CODE.split(text)):
        made.append(part, style="cyan" if index % 2 else None)
    return made


def _listing(code: str) -> RenderableType:
    indented = textwrap.indent(code, _INDENT)
    text = Syntax(indented, "python", theme=_THEME, background_color="default").highlight(indented)
    text.rstrip()
    return text


def _measured(row: Row) -> Text:
    text = Text.assemble(("Cost time:  ", "bold"), (show_ns(row.measured_ns), "bold"))
    text.append(f"  {row.ratio:.2f} of the prediction", style="dim")
    for remark in _remarks(row):
        text.append(f"\n{remark}", style="yellow")
    return text


def _remarks(row: Row) -> list[str]:
    remarks = []
    if row.is_far:
        side = "longer" if row.ratio > 1 else "shorter"
        remarks.append(f"That is {abs(row.ratio - 1):.0%} {side} than predicted: more than 10 % away.")
    if row.errors:
        remarks.append(f"{row.errors} of its requests did not end well.")
    return remarks


def _table(rows: tuple[Row, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("scenario")
    for name in ("prediction", "Cost time", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        style = "yellow" if row.is_far else ""
        table.add_row(
            str(row.number),
            row.label,
            show_ns(row.predicted_ns),
            show_ns(row.measured_ns),
            Text(f"{row.ratio:.2f}", style=style),
        )
    return table


def _closing(rows: tuple[Row, ...], took_ns: int) -> list[Text]:
    far = [row for row in rows if row.is_far]
    if far:
        named = "; ".join(f"{row.label} ({row.ratio:.2f})" for row in far)
        verdict = Text(
            f"{len(far)} of {len(rows)} measurements {'is' if len(far) == 1 else 'are'} more than 10 % away"
            f" from the prediction: {named}. Other work on this machine does that, and so does a delay that"
            " is short against the CPU time of a request.",
            style="yellow",
        )
    else:
        each = "The measurement" if len(rows) == 1 else f"Each of the {len(rows)} measurements"
        verdict = Text(f"{each} is within 10 % of its prediction.", style="green")
    return [verdict, Text(f"The tour took {show_ns(took_ns)}.", style="dim")]
