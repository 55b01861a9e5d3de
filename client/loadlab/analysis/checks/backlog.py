"""Did the target keep up with an open load? By what was due and done, so in short windows, too. Pure."""

import math

from loadlab.analysis.checks.check import CheckInput, away, cut_short, make_check
from loadlab.analysis.checks.client_limits import lag
from loadlab.clock import NS_PER_S
from loadlab.results.result import Check, CheckOutcome, SliceResult, StageResult
from loadlab.units import format_number, show_hz

_SIGMAS, _SIGMAS_LAST = 4, 3
_LEAST_RATIO = 0.05
"""Of what is due; less is no rate that a target does not keep up with."""
_LEAST_SECONDS = 2


def kept_up(case: CheckInput) -> Check:
    """Compare what was left undone in the window with what chance leaves.

    What waits grows by chance, too, and until the first answers come. So it must have grown in the window's
    last third as well, and answers must take longer there than at the beginning.
    """
    stage = case.stage
    due = stage.due or 0
    undone = due - sum(_done(each) for each in stage.slices)
    limit = max(_LEAST_RATIO * due, _SIGMAS * _chance(due))
    return make_check(
        name="kept_up",
        metric="arrivals in the window minus completions, if the difference still grows at its end",
        limit=limit,
        actual=undone if _still_grows(stage) else min(undone, limit),
        unit="requests",
        untestable=_untestable(case),
        ok="the backlog did not grow beyond chance",
        fail=_failed(stage),
    )


def _untestable(case: CheckInput) -> str | None:
    if len(case.stage.slices) < _LEAST_SECONDS:
        return "the window is shorter than two seconds"
    if not case.stage.due:
        return "no request was due"
    if lag(case).outcome is CheckOutcome.FAIL:
        return "the client sent late"
    return cut_short(case) or away(case)


def _done(second: SliceResult) -> int:
    return (second.ok or 0) + second.errors


def _chance(due: float) -> float:
    """Return the standard deviation of arrivals less completions, both at random."""
    return math.sqrt(2 * due)


def _still_grows(stage: StageResult) -> bool:
    """Tell whether more was due in the window's last third than was done, and answers took longer."""
    seconds = stage.slices
    means = [each.mean for each in seconds if each.mean is not None]
    if not means or means[-1] <= means[0]:
        return False
    last = seconds[min(len(seconds) * 2 // 3, len(seconds) - 1) :]
    due = (stage.due or 0) * _share_from(stage, last[0].at_ns)
    return due - sum(map(_done, last)) > _SIGMAS_LAST * _chance(due)


def _share_from(stage: StageResult, from_ns: int) -> float:
    """Return which share of the window's arrivals is due from one of its moments on."""
    first_hz = stage.rate_hz or 0.0
    last_hz = first_hz if stage.rate_to_hz is None else stage.rate_to_hz
    at = from_ns / stage.window_ns
    before = first_hz * at + (last_hz - first_hz) * at**2 / 2
    return 1 - before / ((first_hz + last_hz) / 2)


def _failed(stage: StageResult) -> str:
    offered_hz = (stage.due or 0) / stage.window_ns * NS_PER_S
    grew = ""
    if stage.slices and (in_flight := stage.slices[-1].in_flight) is not None:
        grew = f"; in flight grew to {format_number(in_flight)}"
    return (
        f"the target did not keep up: {show_hz(offered_hz)} offered, {show_hz(stage.throughput_hz)}"
        f" answered{grew}. Latency grows for as long as the load lasts: use a lower --rate"
    )
