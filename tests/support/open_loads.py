"""Open loads on an injected clock, and what they leave on the tape."""

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.recording.sample import WAITED, Outcome, Sample
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, plan

MS = NS_PER_MS
EACH_SCENARIO = pytest.mark.parametrize("scenario", ["task", "callback"])


def open_plan(rate_hz=10, **changed):
    return plan(**{"workload": Workload.OPEN, "stages": (Stage(rate_hz=rate_hz),), **changed})


def samples(shard):
    rows = [Sample(*row) for row in shard.tape.cut(1 << 30).tolist()]
    return sorted(rows, key=lambda row: (row.due_ns, row.done_ns))


def outcome(row):
    return Outcome(row.outcome & (WAITED - 1)).key


def ms(moment_ns):
    return round((moment_ns - START_NS) / MS)


def accounted(shard, rows):
    """Invariant 1: every due request has one row, and every one that was sent is among them."""
    assert len(rows) == shard.sent + shard.dropped
    assert sum(outcome(row) == "dropped" for row in rows) == shard.dropped
