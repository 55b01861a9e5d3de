"""What is the run worth? Checks that make a run INVALID, and those that make it FAIL. Pure.

Most checks of a stage speak through the stage's state (`analysis.judge_stage`).
"""

from collections.abc import Iterable, Iterator

from loadlab.analysis.checks.check import has_lost_workers
from loadlab.analysis.checks.outcomes import failures, kinds
from loadlab.analysis.checks.steady_state import BY_PLAN
from loadlab.analysis.hints import hint
from loadlab.results.result import Check, CheckOutcome, RunResult, StageResult, State, Verdict

_QUESTIONS = {
    "client_judged": (
        "unknown whether the client was the limit",
        ("client_cpu", "client_core", "lag"),
    ),
    "figures_judged": (
        "the figures could not be cross-checked",
        ("little", "target_count", "target_busy", "target_inside", "bound"),
    ),
    "steadiness_judged": ("unknown whether the load was steady", ("stationary",)),
}
UNDECIDED = frozenset(_QUESTIONS)


def checks(
    stages: tuple[StageResult, ...],
    unaccounted: int,
    target_lost: str | None = None,
    *,
    fits: bool = True,
    stopped: bool = False,
) -> tuple[Check, ...]:
    """Return every check of a run; `unaccounted` are requests sent that no outcome was counted for.

    `fits` is whether the target speaks what its URL says; if not, `target_lost` says so, and what to do.
    """
    return (
        _accounting(unaccounted),
        _workers(stages),
        _target(target_lost, fits=fits),
        _answered(stages, fits=fits, stopped=stopped),
    )


def undecided(of_stages: list[Check]) -> Iterator[Check]:
    """Yield a check for each question that no check of a stage could answer; `of_stages` are all of these.

    In a stage that is short or small, or whose target has no metrics, every check of a question may be
    untestable. That is no fault and changes no verdict; the run says so after its verdict, so that a pass
    does not promise more than was checked.
    """
    for name, (question, answers) in _QUESTIONS.items():
        asked: dict[str | None, list[Check]] = {}
        for check in of_stages:
            if check.name in answers and check.message != BY_PLAN:
                asked.setdefault(check.stage, []).append(check)
        left = {
            stage: found
            for stage, found in asked.items()
            if all(check.outcome is CheckOutcome.UNTESTABLE for check in found)
        }
        if left:
            why = dict.fromkeys(check.message for found in left.values() for check in found)
            yield Check(
                name=name,
                metric="stages in which no check could answer this",
                operator="==",
                limit=0,
                actual=len(left),
                unit="stages",
                outcome=CheckOutcome.UNTESTABLE,
                message=f"{_stages(left)}: {question} ({'; '.join(why)})",
            )


def verdict(found: tuple[Check, ...], stages: tuple[StageResult, ...], *, stopped: bool = False) -> Verdict:
    """Return INVALID before FAIL before STOPPED before PASS."""
    failed = {check.name for check in found if check.outcome is CheckOutcome.FAIL}
    if failed & _INVALIDATING or any(stage.state is State.INVALID for stage in stages):
        return Verdict.INVALID
    if failed & FAILING:
        return Verdict.FAIL
    return Verdict.STOPPED if stopped else Verdict.PASS


def headline(verdict: Verdict, *, stopped: bool, suspect: bool) -> str:
    """Return the verdict's one name, the same in terminal, page and list of runs.

    `suspect` is whether any stage is. A result of schema 1 has no verdict for a run that was stopped.
    """
    if verdict is Verdict.PASS and stopped:
        verdict = Verdict.STOPPED
    if verdict is Verdict.PASS and suspect:
        return "PASS with warnings"
    return verdict.upper()


def client_lost(message: str) -> Check:
    """Return the check that fails where what carried the load could not go on."""
    return Check(
        name="client",
        metric="clients lost",
        operator="==",
        limit=0,
        actual=1,
        unit="clients",
        outcome=CheckOutcome.FAIL,
        message=message,
    )


