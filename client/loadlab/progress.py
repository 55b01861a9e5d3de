"""What a person sees while a run goes on: bars in a terminal, a plain line now and then in a pipe."""

import time
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from loadlab.events import Event, Noted, RunBegan, StageBegan, StageEnded, Tick
from loadlab.plan import Plan
from loadlab.result import StageResult
from loadlab.units import show_hz, show_ns

_LINE_EVERY_S = 5.0
_BAR_WIDTH = 24


class Watcher(Protocol):
    """Somebody who is told every event of a run."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        ...

    def tell(self, event: Event) -> None:
        """Take note of one event."""
        ...


def watcher(console: Console, *, quiet: bool) -> Watcher:
    """Return what suits the place that the console writes to."""
    if quiet:
        return Quiet()
    return Bars(console) if console.is_terminal else Lines(console)


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def tell(self, event: Event) -> None:
        """Ignore it."""


class Lines(Quiet):
    """A plain line when a stage begins and ends, and now and then in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._plan: Plan | None = None
        self._said = 0.0

    def tell(self, event: Event) -> None:
        """Write a line, if it is time for one."""
        match event:
            case RunBegan(_, where, plan):
                self._plan = plan
                self._line(where)
            case Tick() if time.monotonic() - self._said >= _LINE_EVERY_S:
                self._line(f"stage {self._label(event.index)}: {event.phase}, {_now(event)}")
            case Noted(sentence):
                self._line(sentence)
            case StageEnded(index, result):
                self._line(f"stage {self._label(index)}: {_whole(result)}")
            case _:
                pass

    def _line(self, text: str) -> None:
        self._said = time.monotonic()
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)

    def _label(self, index: int) -> str:
        return self._plan.stages[index].label if self._plan else str(index)


class Bars:
    """A bar per stage, redrawn twice a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._plan: Plan | None = None
        self._last: dict[int, Tick] = {}
        self._done: dict[int, StageResult] = {}
        self._running: int | None = None

    def __enter__(self) -> Self:
        """Take the lower end of the terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Redraw."""
        match event:
            case RunBegan(_, where, plan):
                self._plan = plan
                self._console.print(where, soft_wrap=True, highlight=False, markup=False)
            case Noted(sentence):
                self._console.print(sentence, soft_wrap=True, highlight=False, markup=False)
            case StageBegan(index):
                self._running = index
            case Tick():
                self._last[event.index] = event
            case StageEnded(index, result):
                self._done[index] = result
            case _:
                pass
        self._live.update(self._draw())

    def _draw(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for _ in range(3):
            table.add_column(no_wrap=True)
        for index, stage in enumerate(self._plan.stages if self._plan else ()):
            tick, result = self._last.get(index), self._done.get(index)
            fraction = 1.0 if result else tick.fraction if tick else 0.0
            text = _whole(result) if result else f"{tick.phase}  {_now(tick)}" if tick else ""
            if not text and index == self._running:
                text = "starting"
            table.add_row(stage.label, ProgressBar(total=1.0, completed=fraction, width=_BAR_WIDTH), text)
        return table


def _now(tick: Tick) -> str:
    return (
        f"{show_hz(tick.rate_hz)}, {tick.in_flight} in flight, p50 {show_ns(tick.p50_ns)},"
        f" p99 {show_ns(tick.p99_ns)}, {tick.errors} errors"
    )


def _whole(result: StageResult) -> str:
    latency = result.latency_ns
    return (
        f"{result.counts.scheduled:,} requests, {show_hz(result.throughput_hz)}, p50 {show_ns(latency.p50)},"
        f" p99 {show_ns(latency.p99)}, {result.counts.errors} errors"
    )
