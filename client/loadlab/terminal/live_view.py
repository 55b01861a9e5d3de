"""What the screen shows of a run's state: a row per stage, and below what the stage that runs is doing.

Pure. Finished rows say what the result says, with its marks; the row that runs says what the last second
was. What is not told (of a target without metrics, or too few requests) is left out, or a dash.
"""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress_bar import ProgressBar
from rich.text import Text

from loadlab.analysis.checks.client_limits import CPU_RATIO
from loadlab.clock import NS_PER_MS
from loadlab.results.events import Tick
from loadlab.results.result import StageResult, State
from loadlab.terminal.fitting_table import FittingTable
from loadlab.terminal.marks import marked_label, marked_rate
from loadlab.terminal.run_state import RunState
from loadlab.units import format_number, show_hz

_HEADS = ("", "rate", "in flight", "p50", "p95", "p99", "errors")
_GIVE_UP = ("p95", "in flight")
_BAR, _LEAST_BAR = 24, 6
"""A bar gives way to figures before any column is given up."""
_SPARK = 40
_BARS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#@"
_BELOW = 6
"""Lines that are not rows: the head, its rule and what stands below the rows, and one to spare."""
_CPU_MATTERS = 0.5
"""Cores of one process, from which on the client's CPU is shown."""


class LiveView:
    """A run's state on a screen of any width and height."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, with as many rows as there is room for."""
        if self._state.plan is not None:
            shown = self._in_sight(len(self._state.plan.stages), max(1, console.height - _BELOW))
            spare = options.max_width - self._table(shown, _LEAST_BAR).wide(console, options)
            yield self._table(shown, min(_BAR, _LEAST_BAR + max(0, spare)))
            if len(shown) < (stages := len(self._state.plan.stages)):
                yield Text(f"{shown.start} stages before, {stages - shown.stop} to come", "dim")
        if (tick := self._state.tick) is not None:
            yield from self._details(tick, options.max_width, ascii_only=options.ascii_only)

    def _table(self, shown: range, bar: int) -> FittingTable:
        plan = self._state.plan
        assert plan is not None
        table = FittingTable((plan.workload.traits.column, *_HEADS), _GIVE_UP)
        for index in shown:
            result, tick = self._state.results.get(index), self._state.ticks.get(index)
            if result is not None:
                table.add_row(*_finished(result, bar))
            elif tick is not None:
                table.add_row(*_running(plan.stages[index].label, tick, bar))
            else:
                state = "starting" if index == self._state.running else ""
                table.add_row(plan.stages[index].label, Text(state.center(bar)), *[""] * (len(_HEADS) - 1))
        return table

    def _in_sight(self, stages: int, room: int) -> range:
        """Return the stages that there is room for: those around the one that runs."""
        if stages <= room:
            return range(stages)
        room = max(1, room - 1)
        now = self._state.running
        now = len(self._state.results) if now is None else now
        start = max(0, min(now - room // 2, stages - room))
        return range(start, min(stages, start + room))

    def _details(self, tick: Tick, width: int, *, ascii_only: bool) -> Iterator[Text]:
        rate = show_hz(tick.rate_hz)
        offered = "" if tick.offered_hz is None else f" of {show_hz(tick.offered_hz)} offered"
        dropped = f", {tick.dropped:,} dropped" if tick.dropped else ""
        said = f" {rate}{offered}{dropped}"
        room = min(_SPARK, width - len(tick.phase) - 1 - len(said))
        line = Text.assemble(f"{tick.phase} ")
        line.append(sparkline(list(self._state.rates_hz), room, ascii_only=ascii_only), "cyan")
        line.append(said)
        yield line
        if tick.busy_threads is not None:
            yield _target(tick, tick.busy_threads)
        busiest = max((cores for cores in tick.client_cpu if cores is not None), default=0.0)
        if busiest >= _CPU_MATTERS:
            several = "its busiest process takes" if len(tick.client_cpu) > 1 else "it takes"
            style = "yellow" if busiest >= CPU_RATIO else ""
            yield Text(f"client: {several} {busiest:.0%} of a core", style)


def _target(tick: Tick, busy: float) -> Text:
    of = f" of {tick.slots:,}" if tick.slots is not None else ""
    full = tick.slots is not None and busy >= tick.slots
    line = Text.assemble("target: ", (f"{busy:,.0f}{of} threads busy", "yellow" if full else ""))
    if tick.thread_queue is not None:
        line.append(f", {tick.thread_queue:,.0f} waiting")
    return line


def _finished(result: StageResult, bar: int) -> tuple[RenderableType, ...]:
    latency = result.latency_ns
    style = "" if result.state is State.VALID else "yellow"
    return (
        Text(marked_label(result), style),
        _bar(1.0, bar, style or "green"),
        Text(marked_rate(result), "yellow" if result.client_limited else ""),
        format_number(result.in_flight_mean),
        *(_ms(value) for value in (latency.p50, latency.p95, latency.p99)),
        _errors(result.counts.errors),
    )


def _running(label: str, tick: Tick, bar: int) -> tuple[RenderableType, ...]:
    return (
        label,
        _bar(tick.fraction, bar, "cyan"),
        format_number(tick.rate_hz),
        f"{tick.in_flight:,}",
        *(_ms(value) for value in (tick.p50_ns, tick.p95_ns, tick.p99_ns)),
        _errors(tick.errors),
    )


def _bar(fraction: float, width: int, style: str) -> ProgressBar:
    """Return a bar in one colour, because rich's own is red until it is full."""
    return ProgressBar(total=1.0, completed=fraction, width=width, complete_style=style, finished_style=style)


def _ms(value_ns: int | None) -> str:
    return format_number(None if value_ns is None else value_ns / NS_PER_MS)


def _errors(count: int) -> Text:
    return Text(f"{count:,}", "red" if count else "")


def sparkline(values: Sequence[float], width: int, *, ascii_only: bool) -> str:
    """Return the last `width` values as bars from 0 to the highest of them; only 0 is no bar at all."""
    bars = _ASCII if ascii_only else _BARS
    shown = values[-width:] if width > 0 else ()
    highest = max(shown, default=0.0)
    most = len(bars) - 1
    return "".join(
        bars[min(most, max(1, round(value / highest * most)))] if value > 0 else " " for value in shown
    )
