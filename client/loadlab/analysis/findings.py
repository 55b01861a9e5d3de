"""What to know about a stage besides its figures. Pure."""

from loadlab.analysis.closings import closings
from loadlab.analysis.failing import failing_seconds
from loadlab.clock import NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import ANSWERED, Outcome
from loadlab.results.result import Finding
from loadlab.units import show_count, show_ns
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits

_WORTH_TELLING = 0.001
"""Of the window: one connection that the target closed just when it was used again costs a user 1 ms."""


def complete(counted: Recorder) -> bool:
    """Tell whether every request that was due has a response."""
    return sum(counted.counts) == sum(counted.count(outcome) for outcome in ANSWERED) > 0


def cut_short(plan: Plan, carried: StageCounts) -> bool:
    """Tell whether the stage ended before its time."""
    return plan.duration_ns is not None and carried.window.length_ns < plan.duration_ns


def findings_of(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    carried: StageCounts,
    *,
    workers_ended: int | None = None,
    workers_replaced: int | None = None,
) -> list[Finding]:
    """Return what to know; of the target's processes that went, None where it does not report them."""
    counted = carried.counted
    found = [
        Finding(
            "worker_lost",
            f"worker {lost.shard} {lost.why}: {lost.missing_ns / NS_PER_S:.1f} s of its load and the outcome"
            f" of {show_count(lost.unknown, 'request')} are unknown",
        )
        for lost in carried.lost
    ]
    began = not _halted_before_window(carried)
    if plan.duration_ns is not None and cut_short(plan, carried) and began:
        found.append(
            Finding(
                "cut_short",
                f"{_ended(carried)} after {carried.window.length_ns / NS_PER_S:.2f} of"
                f" {plan.duration_ns / NS_PER_S:.2f} s{_why_ended(carried)}"
                + "; measured up to the last reply"
                * _answered(counted),
            )
        )
    if not sum(counted.counts) and not carried.lost:
        found.append(Finding("nothing_due", _nothing_due(carried, began=began)))
    found += failing_seconds(plan, carried)
    unanswered = counted.count(Outcome.CONNECT_ERROR) + counted.count(Outcome.PROTOCOL_ERROR)
    if unanswered and counted.latency.count:
        found.append(
            Finding(
                "answered_only",
                f"latencies are those of the {show_count(counted.latency.count, 'request')} that had an"
                " answer",
            )
        )
    if counted.late.count:
        found.append(
            Finding(
                "unanswered",
                f"{show_count(counted.late.count, 'request')} had no answer: percentiles that an answer could"
                " change are unknown",
            )
        )
    if traits.blocks_loop:
        found.append(
            Finding(
                "loop_blocked",
                "by design, blocking calls held the event loop for up to"
                f" {carried.loop_stall_max_ns / NS_PER_S:.2f} s at a stretch",
            )
        )
    if not carried.lost and plan.workload.traits.at_once and not complete(counted):
        found.append(Finding("incomplete", "not every request was answered, so the batch has no Cost time"))
    found += closings(plan, carried, workers_ended, workers_replaced)
    found += _backed_off(stage, carried)
    return found


def _answered(counted: Recorder) -> bool:
    return any(counted.count(outcome) for outcome in ANSWERED)


def _halted_before_window(carried: StageCounts) -> bool:
    """Tell whether every worker was told to stop before the window began."""
    stops = carried.halted_ns.values()
    return carried.halted and bool(stops) and max(stops) < carried.window.start_ns


def _ended(carried: StageCounts) -> str:
    return "stopped" if carried.stopped else "ended"


def _why_ended(carried: StageCounts) -> str:
    return "" if carried.stopped else ", because the target could not be loaded"


def _nothing_due(carried: StageCounts, *, began: bool) -> str:
    sent = carried.counted.sent
    if not began:
        warm_up = f" ({show_count(sent, 'request')} in the warm-up)" if sent else ""
        return (
            f"{_ended(carried)} before the measured window began{_why_ended(carried)}: nothing was measured"
            f"{warm_up}"
        )
    if carried.halted:
        return f"{_ended(carried)} before a request was due{_why_ended(carried)}: nothing was measured"
    return (
        "no request was due in the measured window, because those in flight took longer than it"
        f" ({show_count(sent, 'request')} sent in all): use a longer --duration"
    )


def backed_off_ns(stage: Stage, carried: StageCounts) -> int:
    """Return how long all users waited in the window, together.

    Each worker counts up to the planned end. A window that ended before holds no more than its own length
    for each user.
    """
    if stage.concurrency is None:
        return carried.backed_off_ns
    return min(carried.backed_off_ns, stage.concurrency * carried.window.length_ns)


def _backed_off(stage: Stage, carried: StageCounts) -> list[Finding]:
    """Say that users waited where their connections failed at once."""
    waited_ns = backed_off_ns(stage, carried)
    if waited_ns <= _WORTH_TELLING * carried.window.length_ns:
        return []
    return [
        Finding(
            "backed_off",
            f"users paused for {show_ns(waited_ns)} in all, up to 100 ms at a time, after connections that"
            " failed at once, so they sent fewer requests than they could have",
        )
    ]
