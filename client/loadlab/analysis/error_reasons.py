"""Why requests did not end ok: each kind's reasons with their counts. Pure."""

from loadlab.recording.reasons import MOST, OTHER, closer_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.results.result import Counts, ErrorReason
from loadlab.workload.plan import Plan

_UNEXPLAINED = (Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)
"""Kinds whose name leaves open why; a status, a limit and a drain say it themselves."""
_SHOWN = 3
_NOT_TOLD = "its worker was lost before it told more"
_NO_PLACE = "no place in flight was free"
_TOO_LATE = "the client did not come to it before the stage ended"
_NO_END = "no answer at the end of the drain"


def error_reasons(plan: Plan, counted: Recorder, counts: Counts) -> tuple[ErrorReason, ...]:
    """Return the reasons of every kind, worst kind first, whose counts add up to the kind's own."""
    by_kind = {outcome: _reasons(plan, counted, outcome) for outcome in Outcome if outcome is not Outcome.OK}
    made = []
    for outcome, reasons in by_kind.items():
        total = getattr(counts, outcome.key)
        if rest := total - sum(reasons.values()):  # what went with a worker that was lost
            reasons[_NOT_TOLD] = reasons.get(_NOT_TOLD, 0) + rest
        made += [(total, outcome, reason, count) for reason, count in _bounded(reasons)]
    made.sort(key=lambda row: (-row[0], row[1], row[2] == OTHER, -row[3], row[2]))
    return tuple(
        ErrorReason(kind=outcome.key, reason=reason, count=count, closed_by=closer_of(outcome, reason))
        for _, outcome, reason, count in made
    )


def worded(errors: tuple[ErrorReason, ...]) -> list[str]:
    """Say in one line of each kind that needs it why it happened, the most frequent first."""
    lines = []
    for outcome in _UNEXPLAINED:
        of_kind = [error for error in errors if error.kind == outcome.key]
        if of_kind:
            shown = ", ".join(f"{error.count:,} × {error.reason}" for error in of_kind[:_SHOWN])
            more = sum(error.count for error in of_kind[_SHOWN:])
            line = f"{outcome.key.replace('_', ' ')}: {shown}" + (f", {more:,} × another reason" * bool(more))
            lines.append((-sum(error.count for error in of_kind), line))
    return [line for _, line in sorted(lines, key=lambda line: line[0])]


def _reasons(plan: Plan, counted: Recorder, outcome: Outcome) -> dict[str, int]:
    """Return the reasons of an outcome as they were counted, or follow from what else was."""
    match outcome:
        case Outcome.HTTP_ERROR:
            unexpected = {s: count for s, count in counted.statuses.items() if not plan.expects(s)}
            return {f"status {status}": count for status, count in unexpected.items()}
        case Outcome.DROPPED:
            dropped, refused = counted.count(outcome), counted.refused
            return {
                why: count for why, count in ((_NO_PLACE, refused), (_TOO_LATE, dropped - refused)) if count
            }
        case Outcome.UNFINISHED:
            unfinished = counted.count(outcome)
            return {_NO_END: unfinished} if unfinished else {}
    return {reason or OTHER: count for reason, count in counted.errors.get(outcome, {}).items()}


def _bounded(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """Return the most frequent reasons and, as one more, how many had another."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = ordered[:MOST], ordered[MOST:]
    return [*kept, (OTHER, sum(count for _, count in rest))] if rest else kept
