"""`loadlab doctor`: what stands in the way of a good measurement here."""

import click
from rich.table import Table
from rich.text import Text

from loadlab.cli.diagnosis import Mark, examine
from loadlab.cli.family import Command, option
from loadlab.errors import Exit
from loadlab.options.load import DEFAULT_CONCURRENCY
from loadlab.system.terminal_text import one_line
from loadlab.terminal.console import Terminal
from loadlab.units import count

_STYLES = {Mark.FINE: "green", Mark.NOTE: "yellow", Mark.WRONG: "bold red"}


def _users(_: click.Context, __: click.Parameter, text: str) -> int:
    return count(text, "--concurrency")


@click.command(cls=Command, examples=("loadlab doctor", "loadlab doctor --concurrency 1000"))
@option(
    "--concurrency",
    metavar="N",
    callback=_users,
    default=str(max(DEFAULT_CONCURRENCY)),
    show_default=True,
    help="The most users that you want to load with.",
)
def doctor(concurrency: int) -> int:
    """Check whether this machine can measure well.

    It looks at the machine, its limits, Docker and the stack, and says what to do.
    """
    table = Table.grid(padding=(0, 2, 0, 0))
    found = list(examine(concurrency))
    for finding in found:
        text = f"{finding.seen}: {finding.advice}" if finding.advice else finding.seen
        table.add_row(Text(finding.mark, _STYLES[finding.mark]), *map(one_line, (finding.subject, text)))
    Terminal().print(table)
    return Exit.USAGE if any(finding.mark is Mark.WRONG for finding in found) else Exit.PASS
