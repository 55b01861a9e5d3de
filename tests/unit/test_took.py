"""What a worker took of its core, from its pulses."""

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.fleet.messages import Pulse
from loadlab.fleet.took import Took, took
from loadlab.recorder import Window

MS = NS_PER_MS


ALL = Window(-1, 1 << 60)


def pulses(*busy_ms, every_ms=250, spun_ms=0, waited_ms=0):
    """Pulses after spans in which the process ran for so long."""
    made = []
    for number in range(len(busy_ms) + 1):
        waited_ns = None if waited_ms is None else number * waited_ms * MS
        made.append(
            Pulse(
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
    found = took(pulses(*busy_ms), ALL)
    assert found.cpu_ratio == pytest.approx(whole)
    assert found.busiest_ratio == pytest.approx(busiest)


def test_what_was_spent_awake_to_be_on_time_is_no_work():
    found = took(pulses(*[240] * 8, spun_ms=200), ALL)
    assert found.cpu_ratio == pytest.approx(0.96)
    assert found.busiest_ratio == pytest.approx(0.16)


def test_waiting_for_a_core_is_told_beside_running_and_together_with_it():
    found = took(pulses(*[125] * 8, waited_ms=100), ALL)
    assert found.waited_ratio == pytest.approx(0.4)
    assert found.wanted_ratio == pytest.approx(0.9)


def test_what_the_system_does_not_tell_is_none():
    found = took(pulses(*[125] * 8, waited_ms=None), ALL)
    assert (found.waited_ratio, found.wanted_ratio) == (None, None)
    assert found.busiest_ratio == pytest.approx(0.5)


@pytest.mark.parametrize("few", [[], pulses()])
def test_one_pulse_tells_nothing(few):
    assert took(few, ALL) == Took()


def test_a_very_short_span_tells_its_mean_only():
    assert took(pulses(250), ALL) == Took(1.0)


def test_the_window_decides_what_counts_and_cpu_between_two_pulses_grows_evenly():
    made = pulses(*[250] * 4, *[0] * 8, *[250] * 4)
    window = Window(875 * MS, 3_125 * MS)
    found = took(made, window)
    assert found.cpu_ratio == pytest.approx(250 / 2250)
    assert found.busiest_ratio == pytest.approx(0.0)


def test_a_window_without_an_end_has_no_mean():
    assert took(pulses(100, 100), Window(0)).cpu_ratio is None
