"""What no check could tell of a run, so that a pass does not say more than was looked at. Pure.

A stage that is short, small or of a target without metrics has every check of a question untestable. That is
no fault, and changes no verdict; the run says it beside its verdict.
"""

from collections.abc import Iterable, Iterator

from loadlab.analysis.checks.steady_state import BY_PLAN
from loadlab.results.result import Check, CheckOutcome

_QUESTIONS = {
    "client_judged": (
        "nothing could tell whether the client was the limit",
        ("client_cpu", "client_core", "lag"),
    ),
    "figures_judged": (
        "the figures could not be cross-checked",
        ("little", "target_count", "target_busy", "target_inside", "bound"),
    ),
    "steadiness_judged": ("nothing could tell whether the load was steady", ("stationary",)),
}
NAMES = frozenset(_QUESTIONS)


def checks(of_stages: list[Check]) -> tuple[Check, ...]:
    """Return a check for each question that stayed open in a stage, whose own checks these are."""
    return tuple(_checks(of_stages))


def _stages(labels: Iterable[str | None]) -> str:
    listed = [str(label) for label in labels]
    return f"stage{'' if len(listed) == 1 else 's'} {', '.join(listed)}"


def _checks(of_stages: list[Check]) -> Iterator[Check]:
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
                metric="stages of which no check could tell it",
                operator="==",
                limit=0,
                actual=len(left),
                unit="stages",
                outcome=CheckOutcome.UNTESTABLE,
                message=f"{_stages(left)}: {question} ({'; '.join(why)})",
            )
