"""Can a stage's numbers be believed? Pure.

1. What is the client's own doing is never told as the target's: where the client ran out of something the
   stage is INVALID and has no share of the target's bound, and the check says what ran out and what to do
   (`client_limits`).
2. Two accounts that disagree make a stage SUSPECT: one of them is wrong, and nothing here says which
   (`cross_checks`); so does a window that holds more than one state (`steady_state`).
3. What is no fault of the measurement is a finding and leaves the state (`notes`).
4. What can't be told is untestable, and what a scenario breaks by design is not held against it.
"""

from msgspec import structs

from loadlab.analysis import unknown
from loadlab.analysis.checks import backlog, client_limits, cross_checks, notes, outcomes, steady_state
from loadlab.analysis.checks.check import CheckInput
from loadlab.analysis.checks.target_away import target_away
from loadlab.results.result import Check, CheckOutcome, Finding, StageResult, State
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits

CLIENT_LIMIT_CHECKS = frozenset(
    {
        "client_cpu",
        "client_core",
        "client_throttled",
        "open_files",
        "client_resources",
        "lag",
        "schedule",
        "sent",
    }
)
"""Checks whose failure makes a stage INVALID: the client was its limit."""

SHORTAGES = frozenset({"open_files", "client_resources"})
"""Those that hold also where the target was lost: connections that fail at once take CPU and make it late."""

NO_BOUND_SHARE_CHECKS = CLIENT_LIMIT_CHECKS | {"client_stolen", "loop_stall"}
"""Checks whose failure leaves no share of the target's bound: for a time the client asked for nothing, or had
no core to ask with."""

_NOTED = frozenset(
    {"connections_reopened", "target_throttled", "target_workers", "errors", "target_away", "kept_up"}
)
"""Checks whose failure is a finding and leaves the stage's state: the figures are what they seem."""

_OF_EVERY_STAGE = (
    client_limits.client_cpu,
    client_limits.client_core,
    client_limits.client_throttled,
    client_limits.client_stolen,
    client_limits.open_files,
    client_limits.client_resources,
    client_limits.loop_stall,
    client_limits.lag,
    cross_checks.little,
    cross_checks.target_count,
    cross_checks.target_busy,
    cross_checks.target_inside,
    cross_checks.bound,
    notes.samples,
    notes.connections_reopened,
    notes.target_throttled,
    notes.target_workers,
    outcomes.errors,
    outcomes.redirects,
    target_away,
)
_BY_NAME = {
    "schedule": client_limits.schedule,
    "sent": client_limits.sent,
    "places": client_limits.places,
    "kept_up": backlog.kept_up,
    "stationary": steady_state.stationary,
    "warmed_up": steady_state.warmed_up,
}
"""Those of which a workload says that it has them."""


def judged(
    plan: Plan, traits: Traits, cores: float, stage: StageResult
) -> tuple[StageResult, tuple[Check, ...]]:
    """Return the stage with its state and with what failed among its findings, and all of its checks.

    `cores` is how many the client may use.
    """
    found = checks(CheckInput(plan, traits, cores, stage))
    failed = [check for check in found if check.outcome is CheckOutcome.FAIL]
    state = stage.state
    if any(check.name in CLIENT_LIMIT_CHECKS for check in failed):
        state = State.INVALID
    elif state is State.VALID and any(check.name not in _NOTED for check in failed):
        state = State.SUSPECT
    findings = (
        *stage.findings,
        *(Finding(check.name, check.message) for check in failed),
        *outcomes.few_errors(found),
    )
    return described(plan, structs.replace(stage, state=state, findings=findings)), found


def has_no_bound_share(stage: StageResult) -> bool:
    """Tell whether the client did not always ask for as much as the target can do."""
    return any(finding.name in NO_BOUND_SHARE_CHECKS for finding in stage.findings)


def described(plan: Plan, stage: StageResult) -> StageResult:
    """Return a judged stage with what its findings say about its figures.

    Doing it twice changes nothing; results of earlier versions lack it.
    """
    if stage.theory is not None and has_no_bound_share(stage):
        stage = structs.replace(stage, theory=structs.replace(stage.theory, bound_ratio=None))
    unknown_because = {
        unknown.LATENCY: unknown.latency(plan, stage),
        unknown.BOUND_SHARE: unknown.bound_share(plan, stage, client_paused=has_no_bound_share(stage)),
    }
    return structs.replace(
        stage,
        client_limited=any(finding.name in CLIENT_LIMIT_CHECKS for finding in stage.findings),
        unknown=stage.unknown | {figure: why for figure, why in unknown_because.items() if why is not None},
    )


def checks(case: CheckInput) -> tuple[Check, ...]:
    """Return every check of a stage that says something of its workload."""
    own = (_BY_NAME[name] for name in case.plan.workload.traits.checks)
    made = (check(case) for check in (*_OF_EVERY_STAGE, *own))
    return tuple(structs.replace(check, stage=case.stage.label) for check in made)
