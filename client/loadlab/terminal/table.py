"""A run's result as a table in the terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from loadlab.analysis import judge_run
from loadlab.analysis.ceilings import named
from loadlab.analysis.error_reasons import worded
from loadlab.analysis.judge_stage import CLIENT_LIMIT_CHECKS, NO_BOUND_SHARE_CHECKS, SHORTAGES
from loadlab.analysis.together import Told, together
from loadlab.analysis.unknown import IN_FLIGHT
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import CheckOutcome, RunResult, StageResult, State, Verdict
from loadlab.system.terminal_text import one_line
from loadlab.terminal.fitting_table import FittingTable
from loadlab.terminal.marks import MARKS, clients_limit, marked_label, marked_rate
from loadlab.units import format_number, show_hz, show_ns

_ERRORS = ("http_error", "timeout", "connect_error", "protocol_error", "dropped", "unfinished")
_REASONS = CLIENT_LIMIT_CHECKS | judge_run.FAILING
"""Checks that are told as the verdict's reasons, and not among the notes."""
_STYLES = {"PASS": "green", "FAIL": "red", "INVALID": "bold red"}
_LATENCIES = ("p50", "p90", "p95", "p99", "max")
_LEAST_SHARE = 0.01
_ABOUT_EQUAL = 1.1
_MORE = "a longer --duration, or more --requests,"
_GIVE_UP = ("p90", "max", "in flight", "bound", "requests", "p95")
_BATCH_GIVES_UP = ("p90", "max", "ratio", "rate", "predicted", "p95")
"""What a narrow terminal does without, the first to go first."""


def render(result: RunResult) -> RenderableType:
    """Return the stages as a table, with what is to be known about them below."""
    workload = result.plan.workload.traits
    parts: list[RenderableType] = [*heading(result), _title(result)]
    parts.append(_makespans(result) if workload.at_once else _rates(result))
    parts += [Text(one_line(line)) for line in _notes(result)]
    parts += [Text(line, "dim") for line in _legend(result)]
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
        (size, "requests", "errors", "rate", "in\nflight", *_LATENCIES, "bound", "of it"), _GIVE_UP
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
            _share(theory.bound_ratio if theory and not clients_limit(stage) else None),
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


def _errors(stage: StageResult) -> str | None:
    """Return what failed, and the statuses that came; None where all there is is one status 2xx."""
    kinds = [(name.replace("_", " "), getattr(stage.counts, name)) for name in _ERRORS]
    told = [f"{count:,} {kind}" for kind, count in kinds if count]
    usual = [status[0] for status in stage.statuses] in ([], ["2"])
    if usual and not told:
        return None
    statuses = [f"{times:,} × status {status}" for status, times in stage.statuses.items()]
    return "; ".join([*filter(None, [", ".join(told)]), ", ".join(statuses) or "no response at all"])


def _ms(value_ns: int | None) -> str:
    return format_number(None if value_ns is None else value_ns / NS_PER_MS)


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.0%}"


def _notes(result: RunResult) -> list[str]:
    """Say what is to be known about the stages."""
    notes = [f"stage {stage.label}: {told}" for stage in result.stages if (told := _errors(stage))]
    notes += [f"stage {stage.label}: {line}" for stage in result.stages for line in worded(stage.errors)]
    notes += together(
        Told(finding.name, f"{stage.label}{MARKS[stage.state]}", finding.message)
        for stage in result.stages
        for finding in stage.findings
        if finding.name not in _REASONS
    )
    return notes


