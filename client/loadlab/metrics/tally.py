"""What only ever grows: the counters and histograms of a run, or of one of its stages. Pure."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from loadlab.metrics.buckets import EMPTY, Spread
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.results.result import StageResult
from loadlab.workload.plan import Plan

NO_STATUS = "none"
_STATUSES = range(100, 1000)
"""What a status line can tell."""

Cell = tuple[Outcome, str]
"""An outcome with a class of status."""


def status_class(status: int) -> str:
    """Name the class of a status as the target does; `none` for what is in no class."""
    return f"{status // 100}xx" if 100 <= status <= 599 else NO_STATUS


class Tally(NamedTuple):
    """Sums over a stage or several."""

    requests: dict[Cell, int]
    """Requests due in the windows; the cells are the same ones from a run's first moment to its last."""
    sent: int = 0
    """Requests sent, warm-up and drain included."""
    latency: Spread = EMPTY
    service: Spread = EMPTY
    lag: Spread = EMPTY

    @classmethod
    def nothing(cls, plan: Plan) -> Self:
        """Return zeros for every outcome and class of status that a request of this plan can have."""
        answered = {_cell(plan, status) for status in _STATUSES}
        unanswered = {(outcome, NO_STATUS) for outcome in Outcome if outcome not in _BY_STATUS}
        return cls(dict.fromkeys(sorted(answered | unanswered), 0))

    @classmethod
    def of(cls, plan: Plan, counted: Recorder) -> Self:
        """Return what a recorder holds now."""
        return cls(
            _requests(plan, dict(zip(Outcome, counted.counts, strict=True)), counted.statuses),
            counted.sent,
            Spread.of(counted.latency),
            Spread.of(counted.service),
            Spread.of(counted.lag),
        )

    def ended(self, plan: Plan, result: StageResult) -> Self:
        """Return this tally of a stage with the requests of the stage's result.

        Those may be more: what went with a lost worker is known only at the end.
        """
        counts = {outcome: getattr(result.counts, outcome.key) for outcome in Outcome}
        statuses = {int(status): times for status, times in result.statuses.items()}
        return self._replace(requests=_requests(plan, counts, statuses), sent=result.sent_total)

    def plus(self, other: Self) -> Self:
        """Return both together."""
        cells = self.requests | other.requests
        return type(self)(
            {cell: self.requests.get(cell, 0) + other.requests.get(cell, 0) for cell in cells},
            self.sent + other.sent,
            self.latency.plus(other.latency),
            self.service.plus(other.service),
            self.lag.plus(other.lag),
        )


_BY_STATUS = (Outcome.OK, Outcome.HTTP_ERROR)
"""Outcomes that the plan's expected statuses tell apart."""


def _requests(plan: Plan, counts: Mapping[Outcome, int], statuses: Mapping[int, int]) -> dict[Cell, int]:
    """Tell the answered ones apart by status: every complete response has one, and nothing else does.

    A journey's steps say themselves which status they expect, so there the outcome alone is known.
    """
    by_outcome = {(outcome, NO_STATUS): counts[outcome] for outcome in Outcome}
    if plan.journeys is not None:
        return by_outcome
    cells = {cell: times for cell, times in by_outcome.items() if cell[0] not in _BY_STATUS}
    for status, times in statuses.items():
        cell = _cell(plan, status)
        cells[cell] = cells.get(cell, 0) + times
    return cells


def _cell(plan: Plan, status: int) -> Cell:
    return Outcome.OK if plan.expects(status) else Outcome.HTTP_ERROR, status_class(status)
