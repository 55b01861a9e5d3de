"""Did the requests go well? What failed of a stage, and whether that is more than the plan allows. Pure."""

from collections.abc import Callable, Iterable

from loadlab.analysis.binomial import least_ratio
from loadlab.analysis.checks.check import CheckInput, has_lost_workers, lost, make_check
from loadlab.analysis.hints import hint
from loadlab.recording.sample import REDIRECTS
from loadlab.results.result import Check, CheckOutcome, Finding, StageResult

MOST_REDIRECTS = 0.5
_FIRST_REDIRECT = 300
_KINDS = ("timeout", "connect_error", "protocol_error", "unfinished")


def errors(case: CheckInput) -> Check:
    """Compare the share of failed requests with `--max-errors`.

    It fails only where the share's 95 % interval lies above the limit; a share above it that chance explains
    is undecided.
    """
    limit, stage, expects = case.plan.max_errors_ratio, case.stage, case.plan.expects
    failed, sent = failures(stage)
    ratio = failed / sent if sent else None
    outcome = CheckOutcome.UNTESTABLE
    if limit is None:
        message = "--max-errors none: errors do not fail this run"
    elif lost(case):
        message = "a worker was lost"
    elif ratio is None:
        message = "no request was sent"
    elif ratio <= limit:
        outcome, message = CheckOutcome.PASS, "the share of failed requests is within the limit"
    elif least_ratio(failed, sent) > limit:
        outcome = CheckOutcome.FAIL
        message = (
            f"{show_ratio(ratio)} of {sent:,} requests failed (limit {show_ratio(limit)}):"
            f" {kinds([stage], expects)}; {hint([stage], expects)}, or allow more with --max-errors"
        )
    else:
        message = (
            f"{failed:,} of {sent:,} requests failed: too few requests to know whether that is over the limit"
            f" of {show_ratio(limit)}"
        )
    return Check(
        name="errors",
        metric="requests sent that failed",
        operator="<=",
        limit=1.0 if limit is None else limit,
        actual=None if lost(case) else ratio,
        unit="of the requests",
        outcome=outcome,
        message=message,
    )


def redirects(case: CheckInput) -> Check:
    """Judge whether most answers are redirects that were not expected.

    The default of 200-399 is no wish for redirects; a span of `--expect-status` from 300 on is.
    """
    stage = case.stage
    wanted = [span for span in case.plan.expect_status if span.first >= _FIRST_REDIRECT]
    found = {
        status: count
        for status, count in stage.statuses.items()
        if int(status) in REDIRECTS and not any(span.first <= int(status) <= span.last for span in wanted)
    }
    answered, times = stage.counts.answered, sum(found.values())
    listed = ", ".join(f"{count:,} × {status}" for status, count in found.items())
    where = f" to {' and '.join(stage.redirected_to)}" if stage.redirected_to else ""
    return make_check(
        name="redirects",
        metric="answers that are unexpected redirects",
        limit=MOST_REDIRECTS,
        actual=times / answered if answered else None,
        unit="of the answers",
        untestable=None if answered else "nothing was answered",
        ok="the answers come from the requested address",
        fail=f"{times:,} of {answered:,} answers are redirects{where} ({listed}), and redirects are not"
        " followed: the page itself was not measured. Use the address that they lead to, or --expect-status"
        f" {','.join(found)} if you want to measure the redirect",
    )


def few_errors(checks: Iterable[Check]) -> list[Finding]:
    """Say of a stage where a share of errors above the limit may be chance."""
    return [
        Finding("few_errors", check.message)
        for check in checks
        if check.name == "errors"
        and check.outcome is CheckOutcome.UNTESTABLE
        and check.actual is not None
        and check.actual > check.limit
    ]


def failures(stage: StageResult) -> tuple[int, int]:
    """Return how many requests of the window failed, and how many were sent.

    What was dropped was never sent. What was given up because the run was stopped, or was lost with a worker,
    might have been answered.
    """
    counts = stage.counts
    given_up = counts.unfinished if stage.halted or has_lost_workers(stage) else 0
    sent = counts.scheduled - counts.dropped - given_up
    return sent - counts.ok, sent


def kinds(stages: Iterable[StageResult], expects: Callable[[int], bool]) -> str:
    """Say what failed, the most frequent first: `2,887 × status 401, 3 × timeout`.

    What a stopped stage gave up did not fail.
    """
    times: dict[str, int] = {}
    for stage in stages:
        for status, count in stage.statuses.items():
            if not expects(int(status)):
                times[f"status {status}"] = times.get(f"status {status}", 0) + count
        for kind in _KINDS:
            given_up = kind == "unfinished" and stage.halted
            if (count := getattr(stage.counts, kind)) and not given_up:
                words = kind.replace("_", " ")
                times[words] = times.get(words, 0) + count
    found = sorted(times.items(), key=lambda each: -each[1])
    return ", ".join(f"{count:,} × {kind}" for kind, count in found)


def show_ratio(ratio: float) -> str:
    """Write a share as per cent, with three figures."""
    return f"{ratio * 100:.3g} %"
