"""From what was counted to `result.json`."""

import json
import math

import msgspec
import numpy as np
import pytest
from msgspec import structs

from loadlab.analysis.summary import stage_result
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.cpu_use import CpuUse
from loadlab.fleet.stage_counts import Lost, StageCounts
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.results.result import State
from loadlab.scenarios import scenario
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, plan

MS = NS_PER_MS
WINDOW = Window(START_NS, START_NS + 2 * NS_PER_S)


def rows(*samples):
    """Rows of a tape: due, sent and done in milliseconds, outcome, status, perhaps a stamp in nanoseconds."""
    made = [
        [START_NS + due * MS, START_NS + sent * MS, START_NS + done * MS, outcome, status, 6, sum(stamp)]
        for due, sent, done, outcome, status, *stamp in samples
    ]
    return np.array(made, dtype=np.int64)


def carried(*samples, window=WINDOW, **changed):
    counted = Recorder(window)
    counted.sent = len(samples)
    if samples:
        counted.fold(rows(*samples))
    for at_ms in range(0, 2_000, 10):
        counted.observe_in_flight(START_NS + at_ms * MS, START_NS + (at_ms + 10) * MS, 3, 3)
    values = {
        "counted": counted,
        "window": WINDOW,
        "lost": (),
        "stats": ConnectionStats(4, 0),
        "cpu_use": (CpuUse(0.5),),
        "loop_stall_max_ns": 7,
    }
    return StageCounts(**values | changed)


def summed(what, *, name="task", whole=None, stage=None):
    whole = whole or plan(scenario=name, stages=(Stage(concurrency=3),), duration_ns=2 * NS_PER_S)
    return stage_result(whole, stage or whole.stages[0], scenario(name).TRAITS, what, (None, None))


FAST = [(at, at, at + 50, Outcome.OK, 200) for at in range(0, 2_000, 10)]

