"""Connections that the target closed or broke in a stage, and what to do about it. Pure."""

from collections.abc import Mapping

from loadlab.analysis.hints import ITS_LOG
from loadlab.analysis.outages import outages
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.reasons import CLOSED_WHILE_KEPT, UNHEARD
from loadlab.recording.sample import Outcome
from loadlab.results.result import Finding
from loadlab.transports.refusals import REFUSED
from loadlab.units import show_count
from loadlab.workload.plan import Plan

_REGULAR = 0.1
"""Of the answers: a server that loses so many connections closes them in its normal course."""
_MOMENTS = 5
"""Of 20 ms, in which the connections of one replaced worker are closed at most."""
_AT_ONCE = 3
"""Requests in flight that fail in the same 20 ms: their worker has ended. Idle ones end one by one."""


def closings(
    plan: Plan, carried: StageCounts, workers_ended: int | None, workers_replaced: int | None = None
) -> list[Finding]:
    """Say whose connections broke and why.

    `workers_ended` and `workers_replaced` are what the target tells of its own processes: those that died,
    and those that gunicorn replaced in its normal course.
    """
    found, stats = [], carried.stats
    failed = carried.counted.errors.get(Outcome.PROTOCOL_ERROR, {})
    by_replacement = 0
    if workers_replaced:
        by_replacement = _closed_by_replacement(carried, failed, workers_ended, workers_replaced)
        replaced = f"gunicorn replaced {show_count(workers_replaced, 'worker')} (max_requests)"
        if by_replacement:
            replaced += f"; {show_count(by_replacement, 'request')} failed on connections that they closed"
        elif not UNHEARD & failed.keys():
            replaced += ", and no request failed by it"
        found.append(Finding("workers_replaced", replaced))
    if (unheard := failed.get(CLOSED_WHILE_KEPT, 0)) and not by_replacement:
        if _in_use(plan, carried, unheard, workers_ended):
            found.append(
                Finding(
                    "closed_in_use",
                    f"the target closed {show_count(unheard, 'connection')} while requests were under way"
                    f"{_why(carried, workers_ended)}; {ITS_LOG}",
                )
            )
        else:
            found.append(
                Finding(
                    "closed_while_kept",
                    f"the target closed {show_count(unheard, 'idle connection')} just as a request was sent"
                    " on them, and the lab does not retry: use --no-keep-alive, or an --idle-limit below the"
                    " target's keep-alive time",
                )
            )
    broken = stats.connections_lost - stats.lost_unheard
    if broken and sum(failed.values()) > unheard:
        found.append(
            Finding(
                "connections_lost",
                f"{show_count(broken, 'connection')} broke during a request{_whole_stage(plan)}; {ITS_LOG}",
            )
        )
    if stats.unexpected_bytes:
        found.append(
            Finding(
                "surplus",
                "the target sent bytes that belong to no response "
                f"{show_count(stats.unexpected_bytes, 'time')}{_whole_stage(plan)}, and the client closed the"
                " connection each time: check whether bodies"
                " are longer than their Content-Length",
            )
        )
    return found


def _closed_by_replacement(
    carried: StageCounts, failed: Mapping[str, int], workers_ended: int | None, workers_replaced: int
) -> int:
    """Return how many requests met a connection that a replaced worker closed; 0 where others may have.

    A worker that died, or a target that refused connections, closes some as well. So does a server that
    closes idle connections in its normal course: at more moments than there were replacements.
    """
    if workers_ended or _went_away(carried):
        return 0
    moments = sum(part.closed_unheard.bit_count() for part in carried.counted.slices.values())
    if moments > _MOMENTS * workers_replaced:
        return 0
    return sum(failed.get(reason, 0) for reason in UNHEARD)


def _whole_stage(plan: Plan) -> str:
    """Say that a count is of more than the window."""
    return " (warm-up included)" if plan.warmup_ns else ""


def _went_away(carried: StageCounts) -> bool:
    return REFUSED in carried.counted.errors.get(Outcome.CONNECT_ERROR, {}) or bool(outages(carried))


def _why(carried: StageCounts, workers_ended: int | None) -> str:
    """Say why connections were closed in use, as far as it can be told."""
    if workers_ended == 0:
        return ": it restarted or crashed" if _went_away(carried) else ""
    return ": it or one of its workers restarted or crashed"


def _in_use(plan: Plan, carried: StageCounts, unheard: int, workers_ended: int | None) -> bool:
    """Tell whether connections that were closed unheard were more likely in use than idle.

    Connections are idle only in an open load and where users think. A server that closes without notice in
    its normal course does so again and again; one that went away for a moment refuses connections, too; one
    whose worker ended loses all of the worker's requests at one moment.
    """
    counted = carried.counted
    if workers_ended or _went_away(carried):
        return True
    if plan.workload.traits.has_schedule or plan.think_ns > 0:
        moments = sum(part.closed_unheard.bit_count() for part in counted.slices.values())
        return workers_ended is None and unheard >= _AT_ONCE * max(1, moments)
    return unheard < _REGULAR * counted.answered
