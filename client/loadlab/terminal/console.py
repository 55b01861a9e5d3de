"""Where commands print."""

import os
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status

from loadlab.results.result import RunResult
from loadlab.system.terminal_text import escaped
from loadlab.terminal import is_screen
from loadlab.terminal.curve import curve
from loadlab.terminal.table import render
from loadlab.units import whole_number

_SIZES = ("COLUMNS", "LINES")
_MOST_DIGITS = 4


class Terminal(Console):
    """A console on one of the process's own streams. What it prints is neither markup nor anything that acts.

    Only it writes control sequences, so it escapes each piece of text before they are put around it.
    """

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - what rich takes
        """Take rich's own options."""
        for name in _SIZES:
            if not _is_size(os.environ.get(name, "1")):
                del os.environ[name]  # as shells and tools leave it that know no size; rich would believe it
        super().__init__(**{"markup": False, "emoji": False} | given)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Escape what is text in the pieces that are to be written."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else piece._replace(text=escaped(piece.text))

    @property
    def file(self) -> IO[str]:
        """The stream as control sequences may be written to it."""
        file = super().file
        return getattr(file, "unescaped", file)

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new


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


def print_result(result: RunResult, *, curves: bool = True, all_names: bool = False) -> None:
    """Print a result's table, with five of its names or all; above it a sweep's curve, on a screen."""
    terminal = Terminal()
    if curves and is_screen(terminal) and (drawn := curve(result)) is not None:
        terminal.print(drawn)
        terminal.line()
    terminal.print(render(result, all_names=all_names))


def _is_size(text: str) -> bool:
    return len(text) <= _MOST_DIGITS and bool(whole_number(text))
