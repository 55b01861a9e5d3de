"""What the lab says about a run: every sentence that terminal, page and reports show. Pure.

A result holds them (`RunResult.text`), and reporters only lay them out.
"""

from collections.abc import Iterable, Iterator

from msgspec import structs

from loadlab.analysis import judge_run, judge_stage, unknown
from loadlab.analysis.ceilings import named
from loadlab.analysis.error_reasons import failed_kinds, failure_reasons
from loadlab.analysis.together import Told, marked, together
from loadlab.clock import NS_PER_S
from loadlab.results.result import (
    Check,
    CheckOutcome,
    Kind,
    RunResult,
    Sentence,
    StageResult,
    State,
    Verdict,
)
from loadlab.targets import Gunicorn
from loadlab.units import show_hz, show_ns
from loadlab.workload.plan import Plan

_REASONS = judge_stage.CLIENT_LIMIT_CHECKS | judge_run.FAILING
"""Checks whose failure is a reason of the verdict; the failure of any other is a note."""
_LEAST_SHARE = 0.01
_ABOUT_EQUAL = 1.1
_LIMITED = "limited by the client (! and ≥): the target can do at least this much, how much more is unknown"
_INVALID = "invalid (!): do not use these numbers; see the note above"
_SUSPECT = "suspect (?): see the note above"


def with_text(result: RunResult) -> RunResult:
    """Return the result with its text, and its stages with what reporters show of their state."""
    stages = tuple(judge_stage.described(result.plan, stage) for stage in result.stages)
    result = structs.replace(result, stages=stages)
    return structs.replace(
        result,
        text=(
            *text_of_stages(result.plan, stages),
            *_gunicorn(result.gunicorn),
            *_ceiling(result),
            *_verdict(result),
        ),
    )


def text_of_stages(plan: Plan, stages: Iterable[StageResult]) -> tuple[Sentence, ...]:
    """Return what there is to say about stages, whatever the verdict on their run."""
    stages = tuple(stages)
    return (*_notes(stages), *_states(stages), *_legend(plan, stages))


def sentences(text: Iterable[Sentence], *kinds: Kind) -> list[str]:
    """Return the sentences of these kinds, in their order."""
    return [each.sentence for each in text if each.kind in kinds]


def _notes(stages: tuple[StageResult, ...]) -> list[Sentence]:
    failures = [(stage, failed) for stage in stages if (failed := failed_kinds(stage)) is not None]
    failures += [(stage, reason) for stage in stages for reason in failure_reasons(stage)]
    told = [Told(f"failed {failed.kinds}", stage.label, failed.sentence) for stage, failed in failures]
    told += [
        marked(finding.name, stage, finding.message)
        for stage in stages
        for finding in stage.findings
        if finding.name not in _REASONS
    ]
    return together(told, Kind.NOTE)


def _states(stages: tuple[StageResult, ...]) -> list[Sentence]:
    """Say what the marks mean that stages bear."""
    labels: dict[str, list[str]] = {}
    for stage in stages:
        if stage.client_limited:
            labels.setdefault(_LIMITED, []).append(stage.label)
        elif stage.state is not State.VALID:
            meaning = _INVALID if stage.state is State.INVALID else _SUSPECT
            labels.setdefault(meaning, []).append(stage.label)
    return [
        Sentence(tuple(labels[meaning]), Kind.STATE, meaning)
        for meaning in (_SUSPECT, _INVALID, _LIMITED)
        if meaning in labels
    ]


def _legend(plan: Plan, stages: tuple[StageResult, ...]) -> list[Sentence]:
    """Say how to read the figures, and why some of them are missing."""
    missing = []
    for stage in stages:
        why = stage.unknown
        if unknown.IN_FLIGHT in why and not plan.workload.traits.at_once:
            missing.append(Told("in flight", stage.label, f"in flight –: {why[unknown.IN_FLIGHT]}"))
        if unknown.LATENCY in why:
            missing.append(Told("latency", stage.label, f"latency –: {why[unknown.LATENCY]}"))
        if unknown.BOUND_SHARE in why and not judge_stage.has_no_bound_share(stage):
            missing.append(Told("bound", stage.label, f"% of bound –: {why[unknown.BOUND_SHARE]}"))
    made = together(missing, Kind.LEGEND)
    occupied, labels = _occupied(stages)
    if labels and plan.workload.traits.has_users:
        users = "N/(S + think time)" if plan.think_ns else "N/S"
        made.append(
            Sentence(
                labels,
                Kind.LEGEND,
                f"bound: min({users}, workers × threads/S); S is the time a request occupies a thread:"
                f" {occupied}, measured by the target",
            )
        )
    if labels and plan.workload.traits.at_once:
        made.append(
            Sentence(
                labels,
                Kind.LEGEND,
                "predicted: ceil(N / min(k, workers × threads)) × S; k is the most requests the client has in"
                f" flight, S the time a request occupies a thread: {occupied}, measured by the target",
            )
        )
    return made


def _occupied(stages: tuple[StageResult, ...]) -> tuple[str, tuple[str, ...]]:
    """Say how long a request occupies a thread: once, or where that differs the shortest and the longest."""
    known = [(stage.theory.service_ns, stage.label) for stage in stages if stage.theory]
    if not known:
        return "", ()
    shortest, longest = min(known), max(known)
    shown = known[:1] if longest[0] <= shortest[0] * _ABOUT_EQUAL else [shortest, longest]
    told = ", ".join(f"{show_ns(service_ns)} in stage {label}" for service_ns, label in shown)
    return told, tuple(label for _, label in shown)