def headline_of(result: RunResult) -> str:
    """Return the one name of a result's verdict."""
    suspect = any(stage.state is State.SUSPECT for stage in result.stages)
    return headline(result.verdict, stopped=result.interrupted, suspect=suspect)


def holds_together(found: tuple[Check, ...]) -> bool:
    """Tell whether every check of the run as a whole holds, whatever its stages are worth."""
    return not any(check.outcome is CheckOutcome.FAIL and check.stage is None for check in found)


_INVALIDATING = {"accounting", "workers", "target", "client"}

FAILING = frozenset({"answered", "errors"})
"""Checks whose failure makes the run FAIL."""


def _accounting(unaccounted: int) -> Check:
    return _none_of(
        unaccounted,
        name="accounting",
        metric="requests sent that have no outcome",
        unit="requests",
        ok="every request that was sent has exactly one outcome",
        fail="loadlab lost track of requests that it sent: this is an error of its own, please report it",
    )


def _workers(stages: tuple[StageResult, ...]) -> Check:
    lost = sum(finding.name == "worker_lost" for stage in stages for finding in stage.findings)
    return _none_of(
        lost,
        name="workers",
        metric="client workers lost",
        unit="workers",
        ok="no client worker was lost",
        fail="a client worker was lost, so part of the load is unknown: see the note on its stage",
    )


def _none_of(actual: int, *, name: str, metric: str, unit: str, ok: str, fail: str) -> Check:
    """Return the check that there is none of something."""
    return Check(
        name=name,
        metric=metric,
        operator="==",
        limit=0,
        actual=actual,
        unit=unit,
        outcome=_passed(actual == 0),
        message=ok if actual == 0 else fail,
    )


def _target(lost: str | None, *, fits: bool) -> Check:
    if lost is None:
        message = "the target was reachable to the end"
    else:
        message = f"the target was lost: {lost}" if fits else lost
    return Check(
        name="target",
        metric="targets lost",
        operator="==",
        limit=0,
        actual=int(lost is not None),
        unit="targets",
        outcome=_passed(lost is None),
        message=message,
    )


def _answered(stages: tuple[StageResult, ...], *, fits: bool, stopped: bool) -> Check:
    ok = sum(stage.counts.ok for stage in stages)
    untestable = None
    if ok == 0 and not any(failed for failed, _ in map(failures, stages)):
        if any(map(has_lost_workers, stages)):
            untestable = "a worker was lost before a request ended"
        elif stopped:
            untestable = "the run was stopped before a request ended"
        elif any(stage.halted for stage in stages):
            untestable = "the run ended before any request did"
    return Check(
        name="answered",
        metric="requests that ended ok",
        operator=">=",
        limit=1,
        actual=ok,
        unit="requests",
        outcome=CheckOutcome.UNTESTABLE if untestable else _passed(ok >= 1),
        message=untestable
        or ("at least one request succeeded" if ok else _why_not_answered(stages, fits=fits)),
    )


def _why_not_answered(stages: tuple[StageResult, ...], *, fits: bool) -> str:
    if failed := kinds(stages, _none):
        return f"every request failed ({failed})" + (f": {hint(stages, _none)}" if fits else "")
    if any(stage.counts.scheduled for stage in stages):
        return "no request was sent, so nothing was measured: see the notes on its stages"
    return "no request was due in a measured window, so nothing was measured: use a longer --duration"


def _none(status: int) -> bool:  # noqa: ARG001 - where nothing was ok, no status was expected
    return False


def _passed(passed: bool) -> CheckOutcome:  # noqa: FBT001 - the outcome of a comparison
    return CheckOutcome.PASS if passed else CheckOutcome.FAIL


def _stages(labels: Iterable[str | None]) -> str:
    listed = [str(label) for label in labels]
    return f"stage{'' if len(listed) == 1 else 's'} {', '.join(listed)}"
