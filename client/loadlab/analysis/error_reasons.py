"""Why requests did not end ok: each kind's reasons with their counts. Pure."""

from typing import NamedTuple

from loadlab.recording.reasons import MOST, OTHER, closer_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.results.result import Counts, ErrorReason, StageResult
from loadlab.workload.plan import Plan

_UNEXPLAINED = (Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)
"""Kinds whose name leaves open why; a status, a limit and a drain say it themselves."""
_SHOWN = 3
_NOT_REPORTED = "its worker was lost before it reported the reason"
_NO_PLACE = "--max-in-flight was reached"
_TOO_LATE = "the client had no time to send it before the stage ended"
_NOT_EXPECTED = {
    Outcome.HTTP_ERROR: "a status that the run does not expect",
    Outcome.UNEXPECTED: "a status or content that a step does not expect",
}
_NO_END = "no answer by the end of the drain"


def error_reasons(plan: Plan, counted: Recorder, counts: Counts) -> tuple[ErrorReason, ...]:
    """Return the reasons of every kind, worst kind first, whose counts add up to the kind's own."""
    by_kind = {outcome: _reasons(plan, counted, outcome) for outcome in Outcome if outcome is not Outcome.OK}
    made = []
    for outcome, reasons in by_kind.items():
        total = getattr(counts, outcome.key)
        if rest := total - sum(reasons.values()):  # a lost worker's
            reasons[_NOT_REPORTED] = reasons.get(_NOT_REPORTED, 0) + rest
        made += [(total, outcome, reason, count) for reason, count in _bounded(reasons)]
    made.sort(key=lambda row: (-row[0], row[1], row[2] == OTHER, -row[3], row[2]))
    return tuple(
        ErrorReason(kind=outcome.key, reason=reason, count=count, closed_by=closer_of(outcome, reason))
        for _, outcome, reason, count in made
    )


class Failures(NamedTuple):
    """What failed in a stage, or why."""

    kinds: str
    """The kinds or reasons without their counts: stages with the same ones share a sentence."""
    sentence: str


def failed_kinds(stage: StageResult) -> Failures | None:
    """Say what failed and which statuses came; None where all answers had one status 2xx."""
    failed = {
        outcome.key.replace("_", " "): count
        for outcome in Outcome
        if outcome is not Outcome.OK and (count := getattr(stage.counts, outcome.key))
    }
    if not failed and [status[0] for status in stage.statuses] in ([], ["2"]):
        return None
    statuses = {f"status {status}": count for status, count in stage.statuses.items()}
    told = ", ".join(f"{count:,} {kind}" for kind, count in failed.items())
    answers = ", ".join(f"{count:,} × {status}" for status, count in statuses.items()) or "no answer at all"
    return Failures(", ".join((*failed, *statuses)), "; ".join(filter(None, (told, answers))))


def failure_reasons(stage: StageResult) -> list[Failures]:
    """Say why requests failed where the kind's name leaves it open, the most frequent kind first."""
    found = []
    for outcome in _UNEXPLAINED:
        if of_kind := [error for error in stage.errors if error.kind == outcome.key]:
            kind = outcome.key.replace("_", " ")
            told = [f"{error.count:,} × {error.reason}" for error in of_kind[:_SHOWN]]
            if more := sum(error.count for error in of_kind[_SHOWN:]):
                told.append(f"{more:,} × another reason")
            reasons = ", ".join(error.reason for error in of_kind)
            failures = Failures(f"{kind}: {reasons}", f"{kind}: {', '.join(told)}")
            found.append((sum(error.count for error in of_kind), failures))
    return [failures for _, failures in sorted(found, key=lambda each: -each[0])]


def _reasons(plan: Plan, counted: Recorder, outcome: Outcome) -> dict[str, int]:
    """Return the reasons of an outcome as they were counted, or follow from what else was."""
    match outcome:
        case Outcome.HTTP_ERROR | Outcome.UNEXPECTED if plan.journeys is not None:  # steps expect their own
            count = counted.count(outcome)
            return {_NOT_EXPECTED[outcome]: count} if count else {}
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