SPREAD = [(at, at, at + 50 + at // 10, Outcome.OK, 200) for at in range(0, 2_000, 10)]


def test_scheduled_is_the_sum_of_the_outcomes():
    each = [(at, at, at + 1, outcome, 0) for at, outcome in enumerate(Outcome)]
    counts = summed(carried(*each)).counts
    assert counts.scheduled == len(Outcome)
    assert {getattr(counts, outcome.key) for outcome in Outcome} == {1}
    assert counts.errors == len(Outcome) - 1


def test_throughput_is_completions_in_the_window_over_the_window():
    done_in_the_window = sum(at + 50 < 2_000 for at in range(0, 2_000, 10))
    assert summed(carried(*FAST)).throughput_hz == done_in_the_window / 2


def test_the_way_there_and_back_is_told_where_answers_are_stamped():
    stamped = [(*each, 48 * MS) for each in FAST]
    found = summed(carried(*stamped, (0, 0, 50, Outcome.OK, 200, 51 * MS)))
    assert found.time_outside_target_ns is not None
    assert (found.time_outside_target_ns.count, found.stamps_over_service) == (len(FAST) + 1, 1)
    assert found.time_outside_target_ns.p50 == pytest.approx(2 * MS, rel=1e-3)


def test_and_null_where_none_is():
    assert summed(carried(*FAST)).time_outside_target_ns is None


def test_what_was_in_flight_is_the_mean_of_its_samples():
    assert summed(carried()).in_flight_mean == 3


def test_looks_that_can_meet_few_requests_may_meet_none_by_chance():
    """Two requests of 10 ms in 2 s, and 200 looks that saw none: a count of 2 may well come out as 0."""
    counted = Recorder(WINDOW)
    counted.fold(rows((100, 100, 110, Outcome.OK, 200), (900, 900, 910, Outcome.OK, 200)))
    for at_ms in range(0, 2_000, 10):
        counted.observe_in_flight(START_NS + at_ms * MS, START_NS + (at_ms + 10) * MS, 0, 0)
    found = summed(carried(counted=counted))
    assert (found.in_flight_mean, found.in_flight_by_stamps) == (None, 0.01)
    assert found.unknown["in_flight_mean"].startswith("too few samples met a request")
    assert found.in_flight_error == pytest.approx(math.sqrt(2) / 200)


def test_what_nobody_could_see_is_null():
    batch = plan(workload=Workload.BATCH, scenario="pool-map", stages=(Stage(requests=9),), duration_ns=None)
    found = summed(carried(), name="pool-map", whole=batch)
    assert found.in_flight_mean is None
    assert all(each.in_flight is None for each in found.slices)


def test_a_batch_has_a_makespan_and_a_closed_stage_none():
    batch = plan(workload=Workload.BATCH, stages=(Stage(requests=9),), duration_ns=None)
    assert summed(carried(*FAST), whole=batch).makespan_ns == 2 * NS_PER_S
    assert summed(carried(*FAST)).makespan_ns is None


def test_a_batch_that_was_not_answered_in_full_has_no_makespan():
    batch = plan(workload=Workload.BATCH, stages=(Stage(requests=9),), duration_ns=None)
    found = summed(carried(*FAST[:5], (1, 1, 50, Outcome.TIMEOUT, 0)), whole=batch)
    assert found.makespan_ns is None
    assert "incomplete" in [each.name for each in found.findings]


def test_a_batch_with_a_lost_shard_tells_what_was_sent_from_what_was_not():
    batch = plan(workload=Workload.BATCH, stages=(Stage(requests=9),), duration_ns=None)
    lost = (Lost(0, "was killed", 0, 2),)
    found = summed(carried(*FAST[:5], lost=lost), whole=batch)
    assert (found.counts.scheduled, found.counts.unfinished, found.counts.dropped) == (9, 2, 2)
    assert found.latency_ns.max is None


def test_a_stage_that_was_cut_short_is_suspect():
    short = Window(START_NS, START_NS + NS_PER_S)
    found = summed(StageCounts(Recorder(WINDOW), short, (), ConnectionStats(), (CpuUse(0.1),), 0))
    assert found.state is State.SUSPECT
    assert {"cut_short", "nothing_due"} <= {each.name for each in found.findings}


OPEN = {"workload": Workload.OPEN, "scenario": "pool", "processes": 2, "stages": (Stage(rate_hz=100.0),)}


@pytest.mark.parametrize(
    ("halted_ms", "due"),
    [
        ({}, 200),  # it had come to the end of its schedule
        ({0: 1_000, 1: 1_000}, 101),  # the arrival of the moment itself is one
        ({0: 1_009, 1: 1_010}, 102),
        ({0: 1_000, 1: 5_000}, 151),  # the other in its drain
        ({0: -1, 1: -1}, 0),  # in the warm-up
    ],
)
def test_what_was_due_of_a_halted_schedule_is_what_it_has_up_to_each_shards_halt(halted_ms, due):
    """An arrival each 10 ms, to one shard and the other in turn."""
    open_plan = plan(**OPEN, duration_ns=2 * NS_PER_S)
    what = carried(
        window=WINDOW,
        cpu_use=(CpuUse(0.1),) * 2,
        halted=True,
        halted_ns={shard: START_NS + at_ms * MS for shard, at_ms in halted_ms.items()},
    )
    short = structs.replace(what, window=Window(START_NS, START_NS + 1_300 * MS))
    assert summed(short, name="pool", whole=open_plan).due == due


def test_the_schedule_of_a_lost_shard_goes_on_to_the_windows_end():
    lost = (Lost(1, "was killed by SIGKILL", 0, 0),)
    what = carried(cpu_use=(CpuUse(0.1),) * 2, lost=lost, halted=True, halted_ns={0: START_NS + 999 * MS})
    found = summed(what, name="pool", whole=plan(**OPEN, duration_ns=2 * NS_PER_S))
    assert (found.due, found.counts.scheduled, found.counts.unfinished) == (150, 150, 150)


def test_there_is_a_slice_for_each_second_even_where_nothing_happened():
    found = summed(carried(*FAST[:100]))
    assert [each.at_ns for each in found.slices] == [0, NS_PER_S]
    assert [each.count for each in found.slices] == [95, 5]
    assert [each.in_flight for each in found.slices] == [3, 3]
    assert found.slices[1].mean == 50 * MS


def test_the_last_slice_may_be_shorter_than_a_second():
    short = Window(START_NS, START_NS + NS_PER_S + NS_PER_S // 2)
    found = summed(carried(*FAST))
    assert len(found.slices) == 2
    counted = Recorder(short)
    counted.observe_in_flight(START_NS, START_NS + 2 * NS_PER_S, 4)
    part = summed(StageCounts(counted, short, (), ConnectionStats(), (CpuUse(0.1),), 0))
    assert [each.in_flight for each in part.slices] == [4, 4]


def test_unanswered_requests_leave_open_what_they_could_move_and_are_a_finding():
    late = [(5, 5, 15, Outcome.TIMEOUT, 0)] * 20
    found = summed(carried(*SPREAD, *late))
    assert found.latency_ns.p50 is None
    assert found.latency_ns.p90 is None
    assert found.latency_ns.max is None
    assert found.latency_ns.mean is None
    assert found.latency_ns.count == 200
    assert [finding.name for finding in found.findings] == ["unanswered"]


def test_service_time_is_bounded_by_what_was_waited_since_the_request_was_sent():
    """Sent just before the end: due long ago, but waited for only a moment."""
    late = [(0, 1_990, 2_000, Outcome.UNFINISHED, 0)] * 50
    found = summed(carried(*SPREAD, *late))
    assert found.service_ns.p50 is None
    assert found.latency_ns.p50 is not None


def test_a_lost_worker_makes_the_stage_invalid_and_says_for_how_long():
    lost = Lost(0, "was killed by SIGKILL", 700 * MS, 4)
    found = summed(carried(*FAST, lost=(lost,)))
    assert found.state is State.INVALID
    assert found.missing_shard_ns == 700 * MS
    (finding,) = found.findings
    assert finding.name == "worker_lost"
    assert "was killed by SIGKILL" in finding.message
    assert "4 requests" in finding.message
    assert found.counts.ok == 200


def test_what_a_scenario_breaks_by_design_is_a_finding_and_not_invalid():
    found = summed(carried(*FAST, loop_stall_max_ns=400 * MS), name="blocked-loop")
    assert found.state is State.VALID
    assert [finding.name for finding in found.findings] == ["loop_blocked"]


def test_broken_connections_are_a_finding():
    broken = (100, 100, 150, Outcome.PROTOCOL_ERROR, 0)
    found = summed(carried(*FAST, broken, stats=ConnectionStats(5, 2)))
    assert [finding.name for finding in found.findings] == ["answered_only", "connections_lost"]
    assert (found.client.connections_opened, found.client.connections_lost) == (5, 2)


def test_bytes_that_belong_to_no_response_are_a_finding():
    found = summed(carried(*FAST, stats=ConnectionStats(4, 0, 3)))
    assert [finding.name for finding in found.findings] == ["surplus"]


@pytest.mark.parametrize(("users", "processes"), [(1, 1), (3, 3), (64, 4)])
def test_the_processes_of_a_stage_are_those_that_carried_it(users, processes):
    whole = plan(scenario="pool", stages=(Stage(concurrency=users),), processes=4)
    found = summed(carried(cpu_use=(CpuUse(0.1),) * processes), name="pool", whole=whole)
    assert found.processes == processes


def test_statuses_are_counted_by_their_number():
    found = summed(carried((0, 0, 1, Outcome.OK, 200), (1, 1, 2, Outcome.HTTP_ERROR, 503)))
    assert found.statuses == {"200": 1, "503": 1}


def test_a_stage_in_which_nothing_happened_is_still_a_stage():
    found = json.loads(msgspec.json.encode(summed(carried())))
    assert found["counts"]["scheduled"] == found["throughput_hz"] == 0
    assert found["latency_ns"].pop("intervals") == {}
    assert set(found["latency_ns"].values()) == {0, None}


def test_each_second_says_how_many_requests_ended_well():
    made = summed(carried(*FAST, (1_500, 1_500, 1_600, Outcome.HTTP_ERROR, 500)))
    assert [each.ok for each in made.slices] == [95, 100]
    assert [each.errors for each in made.slices] == [0, 1]


def test_a_rate_of_nothing_beside_answers_is_unknown_and_a_finding_says_why():
    """Four requests of three seconds each, due in a window of two."""
    late = [(at, at, at + 3_000, Outcome.OK, 200) for at in range(4)]
    found = summed(carried(*late))
    assert (found.counts.ok, found.throughput_hz, found.known_rate_hz) == (4, 0, None)
    (message,) = [each.message for each in found.findings if each.name == "nothing_done"]
    assert message == found.unknown["throughput_hz"]
    assert message.startswith("all 4 answers came after the measured 2 s")


def test_a_rate_of_nothing_without_answers_is_what_it_seems():
    found = summed(carried(*[(at, at, at + 3_000, Outcome.TIMEOUT, 0) for at in range(4)]))
    assert (found.throughput_hz, found.known_rate_hz) == (0, 0)
    assert "throughput_hz" not in found.unknown


def test_what_was_seen_in_flight_is_told_unless_its_error_is_half_of_it():
    assert summed(carried(*FAST)).in_flight_mean == 3
    few = Recorder(WINDOW)
    few.fold(rows(*FAST))
    few.observe_in_flight(START_NS, START_NS + 10 * MS, 3)
    found = summed(carried(counted=few))
    assert found.in_flight_mean is None
    assert found.in_flight_error is not None
    assert {each.in_flight for each in found.slices} == {None}
    nobody_looked = Recorder(WINDOW)
    nobody_looked.fold(rows(*FAST))
    assert "in_flight_mean" in summed(carried(counted=nobody_looked)).unknown