def _legend(result: RunResult) -> list[str]:
    """Say how to read the table."""
    notes: list[str] = []
    if not result.plan.workload.traits.at_once:
        notes += together(
            Told(IN_FLIGHT, stage.label, f"in flight –: {stage.unknown[IN_FLIGHT]}")
            for stage in result.stages
            if IN_FLIGHT in stage.unknown
        )
    if any(stage.state is State.SUSPECT for stage in result.stages):
        notes.append("?: suspect: see the note above")
    if any(clients_limit(stage) for stage in result.stages):
        notes.append("!: limited by the client: what the target can do is not known from it")
    if any(stage.latency_ns.p99 is None and stage.counts.ok for stage in result.stages):
        more = "more --requests" if result.plan.workload.traits.at_once else _MORE
        notes.append(f"–: too few requests to tell; {more} can")
    if any(_open_share(stage) for stage in result.stages):
        notes.append(
            "of it –: too few requests beside those in flight at the ends of the window; a longer"
            " --duration, or more --requests, can tell"
        )
    if result.plan.workload.traits.has_users and (occupied := _occupied(result.stages)):
        notes.append(
            "bound: min(N/S, workers × threads/S), S being the time a request occupies a thread:"
            f" {occupied}, measured by the target"
        )
    if (nearness := _ceiling(result)) is not None:
        notes.append(nearness)
    return notes


def _occupied(stages: tuple[StageResult, ...]) -> str:
    """Say how long a request occupies a thread: once, or where it differs at the least and at the most."""
    told = [(stage.theory.service_ns, stage.label) for stage in stages if stage.theory]
    if not told:
        return ""
    least, most = min(told), max(told)
    shown = told[:1] if most[0] <= least[0] * _ABOUT_EQUAL else [least, most]
    return ", ".join(f"{show_ns(service_ns)} in stage {label}" for service_ns, label in shown)


def _open_share(stage: StageResult) -> bool:
    """Tell whether only the ends of the window leave its share of the bound open."""
    theory = stage.theory
    if theory is None or any(finding.name in NO_BOUND_SHARE_CHECKS for finding in stage.findings):
        return False
    return theory.bound_hz is not None and theory.bound_ratio is None


def _ceiling(result: RunResult) -> str | None:
    """Say how near the stage that came nearest was to the ceiling of this client, where one is known."""
    if result.ceilings_unused is not None:
        return f"the client's ceiling is not known here: {result.ceilings_unused}; calibrate again"
    calibrated = [stage for stage in result.stages if stage.client.ceiling_ratio is not None]
    if not calibrated:
        return None
    stage = max(calibrated, key=lambda stage: stage.client.ceiling_ratio or 0.0)
    client, plan = stage.client, result.plan
    came_to, at_least = ("came to", "") if not client.ceiling_is_lower_bound else ("came to at most", "≥ ")
    ratio = client.ceiling_ratio or 0.0
    share = f"{ratio:.0%}" if ratio >= _LEAST_SHARE else f"less than {_LEAST_SHARE:.0%}"
    return (
        f"stage {stage.label}: client {came_to} {share} of this machine's ceiling for"
        f" {named(plan.scenario, plan.transport, stage.processes)}"
        f" ({at_least}{show_hz(client.ceiling_hz)}; loadlab calibrate)"
    )


def _verdict(result: RunResult) -> Text:
    headline = judge_run.headline_of(result)
    text = Text.assemble((headline, _STYLES.get(headline, "yellow")))
    seconds = sum(stage.window_ns for stage in result.stages) / NS_PER_S
    text.append(f"  {len(result.stages)} of {len(result.plan.stages)} stages, {seconds:.1f} s measured")
    if result.interrupted:
        text.append("; stopped early, what was measured is kept")
    for message in (*reasons(result), *_open(result)):
        text.append(f"\n  {one_line(message)}")
    return text


def _open(result: RunResult) -> list[str]:
    """Return what nothing could tell of a run that passed, lest its pass be taken for more than it is."""
    if result.verdict is not Verdict.PASS:
        return []
    return [check.message for check in result.checks if check.name in judge_run.UNJUDGED]


def reasons(result: RunResult) -> list[str]:
    """Return why the run is not a pass, each reason once, with the stages that it holds for."""
    failed = [check for check in result.checks if check.outcome is CheckOutcome.FAIL]
    whole = [check for check in failed if check.stage is None]
    # Where nothing ended well at all, one sentence says so.
    left = _REASONS - {"errors"} if any(check.name == "answered" for check in whole) else _REASONS
    # So it does where the target was lost.
    lost = result.stages[-1].label if result.target_lost is not None and result.stages else None
    return [check.message for check in whole] + together(
        Told(check.name, check.stage, check.message)
        for check in failed
        if check.stage and check.name in (left if check.stage != lost else SHORTAGES)
    )
