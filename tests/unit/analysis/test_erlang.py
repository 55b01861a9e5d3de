"""What theory says of an open system: known values, and laws that hold for all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.analysis.erlang import beyond, erlang_c, mean_s, quantile_s


@pytest.mark.parametrize(
    ("servers", "offered", "waits"), [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (8, 4.0, 0.0590), (5, 0, 0)]
)
def test_the_probability_of_waiting_is_the_tabled_one(servers, offered, waits):
    """One server: rho. Two at half load: 1/3. Eight at half load: Erlang's table."""
    assert erlang_c(servers, offered) == pytest.approx(waits, abs=5e-5)


def test_one_server_is_the_textbooks_exponential_time_in_system():
    """M/M/1: the time in system is exponential with rate mu - lambda."""
    assert mean_s(1, 8.0, 0.1) == pytest.approx(0.5)
    assert beyond(1, 8.0, 0.1, 0.7) == pytest.approx(math.exp(-2 * 0.7))
    assert quantile_s(1, 8.0, 0.1, 0.99) == pytest.approx(math.log(100) / 2, rel=1e-5)


def test_eight_threads_of_50_ms_at_half_load():
    """1 x 8 threads, 80/s: mean 50.7, p50 35.5, p90 116.1, p99 231.2 ms."""
    told = [mean_s(8, 80, 0.05), *(quantile_s(8, 80, 0.05, quantile) for quantile in (0.5, 0.9, 0.99))]
    assert [round(value * 1e3, 1) for value in told] == [50.7, 35.5, 116.1, 231.2]


@pytest.mark.parametrize("offered", [8.0, 9.0, -1.0])
def test_a_load_that_does_not_settle_has_no_answer(offered):
    with pytest.raises(ValueError, match="does not settle"):
        erlang_c(8, offered)


@given(st.integers(1, 200), st.floats(0.01, 0.95), st.floats(0.001, 10), st.floats(0.01, 0.999))
def test_a_quantile_is_where_the_distribution_says(servers, rho, service_s, quantile):
    rate_hz = rho * servers / service_s
    at_s = quantile_s(servers, rate_hz, service_s, quantile)
    assert beyond(servers, rate_hz, service_s, at_s) == pytest.approx(1 - quantile, abs=1e-4)


@given(st.integers(1, 100), st.floats(0.01, 0.95), st.floats(0.001, 10))
def test_nobody_is_faster_than_its_service(servers, rho, service_s):
    rate_hz = rho * servers / service_s
    assert mean_s(servers, rate_hz, service_s) >= service_s
    assert beyond(servers, rate_hz, service_s, service_s) >= math.exp(-1) - 1e-9


def test_beyond_the_last_quantile_there_is_none():
    with pytest.raises(ValueError, match=r"no quantile 1\.5"):
        quantile_s(8, 80, 0.05, 1.5)


@pytest.mark.parametrize(("servers", "rate_hz"), [(2, 10.0), (8, 70.0)])
def test_where_servers_come_free_as_fast_as_one_serves_the_formula_has_its_limit(servers, rate_hz):
    """There c/S - rate = 1/S, and the general formula would divide by nothing."""
    for at_s in (0.05, 0.15, 0.4):
        beside = beyond(servers, rate_hz * (1 + 1e-6), 0.1, at_s)
        assert beyond(servers, rate_hz, 0.1, at_s) == pytest.approx(beside, rel=1e-4)
