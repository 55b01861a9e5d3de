"""Where commands print."""

import os
from typing import Any

from rich.console import Console
from rich.status import Status

from loadlab.progress import is_screen
from loadlab.report.curve import curve
from loadlab.report.table import render
from loadlab.result import RunResult

_SIZES = ("COLUMNS", "LINES")


class Terminal(Console):
    """A console on one of the process's own streams."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - what rich takes
        """Take rich's own options."""
        for name in _SIZES:
            if not _is_size(os.environ.get(name, "1")):
                del os.environ[name]  # as shells and tools leave it that know no size; rich would believe it
        super().__init__(**given)


class Activity(Status):
    """Something that moves while it is measured, where the process may have a thread for it."""

    def __init__(self, console: Console) -> None:
        super().__init__("", console=console, spinner="dots")

    def start(self) -> None:
        """Move, or else do without."""
        try:
            super().start()
        except RuntimeError:  # no thread can be started
            self.stop()


def print_result(result: RunResult, *, curves: bool = True) -> None:
    """Print a result's table; above it the curve of a sweep, where somebody looks at it."""
    terminal = Terminal()
    if curves and is_screen(terminal) and (drawn := curve(result)) is not None:
        terminal.print(drawn)
        terminal.line()
    terminal.print(render(result))


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0
