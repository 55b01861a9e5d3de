"""What the checks of a stage have in common. Pure."""

from typing import NamedTuple

from loadlab.clock import NS_PER_S
from loadlab.results.result import Check, CheckOutcome, StageResult
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits

AGREEMENT = 0.03
"""How far two accounts of the same thing may be apart, besides what the window's edges explain."""
_LEAST_SAMPLES = 30


class CheckInput(NamedTuple):
    """A stage and what it was meant to be."""

    plan: Plan
    traits: Traits
    cores: float
    """That the client may use."""
    stage: StageResult


NO_ACCOUNT = "not available for this target"


def make_check(
    *,
    name: str,
    metric: str,
    limit: float,
    actual: float | None,
    unit: str,
    ok: str,
    fail: str,
    operator: str = "<=",
    untestable: str | None = None,
) -> Check:
    """Return the check `metric operator limit`; `ok` says what a pass means, `fail` what to do."""
    if untestable is None and actual is None:
        untestable = "not measured"
    holds = actual is not None and (actual == limit if operator == "==" else actual <= limit)
    outcome, message = (CheckOutcome.PASS, ok) if holds else (CheckOutcome.FAIL, fail)
    if untestable is not None:
        outcome, message = CheckOutcome.UNTESTABLE, untestable
    return Check(
        name=name,
        metric=metric,
        operator=operator,
        limit=limit,
        actual=actual,
        unit=unit,
        outcome=outcome,
        message=message,
    )


def edges(case: CheckInput) -> float:
    """Return slots / (X x window): what the two ends of the window may leave out or add; and at most all."""
    stage, target = case.stage, case.stage.target
    completions = stage.throughput_hz * stage.window_ns / NS_PER_S
    at_once = stage.concurrency or stage.in_flight_mean or stage.in_flight_by_stamps or 1
    if target and target.slots:
        at_once = min(at_once, target.slots)
    return min(1.0, at_once / completions) if completions else 1.0


def lost(case: CheckInput) -> str | None:
    """Say that part of the stage is unknown."""
    return "a worker was lost" if has_lost_workers(case.stage) else None


def has_lost_workers(stage: StageResult) -> bool:
    """Tell whether a part of the stage's load is unknown."""
    return any(each.name == "worker_lost" for each in stage.findings)


def cut_short(case: CheckInput) -> str | None:
    """Say that the stage is not what was planned."""
    return lost(case) or ("the run was stopped" if case.stage.halted else None)


def away(case: CheckInput) -> str | None:
    """Say that the stage holds more than one state because the target was away."""
    if case.stage.outages:
        return "the target was unreachable for part of the window"
    return "the target stalled for part of the window" if case.stage.stalls else None


def too_little(case: CheckInput) -> str | None:
    """Say why means of this window can't be compared with one another."""
    if case.stage.window_ns < NS_PER_S:
        return "the window is shorter than a second"
    if case.stage.throughput_hz * case.stage.window_ns / NS_PER_S < _LEAST_SAMPLES:
        return "too few requests"
    return lost(case)


def unanswered(case: CheckInput) -> str | None:
    """Say why the target's account of the window is not of the same requests."""
    if case.plan.workload.traits.at_once:
        return "the target's counters cover more than the batch"
    counts = case.stage.counts
    if counts.ok + counts.http_error + counts.dropped != counts.scheduled:
        return "unanswered requests occupied the target, too"
    return None
