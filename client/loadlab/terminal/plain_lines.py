"""Plain lines, for a pipe or a log: no colours, no cursor, nothing that is drawn again."""

from contextlib import suppress

from rich.console import Console

from loadlab.clock import MONOTONIC, NS_PER_S, Clock
from loadlab.results.events import Event, Noted, RunBegan, StageEnded, Tick
from loadlab.results.result import StageResult
from loadlab.system.terminal_text import one_line
from loadlab.terminal.watcher import Quiet
from loadlab.units import show_count, show_hz, show_ns
from loadlab.workload.plan import Plan

_EVERY_NS = 5 * NS_PER_S


class PlainLines(Quiet):
    """A line when the run begins and when a stage ends, and now and then in between."""

    def __init__(self, console: Console, clock: Clock = MONOTONIC) -> None:
        self._console = console
        self._clock = clock
        self._plan: Plan | None = None
        self._said_ns = clock.now_ns()

    def tell(self, event: Event) -> None:
        """Write a line, if it is time for one."""
        match event:
            case RunBegan(_, environment, plan):
                self._plan = plan
                self._line(environment.where)
            case Tick() if self._clock.now_ns() - self._said_ns >= _EVERY_NS:
                self._line(f"stage {self._label(event.index)}: {event.phase}, {_now(event)}")
            case Noted(sentence):
                self._line(sentence)
            case StageEnded(index, result):
                self._line(f"stage {self._label(index)}: {_whole(result)}")
            case _:
                pass

    def _line(self, text: str) -> None:
        self._said_ns = self._clock.now_ns()
        with suppress(OSError):
            self._console.print(one_line(text), soft_wrap=True, highlight=False, markup=False)

    def _label(self, index: int) -> str:
        return self._plan.stages[index].label if self._plan else str(index)


def _now(tick: Tick) -> str:
    return (
        f"{show_hz(tick.rate_hz)}, {tick.in_flight} in flight, p50 {show_ns(tick.p50_ns)},"
        f" p99 {show_ns(tick.p99_ns)}, {show_count(tick.errors, 'error')}"
    )


def _whole(result: StageResult) -> str:
    latency = result.latency_ns
    return (
        f"{result.counts.scheduled:,} requests, {show_hz(result.known_rate_hz)}, p50 {show_ns(latency.p50)},"
        f" p99 {show_ns(latency.p99)}, {show_count(result.counts.errors, 'error')}"
    )
