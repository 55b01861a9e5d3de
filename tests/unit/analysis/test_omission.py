"""What a stall makes of latencies from due, against the same thing played through request by request."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.analysis.omission import Stall, latency_ns
from loadlab.clock import NS_PER_MS, NS_PER_S

WRK2 = Stall(rate_hz=1_000, window_ns=30 * NS_PER_S, stall_ns=1_400 * NS_PER_MS, base_ns=2 * NS_PER_MS)


@pytest.mark.parametrize(
    ("quantile", "waits_ms"), [(0.5, 0), (0.95, 0), (0.96, 200), (0.99, 1_100), (0.999, 1_370), (1, 1_400)]
)
def test_without_a_limit_those_due_in_the_stall_wait_for_what_is_left_of_it(quantile, waits_ms):
    assert latency_ns(WRK2, quantile) == pytest.approx((2 + waits_ms) * NS_PER_MS)


def test_a_line_makes_more_of_them_wait_as_long_and_none_longer():
    line = Stall(
        rate_hz=100, window_ns=6 * NS_PER_S, stall_ns=1_400 * NS_PER_MS, base_ns=8 * NS_PER_MS, places=4
    )
    assert line.load == pytest.approx(0.2)
    assert line.over_ns == pytest.approx(1_750 * NS_PER_MS)
    assert latency_ns(line, 0.9) == pytest.approx((8 + 1_400 - 480) * NS_PER_MS)
    assert latency_ns(line, 1) == pytest.approx(1_408 * NS_PER_MS)


@pytest.mark.parametrize("changed", [{"base_ns": 41 * NS_PER_MS}, {"window_ns": 1_500 * NS_PER_MS}])
def test_a_line_that_does_not_end_has_no_quantiles(changed):
    values = {
        "rate_hz": 100,
        "window_ns": 6 * NS_PER_S,
        "stall_ns": 1_400 * NS_PER_MS,
        "base_ns": 8 * NS_PER_MS,
        "places": 4,
    }
    with pytest.raises(ValueError, match="end in the window"):
        latency_ns(Stall(**values | changed), 0.9)


def played(stall, phase):
    """Latencies of a first-come line whose places come free evenly, in seconds; the stall begins at 1 s."""
    window_s, stall_s, base_s = (ns / NS_PER_S for ns in (stall.window_ns, stall.stall_ns, stall.base_ns))
    gap_s = base_s / stall.places if stall.places else 0.0
    free_s = 0.0
    found = []
    for number in range(round(stall.rate_hz * window_s)):
        due_s = (number + phase) / stall.rate_hz
        begins_s = max(due_s, free_s)
        if 1 <= begins_s < 1 + stall_s:
            begins_s = 1 + stall_s
        free_s = begins_s + gap_s
        found.append(begins_s + base_s - due_s)
    return sorted(found)


@given(
    st.sampled_from([50, 100, 400]),
    st.integers(4, 20),
    st.integers(100, 1_400),
    st.sampled_from([None, 4, 10]),
    st.sampled_from([0.0, 0.3, 0.9]),
)
def test_a_line_that_is_played_through_has_these_quantiles(rate_hz, window_s, stall_ms, places, phase):
    stall = Stall(
        rate_hz=rate_hz,
        window_ns=window_s * NS_PER_S,
        stall_ns=stall_ms * NS_PER_MS,
        base_ns=5 * NS_PER_MS,
        places=places,
    )
    latencies_s = played(stall, phase)
    for quantile in (0.5, 0.9, 0.95, 0.99, 0.999):
        seen_s = latencies_s[math.ceil(quantile * len(latencies_s) - 1e-9) - 1]
        grain_s = 1.1 / rate_hz
        assert seen_s == pytest.approx(latency_ns(stall, quantile) / NS_PER_S, abs=grain_s)
