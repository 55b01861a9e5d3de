"""Where commands print, and what becomes of characters that it has not."""

import codecs
import io
import sys

from rich.console import Console

from loadlab.progress import is_screen
from loadlab.report.curve import curve
from loadlab.report.table import render
from loadlab.result import RunResult

_PLAIN = str.maketrans(
    {
        "–": "-",
        "·": "|",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "µ": "u",
        "…": "~",
        "│": "|",
        "─": "-",
        "━": "-",
    }
)
"""One for one, so that columns stay below their heads."""


class Terminal(Console):
    """A console whose reader may leave: that is the command's to handle, as in any other program.

    rich would exit with 1 on the spot, which means a failed threshold here.
    """

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError


def print_result(result: RunResult, *, curves: bool = True) -> None:
    """Print a result's table; above it the curve of a sweep, where somebody looks at it."""
    terminal = Terminal()
    if curves and is_screen(terminal) and (drawn := curve(result)) is not None:
        terminal.print(drawn)
        terminal.line()
    terminal.print(render(result))


def make_legible() -> None:
    """Have standard output and error write what is nearest, where their encoding lacks a character."""
    codecs.register_error("loadlab.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="loadlab.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end].translate(_PLAIN)
    return missing.encode("ascii", "replace").decode("ascii"), error.end
