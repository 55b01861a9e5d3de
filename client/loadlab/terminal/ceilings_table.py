"""This machine's ceilings as a table in the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loadlab.results.ceilings_file import Ceiling, Limit
from loadlab.units import format_number

_LIMITS = {Limit.CLIENT: "the client", Limit.CORES: "the cores", Limit.SINK: "the sink's answers"}
_MEANINGS = {
    Limit.CORES: "the cores: the client waited for one, while the sink or another program had it",
    Limit.SINK: "the sink's answers: the client waited for them",
}


def render(ceilings: Sequence[Ceiling]) -> RenderableType:
    """Return them as a table, with what is to be known about them below."""
    table = Table(
        title="the most that this client does, in requests per second",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for name in ("scenario", "transport"):
        table.add_column(name, no_wrap=True)
    for name in ("processes", "users", "rate"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what ran out", no_wrap=True)
    for each in ceilings:
        table.add_row(
            each.scenario,
            each.transport,
            str(each.processes),
            str(each.users),
            show_rate(each),
            _LIMITS[each.limit],
        )
    notes = [meaning for limit, meaning in _MEANINGS.items() if any(each.limit is limit for each in ceilings)]
    if notes:
        notes.append("≥: so the client can do more than that")
    return Group(table, *(Text(note, style="yellow") for note in notes))


def show_rate(ceiling: Ceiling) -> str:
    """Write the rate, and that it is only a lower bound."""
    return f"{'≥ ' if ceiling.is_lower_bound else ''}{format_number(ceiling.rate_hz)}"
