"""A moment on one clock is the same moment on the other, and nothing else of a message changes."""

import pytest

from loadlab.fleet.messages import Ended, Failed, Go, Halt, Heartbeat, Quit, Ready, Report
from loadlab.fleet.worker_clock import SAME_CLOCK, WorkerClock, estimate
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import ConnectionStats
from support.recorded import WINDOW, everything, recorder, sample

CLOCKS = [WorkerClock(5_000, 10), WorkerClock(-5_000, 10), SAME_CLOCK]


@pytest.mark.parametrize("clock", CLOCKS)
def test_the_barrier_falls_at_the_same_moment_on_the_workers_clock(clock):
    assert clock.to_worker(Go(100)) == Go(100 + clock.offset_ns)
    assert [clock.to_worker(message) for message in (Halt(), Quit())] == [Halt(), Quit()]


@pytest.mark.parametrize("clock", CLOCKS)
def test_heartbeats_and_halts_come_with_the_parents_moments(clock):
    beat = Heartbeat(at_ns=9_000, progress=2, sent=3, finished=4, in_flight=5, cpu_ns=6, spun_ns=7, waited_ns=None, loop_stall_max_ns=8)  # fmt: skip # noqa: E501
    moved = clock.to_parent(beat)
    assert moved.at_ns == 9_000 - clock.offset_ns
    moved.at_ns = beat.at_ns
    assert moved == beat
    ended = Ended(ConnectionStats(7), 11, halted_ns=9_000)
    assert clock.to_parent(ended) == Ended(ConnectionStats(7), 11, halted_ns=9_000 - clock.offset_ns)


@pytest.mark.parametrize("message", [Ready(), Failed("no", ""), Ended(ConnectionStats())])
def test_what_names_no_moment_is_as_it_was(message):
    assert CLOCKS[0].to_parent(message) == message


def test_a_report_comes_as_one_that_was_counted_on_the_parents_clock():
    offset_ns = 5_000
    mix = [sample(1, 2, 50), sample(400, 400, 1_900)]
    theirs = [
        each._replace(
            due_ns=each.due_ns + offset_ns, sent_ns=each.sent_ns + offset_ns, done_ns=each.done_ns + offset_ns
        )
        for each in mix
    ]
    window = Window(WINDOW.start_ns + offset_ns, WINDOW.end_ns + offset_ns)
    report = WorkerClock(offset_ns).to_parent(Report(recorder(window, theirs), 7 + offset_ns))
    assert report.upto_ns == 7
    assert everything(report.counted) == everything(recorder(WINDOW, mix))


def test_a_report_of_nothing_names_no_moment():
    counted = recorder(Window(WINDOW.start_ns), [])
    moved = WorkerClock(5_000).to_parent(Report(counted, 9_000)).counted
    assert (moved.last_done_ns, moved.last_answered_ns, moved.last_failing_ns) == (0, 0, 0)
    assert moved.window == Window(WINDOW.start_ns - 5_000)


def test_the_shortest_round_trip_tells_the_clock_within_half_its_length():
    slow, quick = (0, 1_900, 1_000), (2_000, 3_010, 2_013)
    assert estimate([slow, quick, slow]) == WorkerClock(offset_ns=1_004, uncertainty_ns=7)


@pytest.mark.parametrize("there_ns", [0, 3, 13])
def test_the_true_offset_is_within_the_uncertainty_however_a_round_trip_is_divided(there_ns):
    found = estimate([(100, 100 + there_ns + 700, 113)])
    assert abs(found.offset_ns - 700) <= found.uncertainty_ns
