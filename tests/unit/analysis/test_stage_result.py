"""Every figure of a stage's result is the one that was counted, planned or measured for it."""

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from loadlab.analysis.distributions import distribution
from loadlab.analysis.findings import complete
from loadlab.analysis.summary import stage_result
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.cpu_use import CpuUse
from loadlab.fleet.stage_counts import Lost, StageCounts
from loadlab.recording.histogram import Histogram
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.results.result import Shortage
from loadlab.scenarios import scenario
from loadlab.system.contention import Contention
from loadlab.system.resources import Resource
from loadlab.targets.target_metrics import Reading
from loadlab.transports.connection_stats import Closed, ConnectionStats
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, plan

SECONDS = 4
WINDOW = Window(START_NS, START_NS + SECONDS * NS_PER_S)
MS = NS_PER_MS
COUNTED = 400
"""Requests, each 10 ms after the one before."""
OPEN = {
    "workload": Workload.OPEN,
    "stages": (Stage(rate_hz=100.0, rate_to_hz=100.0),),
    "duration_ns": SECONDS * NS_PER_S,
    "warmup_ns": 0,
    "max_in_flight": 100,
}
CLOSED = {"stages": (Stage(concurrency=4),), "duration_ns": SECONDS * NS_PER_S}
BATCH = {"workload": Workload.BATCH, "stages": (Stage(requests=COUNTED),), "duration_ns": None}
CPU_USE = (
    CpuUse(cpu_ratio=0.1, cpu_peak_ratio=0.2, waited_ratio=0.3, cpu_demand_ratio=0.4),
    CpuUse(cpu_ratio=0.5, cpu_peak_ratio=0.6, waited_ratio=0.7, cpu_demand_ratio=0.8),
)


def recorder():
    """Each was sent 1 ms late and took 20 ms; 2 in flight; 6 bytes each."""
    counted = Recorder(WINDOW)
    due = START_NS + np.arange(COUNTED, dtype=np.int64) * 10 * MS
    one = np.ones(COUNTED, dtype=np.int64)
    counted.fold(
        np.column_stack((due, due + MS, due + 21 * MS, one * Outcome.OK, one * 200, one * 6, one * 0))
    )
    counted.sent = 410
    counted.waited = 3
    counted.refused = 5
    for at_ms in range(0, SECONDS * 1000, 10):
        counted.observe_in_flight(START_NS + at_ms * MS, START_NS + (at_ms + 10) * MS, 2, 2)
    return counted


def carried(**changed):
    return StageCounts(
        **{
            "counted": recorder(),
            "window": WINDOW,
            "lost": (),
            "stats": ConnectionStats(
                connections_opened=7,
                connections_lost=2,
                short_of={Resource.FILES: 4},
                limits={Resource.FILES: 32},
            ),
            "cpu_use": CPU_USE,
            "loop_stall_max_ns": 11,
            "backed_off_ns": 13,
            "closed": (Closed(peer=1), Closed(idle_limit=2)),
            "halted": True,
            **changed,
        }
    )


def reading(at_ns, requests):
    counters = {"target_requests_total": requests, "target_thread_seconds_count": requests}
    return Reading(
        at_ns,
        {"target_workers": 1, "target_threads": 8, "target_thread_seconds_sum": requests * 0.02} | counters,
    )


def summed(*, name="pool", whole=OPEN, of=None, **changed):
    planned = plan(**whole, scenario=name, processes=3)
    return stage_result(
        planned,
        of or planned.stages[0],
        scenario(name).TRAITS,
        carried(**changed),
        (reading(START_NS, 100), reading(START_NS + SECONDS * NS_PER_S, 500)),
        around=(reading(0, 90), reading(START_NS * 2, 520)),
        began_at="2026-11-23T12:00:00+00:00",
        taken=Contention(throttled_ratio=0.01, stolen_ratio=0.02),
    )


def test_what_was_planned_and_counted_is_in_the_stage():
    found = summed()
    assert (found.label, found.rate_hz, found.rate_to_hz) == ("100:100", 100.0, 100.0)
    assert (found.concurrency, found.requests, found.processes) == (None, None, 2)
    assert (found.window_ns, found.began_at) == (SECONDS * NS_PER_S, "2026-11-23T12:00:00+00:00")
    assert (found.received_bytes, found.sent_total, found.answered_total) == (6 * 398, 410, COUNTED)
    assert (found.waited, found.refused, found.halted, found.due) == (3, 5, True, COUNTED)
    assert found.throughput_hz == pytest.approx(398 / SECONDS)  # the last two ended after the window
    assert found.in_flight_mean == pytest.approx(2.0)
    assert found.in_flight_by_stamps == pytest.approx(2.0, rel=0.01)


