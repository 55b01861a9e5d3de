"""Requests by their names, and journeys, in the terminal: the slowest first."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from loadlab.clock import NS_PER_MS
from loadlab.results.result import JourneyResult, NameResult, RunResult, StageResult
from loadlab.system.terminal_text import one_line
from loadlab.terminal.fitting_table import FittingTable
from loadlab.units import format_number, show_ns

MOST_SHOWN = 5
MOST_REASONS = 3
_WIDEST = 40
_LATENCIES = ("p50", "p95", "p99", "max")
_GIVE_UP = ("max", "outside", "p50", "rate")


def by_name(result: RunResult, *, whole: bool) -> Iterator[RenderableType]:
    """Give the names and the journeys of the last stage that has any; five names, or the `whole` of them."""
    for stage in reversed(result.stages):
        if stage.by_name or stage.journeys:
            at = "" if len(result.stages) == 1 else f" at {stage.label} {result.plan.workload.traits.many}"
            if stage.by_name:
                yield from _names(stage, at, len(stage.by_name) if whole else MOST_SHOWN)
            if stage.journeys:
                yield from _journeys(stage.journeys, at)
            return


def _names(stage: StageResult, at: str, most: int) -> Iterator[RenderableType]:
    yield Text(f"By name{at}, the slowest first; latency in ms", "italic")
    table = FittingTable(("name", "requests", "errors", "rate", *_LATENCIES, "outside"), _GIVE_UP)
    for named in stage.by_name[:most]:
        table.add_row(*_name(named))
    yield table
    if (rest := len(stage.by_name) - most) > 0:
        yield Text(f"and {rest} faster {'one' if rest == 1 else 'ones'}; --by-name shows all", "dim")


def _name(named: NameResult) -> Iterator[str]:
    yield _short(named.name)
    yield f"{named.counts.scheduled:,}"
    yield f"{named.counts.errors:,}"
    yield format_number(named.throughput_hz)
    for quantile in _LATENCIES:
        yield _ms(getattr(named.latency_ns, quantile))
    outside = named.time_outside_target_ns
    yield _ms(None if outside is None else outside.p50)


def _journeys(journeys: tuple[JourneyResult, ...], at: str) -> Iterator[RenderableType]:
    yield Text(f"Journeys{at}", "italic")
    table = FittingTable(
        ("journey", "began", "finished", "failed", "cut", "p50", "p95", "max"), ("cut", "max")
    )
    for each in journeys:
        took = each.duration_ns
        table.add_row(
            _short(each.name),
            f"{each.started:,}",
            f"{each.finished:,}",
            f"{each.failures:,}",
            f"{each.cut:,}",
            *(show_ns(value_ns) for value_ns in (took.p50, took.p95, took.max)),
        )
    yield table
    for each in journeys:
        for failure in each.failed[:MOST_REASONS]:
            yield Text(one_line(f"{each.name} failed {failure.count:,} times: {failure.reason}"))


def _short(name: str) -> str:
    name = one_line(name)
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"


def _ms(value_ns: int | None) -> str:
    return format_number(None if value_ns is None else value_ns / NS_PER_MS)
