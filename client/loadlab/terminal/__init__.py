"""What a terminal or a pipe shows: a run while it goes on, and results as tables and curves."""

from rich.console import Console

from loadlab.terminal.live import Screen
from loadlab.terminal.plain_lines import PlainLines
from loadlab.terminal.watcher import Quiet, Watcher

__all__ = ["PlainLines", "Quiet", "Screen", "Watcher", "is_screen", "watcher"]


def watcher(console: Console, *, quiet: bool) -> Watcher:
    """Return what suits the place that the console writes to."""
    if quiet:
        return Quiet()
    return Screen(console) if is_screen(console) else PlainLines(console)


def is_screen(console: Console) -> bool:
    """Tell whether a person looks at it: a pipe is none, even where FORCE_COLOR asks for its colours."""
    try:
        return console.is_interactive and console.file.isatty()
    except ValueError:  # it is closed
        return False