def test_each_distribution_is_of_its_own_times():
    found = summed()
    spans = {"latency_ns": 21 * MS, "service_ns": 20 * MS, "lag_ns": MS}
    for name, span_ns in spans.items():
        told = getattr(found, name)
        assert (told.count, told.p50, told.max) == (COUNTED, *[pytest.approx(span_ns, rel=1e-3)] * 2)
        assert told.mean == pytest.approx(span_ns, rel=1e-3)
        assert told.intervals["p50"][0] == pytest.approx(span_ns, rel=1e-3)
    for name, span_ns in {"latency": 21 * MS, "service": 20 * MS, "lag": MS}.items():
        decoded = HdrHistogram.decode(getattr(found.histograms, name))
        assert decoded.get_total_count() == COUNTED
        assert decoded.get_max_value() == pytest.approx(span_ns, rel=1e-3)


def test_each_second_has_its_own_figures():
    first, *_ = found = summed().slices
    assert [each.at_ns for each in found] == [second * NS_PER_S for second in range(SECONDS)]
    assert (first.count, first.errors, first.in_flight) == (98, 0, pytest.approx(2.0))
    assert first.p50 == pytest.approx(21 * MS, rel=1e-3)
    assert first.p99 is None, "it needs 381 requests"


def test_a_second_with_enough_requests_has_its_own_p99():
    """Of 500, ten took 100 ms and the others 10 ms."""
    counted = Recorder(WINDOW)
    due = START_NS + np.arange(500, dtype=np.int64) * MS
    took = np.where(np.arange(500) < 490, 10, 100) * MS
    one = np.ones(500, dtype=np.int64)
    counted.fold(np.column_stack((due, due, due + took, one * Outcome.OK, one * 200, one * 6, one * 0)))
    first = summed(counted=counted).slices[0]
    assert (first.p50, first.p99) == (pytest.approx(10 * MS, rel=1e-3), pytest.approx(100 * MS, rel=1e-3))


def test_what_the_client_used_is_in_the_stage():
    used = summed().client
    assert used.cpu_ratio == (0.1, 0.5)
    assert (used.cpu_peak_ratio, used.waited_ratio, used.cpu_demand_ratio) == (
        (0.2, 0.6),
        (0.3, 0.7),
        (0.4, 0.8),
    )
    assert (used.connections_opened, used.connections_lost) == (7, 2)
    assert used.connections_closed == (Closed(peer=1), Closed(idle_limit=2))
    assert used.shortages == (Shortage(resource=Resource.FILES, count=4, limit=32),)
    assert (used.files_exhausted, used.loop_stall_max_ns, used.backed_off_ns) == (4, 11, 13)
    assert (used.throttled_ratio, used.stolen_ratio) == (0.01, 0.02)
    assert used.own_lag_ns.p50 == pytest.approx(MS, rel=1e-3)


def test_the_target_and_what_is_expected_of_it_are_in_the_stage():
    found = summed()
    assert (found.target.requests, found.target.requests_in_stage, found.target.thread_ns) == (
        400,
        430,
        20 * MS,
    )
    assert found.theory.bound_hz == pytest.approx(100.0)  # the rate that was due, below 8 / 20 ms
    assert found.theory.bound_ratio == pytest.approx(398 / COUNTED)


def test_a_closed_stage_has_its_users_and_no_schedule():
    found = summed(whole=CLOSED)
    assert (found.label, found.concurrency, found.due) == ("4", 4, None)
    assert found.theory.bound_hz == pytest.approx(200.0)


def test_what_makes_its_requests_in_processes_unseen_tells_nothing_of_them():
    found = summed(name="pool-map", whole=BATCH)
    assert (found.requests, found.processes) == (COUNTED, 3)
    used = found.client
    assert (used.cpu_ratio, used.connections_opened, used.connections_lost) == ((None,), None, None)
    assert used.connections_closed == ()
    assert (found.in_flight_mean, found.in_flight_error) == (None, None)
    assert {each.in_flight for each in found.slices} == {None}


@pytest.mark.parametrize(("known", "unanswered", "complete"), [(0, 0, False), (1, 0, True), (5, 1, False)])
def test_mean_and_maximum_are_left_open_unless_every_request_was_answered(known, unanswered, complete):
    def waits(count):
        made = Histogram()
        made.record(np.full(count, 5 * MS, dtype=np.int64))
        return made

    found = distribution(waits(known), waits(unanswered))
    assert found.count == known
    assert (found.mean is not None, found.max is not None) == (complete, complete)


@pytest.mark.parametrize(
    ("seen", "variance"),
    [
        ([2] * 400, 30),  # no jump: as many looks as should have met a request, at most 30
        ([0, 4] * 200, 399 * 16 / 2),  # half the sum of the squared jumps
    ],
)
def test_the_error_of_what_was_seen_in_flight_is_of_each_workers_looks(seen, variance):
    counted = recorder()
    counted.flight_samples = counted.flight_jumps = counted.in_flight_integral_ns = 0
    for look, (before, now) in enumerate(zip([seen[0], *seen], seen, strict=False)):
        counted.observe_in_flight(START_NS + look * 10 * MS, START_NS + (look + 1) * 10 * MS, now, before)
    assert summed(counted=counted).in_flight_error == pytest.approx(variance**0.5 / (400 / 2), rel=0.01)


