"""A run's result as a table in the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from loadlab.analysis.text import sentences
from loadlab.clock import NS_PER_MS
from loadlab.results.result import Kind, RunResult, StageResult
from loadlab.system.terminal_text import one_line
from loadlab.terminal.fitting_table import FittingTable
from loadlab.terminal.marks import marked_label, marked_rate
from loadlab.terminal.names_table import by_name
from loadlab.units import format_number, show_ns

_STYLES = {"PASS": "green", "FAIL": "red", "INVALID": "bold red"}
_LATENCIES = ("p50", "p90", "p95", "p99", "max")
_GIVE_UP = ("p90", "max", "in flight", "bound", "requests", "p95")
_BATCH_GIVES_UP = ("p90", "max", "ratio", "rate", "predicted", "p95")
"""Columns that a narrow terminal leaves out, the first to go first."""


def render(result: RunResult, *, all_names: bool = False) -> RenderableType:
    """Return the stages as a table, with the result's text below; of names five, unless asked for all."""
    workload = result.plan.workload.traits
    parts: list[RenderableType] = [*heading(result), _title(result)]
    parts.append(_makespans(result) if workload.at_once else _rates(result))
    parts += by_name(result, whole=all_names)
    parts += [Text(one_line(line)) for line in sentences(result.text, Kind.NOTE)]
    parts += [Text(one_line(line), "dim") for line in sentences(result.text, Kind.STATE, Kind.LEGEND)]
    parts.append(_verdict(result))
    return Group(*parts)


def heading(result: RunResult) -> Iterator[Text]:
    """Give what the run is called, and which app was loaded, where there is something to say."""
    if result.label is not None:
        yield Text(one_line(result.label), "bold")
    if result.app is not None:
        yield Text(one_line(f"app: {result.app}"))


def _title(result: RunResult) -> Text:
    plan = result.plan
    said = f"{plan.scenario} · {plan.transport} · {plan.workload} · rates per second, latency in ms"
    return Text(one_line(said), "italic")


def _rates(result: RunResult) -> FittingTable:
    size = result.plan.workload.traits.column
    table = FittingTable(
        (size, "requests", "errors", "rate", "in\nflight", *_LATENCIES, "bound", "% of\nbound"), _GIVE_UP
    )
    for stage in result.stages:
        theory = stage.theory
        table.add_row(
            marked_label(stage),
            f"{stage.counts.scheduled:,}",
            f"{stage.counts.errors:,}",
            marked_rate(stage),
            format_number(stage.in_flight_mean),
            *_latencies(stage),
            format_number(theory.bound_hz if theory else None),
            _share(theory.bound_ratio if theory else None),
        )
    return table


def _makespans(result: RunResult) -> FittingTable:
    size = result.plan.workload.traits.column
    table = FittingTable(
        (size, "errors", "Cost time", "predicted", "ratio", "rate", *_LATENCIES), _BATCH_GIVES_UP
    )
    for stage in result.stages:
        predicted_ns = stage.theory.makespan_ns if stage.theory else None
        sign = "≥ " if stage.theory and stage.theory.makespan_is_lower_bound else ""
        ratio = stage.makespan_ns / predicted_ns if stage.makespan_ns and predicted_ns else None
        table.add_row(
            marked_label(stage),
            f"{stage.counts.errors:,}",
            show_ns(stage.makespan_ns),
            f"{sign}{show_ns(predicted_ns)}",
            format_number(ratio),
            marked_rate(stage),
            *_latencies(stage),
        )
    return table


def _latencies(stage: StageResult) -> tuple[str, ...]:
    return tuple(_ms(getattr(stage.latency_ns, name)) for name in _LATENCIES)


def _ms(value_ns: int | None) -> str:
    return format_number(None if value_ns is None else value_ns / NS_PER_MS)


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.0%}"


def _verdict(result: RunResult) -> Text:
    (headline,) = map(one_line, sentences(result.text, Kind.VERDICT))
    (summary,) = map(one_line, sentences(result.text, Kind.SUMMARY))
    text = Text.assemble((headline, _STYLES.get(headline, "yellow")), f"  {summary}")
    for sentence in sentences(result.text, Kind.REASON, Kind.UNDECIDED):
        text.append(f"\n  {one_line(sentence)}")
    return text