def _gunicorn(served: Gunicorn | None) -> Iterator[Sentence]:
    """Say what of a config file did not hold, and what could not be measured under its worker class."""
    if served is None or (config := served.config) is None:
        return
    told = [f"target served by {config.file}"]
    if config.set_by_lab:
        told.append(f"the lab set {' and '.join(config.set_by_lab)} itself")
    by_option: dict[str, list[str]] = {}
    for setting, option in config.overridden.items():
        by_option.setdefault(option, []).append(setting)
    told += [f"{option} overrode {' and '.join(settings)}" for option, settings in by_option.items()]
    if served.unseen:
        told.append(f"unknown with worker_class {served.worker_class}: {', '.join(served.unseen)}")
    yield Sentence((), Kind.NOTE, "; ".join(told))


def _ceiling(result: RunResult) -> Iterator[Sentence]:
    """Say how near the client came to its calibrated ceiling, in the stage that came nearest."""
    if result.ceilings_unused is not None:
        yield Sentence(
            (),
            Kind.LEGEND,
            f"the client's calibration was not used: {result.ceilings_unused}; run loadlab calibrate again",
        )
        return
    calibrated = [stage for stage in result.stages if stage.client.ceiling_ratio is not None]
    if not calibrated:
        return
    stage = max(calibrated, key=lambda stage: stage.client.ceiling_ratio or 0.0)
    client, plan = stage.client, result.plan
    at_most, at_least = ("at most ", "≥ ") if client.ceiling_is_lower_bound else ("", "")
    ratio = client.ceiling_ratio or 0.0
    share = f"{ratio:.0%}" if ratio >= _LEAST_SHARE else f"less than {_LEAST_SHARE:.0%}"
    yield Sentence(
        (stage.label,),
        Kind.LEGEND,
        f"stage {stage.label}: the client did {at_most}{share} of what it can do at most with"
        f" {named(plan.scenario, plan.transport, stage.processes)}"
        f" ({at_least}{show_hz(client.ceiling_hz)}, by loadlab calibrate)",
    )


def _verdict(result: RunResult) -> Iterator[Sentence]:
    headline = judge_run.headline_of(result)
    open_questions = list(_undecided(result))
    yield Sentence((), Kind.VERDICT, headline)
    yield Sentence((), Kind.SUMMARY, _summary(result, headline, some_undecided=bool(open_questions)))
    yield from _reasons(result)
    yield from open_questions


def _summary(result: RunResult, headline: str, *, some_undecided: bool) -> str:
    seconds = sum(stage.window_ns for stage in result.stages) / NS_PER_S
    measured = f"{len(result.stages)} of {len(result.plan.stages)} stages, {seconds:.1f} s measured"
    stopped = "stopped early, what was measured is kept"
    match headline:
        case "PASS":
            meaning = "no check failed" + (", but see below" if some_undecided else "")
        case "STOPPED":
            return f"{measured}: {stopped}"
        case "FAIL":
            meaning = "a limit was not met"
        case "INVALID" if _only_client_limited(result):
            meaning = "the client limited the stages marked !"
        case "INVALID":
            meaning = "do not use these numbers"
        case _:
            meaning = "see the stages marked ?"
    return f"{measured}: {meaning}" + (f"; {stopped}" if result.interrupted else "")


def _only_client_limited(result: RunResult) -> bool:
    """Tell whether the run is INVALID for nothing but stages that show what the client can do."""
    invalid = [stage for stage in result.stages if stage.state is State.INVALID]
    limited = bool(invalid) and all(stage.client_limited for stage in invalid)
    return limited and result.failure is None and judge_run.holds_together(result.checks)


def _reasons(result: RunResult) -> Iterator[Sentence]:
    """Say why the run is not a pass, each reason once, with the stages that it holds for."""
    failed = [check for check in result.checks if check.outcome is CheckOutcome.FAIL]
    whole = [check for check in failed if check.stage is None]
    yield from (Sentence((), Kind.REASON, check.message) for check in whole)
    # Where every request failed, `answered` says so for all stages.
    counted = _REASONS - {"errors"} if any(check.name == "answered" for check in whole) else _REASONS
    # A target that is lost makes its last stage look as if the client were the limit.
    lost = result.stages[-1].label if result.target_lost is not None and result.stages else None

    def is_reason(check: Check) -> bool:
        return check.name in (judge_stage.SHORTAGES if check.stage == lost else counted)

    yield from together(
        (
            Told(check.name, check.stage, check.message)
            for check in failed
            if check.stage and is_reason(check)
        ),
        Kind.REASON,
    )
    if result.failure is not None:
        yield Sentence(
            (), Kind.REASON, "an error of loadlab's own ended the run: see error.txt in the result's folder"
        )


def _undecided(result: RunResult) -> Iterator[Sentence]:
    """Say what nothing could judge about a run that passed, lest its pass be taken for more than it is."""
    if result.verdict is Verdict.PASS:
        for check in result.checks:
            if check.name in judge_run.UNDECIDED:
                yield Sentence((), Kind.UNDECIDED, check.message)