SHORT = Window(START_NS, START_NS + 3 * NS_PER_S // 2)
FINDINGS = [
    (
        "pool",
        OPEN,
        {"window": SHORT},
        "cut_short",
        ["after 1.50 of 4.00 s, because the target could not be loaded; measured up to the last reply"],
    ),
    ("pool", OPEN, {"window": SHORT, "stopped": True}, "cut_short", ["stopped after 1.50 of 4.00 s"]),
    ("pool", OPEN, {"counted": Recorder(WINDOW), "halted": False}, "nothing_due", ["0 requests sent in all"]),
    (
        "pool",
        OPEN,
        {"counted": Recorder(WINDOW), "stopped": True, "halted_ns": {0: START_NS - MS, 1: START_NS - 2 * MS}},
        "nothing_due",
        ["stopped before the measured window began: nothing was measured"],
    ),
    (
        "pool",
        OPEN,
        {"counted": Recorder(WINDOW), "stopped": True, "halted_ns": {0: START_NS - MS, 1: START_NS + MS}},
        "nothing_due",
        ["stopped before a request was due: nothing was measured"],
    ),
    ("blocked-loop", CLOSED, {"loop_stall_max_ns": 1_250 * MS}, "loop_blocked", ["1.25 s"]),
    ("pool-map", BATCH, {"counted": Recorder(WINDOW)}, "incomplete", ["no Cost time"]),
    (
        "pool",
        OPEN,
        {"lost": (Lost(1, "was killed", 700 * MS, 4),)},
        "worker_lost",
        ["worker 1 was killed: 0.7 s", "4 req"],
    ),
]


@pytest.mark.parametrize(("name", "whole", "changed", "finding", "figures"), FINDINGS)
def test_a_finding_tells_its_figures(name, whole, changed, finding, figures):
    (found,) = [each for each in summed(name=name, whole=whole, **changed).findings if each.name == finding]
    for figure in figures:
        assert figure in found.message


@pytest.mark.parametrize("broken", [Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR])
def test_latencies_beside_failed_connections_are_said_to_be_of_the_answered_ones(broken):
    counted = recorder()
    at_ns = START_NS + NS_PER_S
    counted.fold(np.array([[at_ns, at_ns, at_ns + MS, broken, 0, 0, 0]], dtype=np.int64))
    told = {each.name: each.message for each in summed(counted=counted).findings}
    assert f"the {COUNTED} requests that had an answer" in told["answered_only"]


def test_a_stage_that_was_stopped_before_its_window_is_not_told_as_cut_short():
    told = summed(window=SHORT, counted=Recorder(SHORT), stopped=True, halted_ns={0: START_NS - MS}).findings
    assert "cut_short" not in {each.name for each in told}


def test_a_window_without_an_answer_is_measured_up_to_no_reply():
    (found,) = [
        each
        for each in summed(window=SHORT, counted=Recorder(SHORT), stopped=True).findings
        if each.name == "cut_short"
    ]
    assert found.message == "stopped after 1.50 of 4.00 s"


def test_users_wait_no_longer_than_a_window_that_was_cut_short():
    found = summed(whole=CLOSED, window=SHORT, backed_off_ns=60 * NS_PER_S)
    users = 4
    assert found.client.backed_off_ns == users * SHORT.length_ns
    (told,) = [each.message for each in found.findings if each.name == "backed_off"]
    assert "users paused for 6.00 s in all" in told


def test_requests_without_an_answer_are_counted_in_their_finding():
    counted = recorder()
    at_ns = START_NS + NS_PER_S
    counted.fold(np.array([[at_ns, at_ns, at_ns + MS, Outcome.TIMEOUT, 0, 0, 0]] * 3, dtype=np.int64))
    told = {each.name: each.message for each in summed(counted=counted).findings}
    assert told["unanswered"].startswith("3 requests had no answer")


def test_one_answer_makes_a_batch_of_one_complete():
    counted = Recorder(WINDOW)
    assert not complete(counted)
    counted.fold(
        np.array([[START_NS, START_NS, START_NS + MS, Outcome.HTTP_ERROR, 500, 0, 0]], dtype=np.int64)
    )
    assert complete(counted)


def test_failed_connections_of_both_kinds_are_no_less_than_of_one():
    counted = recorder()
    at_ns = START_NS + NS_PER_S
    both = (Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR)
    counted.fold(np.array([[at_ns, at_ns, at_ns + MS, each, 0, 0, 0] for each in both], dtype=np.int64))
    assert "answered_only" in {each.name for each in summed(counted=counted).findings}
