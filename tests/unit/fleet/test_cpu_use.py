"""What a worker took of its core, from its heartbeats."""

import pytest
from msgspec import structs

from loadlab.clock import NS_PER_MS
from loadlab.fleet.cpu_use import CpuUse, Heartbeats, busy_now, cpu_use, pace_now
from loadlab.fleet.messages import Heartbeat
from loadlab.recording.window import Window

MS = NS_PER_MS


ALL = Window(-1, 1 << 60)


def heartbeats(*busy_ms, every_ms=250, spun_ms=0, waited_ms=0):
    """Heartbeats after spans in which the process ran for so long."""
    made = []
    for number in range(len(busy_ms) + 1):
        waited_ns = None if waited_ms is None else number * waited_ms * MS
        made.append(
            Heartbeat(
                at_ns=number * every_ms * MS,
                progress=0,
                sent=0,
                finished=0,
                in_flight=0,
                cpu_ns=sum(busy_ms[:number]) * MS,
                spun_ns=number * spun_ms * MS,
                waited_ns=waited_ns,
                loop_stall_max_ns=0,
            )
        )
    return made


@pytest.mark.parametrize(
    ("busy_ms", "whole", "busiest"),
    [
        ([100] * 10, 0.4, 0.4),
        ([0] * 4 + [250] * 4 + [0] * 4, 1 / 3, 1.0),  # one second of twelve quarters
        ([0] * 5 + [250] * 2 + [0] * 5, 1 / 6, 0.5),  # half a second is not a second
        ([250, 250], 1.0, 1.0),  # a window shorter than a second is taken whole
    ],
)
def test_the_busiest_second_is_found_wherever_it_lies(busy_ms, whole, busiest):
    found = cpu_use(heartbeats(*busy_ms), ALL)
    assert found.cpu_ratio == pytest.approx(whole)
    assert found.cpu_peak_ratio == pytest.approx(busiest)


def test_what_was_spent_awake_to_be_on_time_is_no_work():
    found = cpu_use(heartbeats(*[240] * 8, spun_ms=200), ALL)
    assert found.cpu_ratio == pytest.approx(0.96)
    assert found.cpu_peak_ratio == pytest.approx(0.16)


def test_waiting_for_a_core_is_told_beside_running_and_together_with_it():
    found = cpu_use(heartbeats(*[125] * 8, waited_ms=100), ALL)
    assert found.waited_ratio == pytest.approx(0.4)
    assert found.cpu_demand_ratio == pytest.approx(0.9)


def test_waiting_for_a_core_only_to_be_awake_on_it_is_no_want():
    """Half of what it ran was work, so half of what it waited was, too."""
    found = cpu_use(heartbeats(*[200] * 8, spun_ms=100, waited_ms=40), ALL)
    assert found.waited_ratio == pytest.approx(0.16)
    assert found.cpu_demand_ratio == pytest.approx(0.4 + 0.08)


def test_what_the_system_does_not_tell_is_none():
    found = cpu_use(heartbeats(*[125] * 8, waited_ms=None), ALL)
    assert (found.waited_ratio, found.cpu_demand_ratio) == (None, None)
    assert found.cpu_peak_ratio == pytest.approx(0.5)


@pytest.mark.parametrize("few", [[], heartbeats()])
def test_one_pulse_tells_nothing(few):
    assert cpu_use(few, ALL) == CpuUse()


@pytest.mark.parametrize(("span_ms", "busiest"), [(149, None), (150, 1.0), (300, 1.0)])
def test_a_very_short_span_tells_its_mean_only(span_ms, busiest):
    found = cpu_use(heartbeats(span_ms, every_ms=span_ms), ALL)
    assert (found.cpu_ratio, found.cpu_peak_ratio) == (1.0, busiest)


@pytest.mark.parametrize(("late_ms", "busiest"), [(0, 1.0), (50, 250 / 300), (51, None)])
def test_the_look_at_the_windows_end_belongs_to_it_though_it_comes_a_little_late(late_ms, busiest):
    """A window of 250 ms in which the core was full, and a loop that rests at its end."""
    found = cpu_use(heartbeats(250, every_ms=250 + late_ms), Window(-1, 250 * MS)).cpu_peak_ratio
    assert found is None if busiest is None else found == pytest.approx(busiest)


def test_what_was_done_after_the_window_is_not_the_windows():
    """A second look after its end: the worker gives its memory back, and ends."""
    made = heartbeats(200, every_ms=300)
    made.append(structs.replace(made[-1], at_ns=303 * MS, cpu_ns=203 * MS))
    assert cpu_use(made, Window(-1, 299 * MS)).cpu_peak_ratio == pytest.approx(2 / 3)


def test_the_window_decides_what_counts_and_cpu_between_two_pulses_grows_evenly():
    made = heartbeats(*[250] * 4, *[0] * 8, *[250] * 4)
    window = Window(875 * MS, 3_125 * MS)
    found = cpu_use(made, window)
    assert found.cpu_ratio == pytest.approx(250 / 2250)
    assert found.cpu_peak_ratio == pytest.approx(0.0)


def test_a_window_without_an_end_has_no_mean():
    assert cpu_use(heartbeats(100, 100), Window(0)).cpu_ratio is None


def going(*finished, every_ms=250):
    """Heartbeats between which so many requests were finished, and one more sent."""
    made = heartbeats(*[0] * len(finished), every_ms=every_ms)
    for number, heartbeat in enumerate(made):
        heartbeat.finished = sum(finished[:number])
        heartbeat.sent = heartbeat.finished + number
    return made


@pytest.mark.parametrize(
    ("finished", "sent_hz", "finished_hz"),
    [
        ([], 0, 0),
        ([10], 44, 40),  # a quarter of a second is all there is
        ([10] * 4, 44, 40),
        ([90] * 4 + [10, 20, 30, 40], 104, 100),  # the last second alone
    ],
)
def test_the_pace_is_that_of_the_last_second(finished, sent_hz, finished_hz):
    assert pace_now(going(*finished)) == (sent_hz, finished_hz)


def test_the_pace_is_by_the_pulses_own_moments():
    assert pace_now(going(*[10] * 8, every_ms=300)) == pytest.approx((11 / 0.3, 10 / 0.3))


def test_busy_is_told_of_the_last_second_and_not_of_one_pulse():
    assert busy_now(heartbeats(*[250] * 4, *[50] * 4)) == pytest.approx(0.2)
    assert busy_now(heartbeats()) is None
    assert busy_now([]) is None


def test_what_is_kept_of_pulses_is_what_was_said():
    said = [*heartbeats(100, 250, waited_ms=3), *heartbeats(50, waited_ms=None)]
    kept = Heartbeats()
    for heartbeat in said:
        kept.append(heartbeat)
    assert list(kept) == said
    assert (kept[-1], kept[1:3], len(kept)) == (said[-1], said[1:3], len(said))
    assert not Heartbeats()
