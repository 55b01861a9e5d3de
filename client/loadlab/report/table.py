"""A run's result as a table in the terminal."""

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from loadlab.clock import NS_PER_S
from loadlab.plan import Workload
from loadlab.result import CheckOutcome, RunResult, StageResult, Verdict
from loadlab.units import show_hz, show_ns

_ERRORS = ("http_error", "timeout", "connect_error", "protocol_error", "dropped", "unfinished")


def render(result: RunResult) -> RenderableType:
    """Return the stages as a table, with what is to be known about them below."""
    batch = result.plan.workload is Workload.BATCH
    parts: list[RenderableType] = [_batch(result) if batch else _closed(result)]
    parts += [Text(line, style="yellow") for line in _notes(result)]
    parts.append(_verdict(result))
    return Group(*parts)


def _closed(result: RunResult) -> Table:
    table = _table(result, "users")
    for name in ("throughput", "in flight", "p50", "p90", "p99", "max", "bound", "of bound"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in result.stages:
        theory, latency = stage.theory, stage.latency_ns
        table.add_row(
            *_start(stage),
            show_hz(stage.throughput_hz),
            "–" if stage.in_flight_mean is None else f"{stage.in_flight_mean:.1f}",
            *(show_ns(value) for value in (latency.p50, latency.p90, latency.p99, latency.max)),
            show_hz(theory.bound_hz if theory else None),
            _share(theory.bound_ratio if theory else None),
        )
    return table


def _batch(result: RunResult) -> Table:
    table = _table(result, "batch")
    for name in ("Cost time", "predicted", "ratio", "throughput", "p50", "p90", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in result.stages:
        latency = stage.latency_ns
        predicted_ns = stage.theory.makespan_ns if stage.theory else None
        sign = "≥ " if stage.theory and stage.theory.makespan_is_lower_bound else ""
        ratio = stage.makespan_ns / predicted_ns if stage.makespan_ns and predicted_ns else None
        table.add_row(
            *_start(stage),
            show_ns(stage.makespan_ns),
            f"{sign}{show_ns(predicted_ns)}",
            "–" if ratio is None else f"{ratio:.2f}",
            show_hz(stage.throughput_hz),
            *(show_ns(value) for value in (latency.p50, latency.p90, latency.p99, latency.max)),
        )
    return table


def _table(result: RunResult, size: str) -> Table:
    plan = result.plan
    table = Table(
        title=f"{plan.scenario} · {plan.transport} · {plan.workload}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column(size, justify="right", style="bold", no_wrap=True)
    table.add_column("requests", justify="right", no_wrap=True)
    table.add_column("errors", justify="right")
    return table


def _start(stage: StageResult) -> tuple[str, str, str]:
    return stage.label, f"{stage.counts.scheduled:,}", _errors(stage)


def _errors(stage: StageResult) -> str:
    kinds = [(name, getattr(stage.counts, name)) for name in _ERRORS]
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in kinds if count) or "0"


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.0%}"


def _notes(result: RunResult) -> list[str]:
    notes = [
        f"stage {stage.label} ({stage.state}): {finding.message}"
        for stage in result.stages
        for finding in stage.findings
    ]
    if any(stage.latency_ns.p99 is None and stage.counts.ok for stage in result.stages):
        notes.append(
            "–  a quantile that so few, or unanswered, requests cannot tell; --duration measures longer"
        )
    theory = next((stage.theory for stage in result.stages if stage.theory), None)
    if theory is not None and result.plan.workload is Workload.CLOSED:
        notes.append(
            f"bound: min(N/S, workers × threads/S); S, the time a request occupies a thread, was"
            f" {show_ns(theory.service_ns)} in stage {result.stages[0].label}, measured by the target"
        )
    return notes


def _verdict(result: RunResult) -> Text:
    style = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INVALID: "bold red"}[result.verdict]
    failed = [check.message for check in result.checks if check.outcome is CheckOutcome.FAIL]
    seconds = sum(stage.window_ns for stage in result.stages) / NS_PER_S
    text = Text(f"{result.verdict.upper()}", style=style)
    text.append(f"  {len(result.stages)} of {len(result.plan.stages)} stages, {seconds:.1f} s measured")
    if result.interrupted:
        text.append("; interrupted, what was measured is kept")
    if result.target_lost:
        text.append(f"; the target was lost: {escape(result.target_lost)}")
    for message in failed:
        text.append(f"\n  {message}")
    return text
