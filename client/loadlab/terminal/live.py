"""The view in a terminal, drawn again at each event."""

from contextlib import suppress
from typing import Self

from rich.console import Console
from rich.live import Live

from loadlab.results.events import Event, Noted, RunBegan
from loadlab.system.terminal_text import one_line
from loadlab.terminal.live_view import LiveView
from loadlab.terminal.run_state import RunState


class Screen:
    """The lower end of the terminal; the run's sentences stand above it and stay.

    What is drawn is wiped at the end. Nothing is drawn between two events, so no thread is needed for it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state = RunState()
        self._live = Live(LiveView(self._state), console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        """Take the lower end of the terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back, with its cursor."""
        with suppress(OSError):
            self._live.stop()

    def tell(self, event: Event) -> None:
        """Draw anew."""
        self._state.take(event)
        with suppress(OSError):
            match event:
                case RunBegan():
                    self._print(event.environment.where)
                case Noted(sentence):
                    self._print(sentence)
                case _:
                    self._live.refresh()

    def _print(self, sentence: str) -> None:
        self._console.print(one_line(sentence), highlight=False, markup=False)
