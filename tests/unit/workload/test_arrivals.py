"""Schedules are arithmetic: tables, and laws that hold for any rate."""

import itertools
import math
from itertools import islice, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.workload.arrivals import Arrivals, Constant, Ramp, Spacing

MS = NS_PER_MS
RATES = st.floats(0.5, 50_000)
SPACINGS = st.sampled_from(list(Spacing))


def first(arrivals, many, *, shard=0, shards=1, seed=1):
    return list(islice(arrivals.due_ns(shard, shards, seed), many))


def due_before(arrivals, end_ns, *, shards=1, seed=1):
    """The moments of all shards together."""
    return sorted(
        at_ns
        for shard in range(shards)
        for at_ns in takewhile(lambda at_ns: at_ns < end_ns, arrivals.due_ns(shard, shards, seed))
    )


@pytest.mark.parametrize(
    ("rate_hz", "moments_ms"),
    [(10, [0, 100, 200, 300]), (1000, [0, 1, 2, 3]), (0.5, [0, 2000, 4000]), (4, [0, 250, 500, 750])],
)
def test_a_constant_rate_is_evenly_spaced_from_the_start_on(rate_hz, moments_ms):
    found = first(Arrivals(Constant(rate_hz)), len(moments_ms))
    assert found == [moment * MS for moment in moments_ms]


@pytest.mark.parametrize(
    ("profile", "count", "at_ms"),
    [
        (Ramp(0, 10, NS_PER_S), 0, 0),
        (Ramp(0, 10, NS_PER_S), 5, 1000),  # the triangle: 10 * 1 / 2
        (Ramp(0, 10, NS_PER_S), 1.25, 500),  # a quarter in the first half
        (Ramp(0, 10, NS_PER_S), 25, 3000),  # then the last rate
        (Ramp(10, 0, NS_PER_S), 3.75, 500),
        (Ramp(10, 0, NS_PER_S), 5, math.inf),  # it never gets there
        (Ramp(10, 10, NS_PER_S), 5, 500),
        (Ramp(10, 20, NS_PER_S, after_ns=2 * NS_PER_S), 20, 2000),
        (Ramp(10, 20, NS_PER_S, after_ns=2 * NS_PER_S), 10, 1000),
        (Ramp(10, 20, NS_PER_S, after_ns=2 * NS_PER_S), 35, 3000),
        (Ramp(10, 20, NS_PER_S, after_ns=2 * NS_PER_S), 55, 4000),
    ],
)
def test_a_ramp_reaches_a_count_when_the_area_under_it_is_that_large(profile, count, at_ms):
    assert profile.at_ns(count) == pytest.approx(at_ms * MS)


@given(st.just(0) | RATES, st.just(0) | RATES, st.floats(0, 0.999), st.integers(0, 5 * NS_PER_S))
def test_a_ramps_count_is_the_integral_of_its_rate(from_hz, to_hz, part, after_ns):
    profile = Ramp(from_hz, to_hz, 10 * NS_PER_S, after_ns)
    count = part * (from_hz + to_hz) * 5 + from_hz * after_ns / NS_PER_S
    at_s = max(0.0, (profile.at_ns(count) - after_ns) / NS_PER_S)
    integral = from_hz * (after_ns / NS_PER_S + at_s) + (to_hz - from_hz) * at_s**2 / 20
    assert integral == pytest.approx(count, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("at_s", "rate_hz"), [(-1, 10), (0, 10), (1, 10), (2, 15), (3, 20), (9, 20)])
def test_a_ramp_holds_its_first_rate_and_then_its_last(at_s, rate_hz):
    profile = Ramp(10, 20, 2 * NS_PER_S, after_ns=NS_PER_S)
    assert Arrivals(profile).rate_hz(at_s * NS_PER_S) == rate_hz


@given(RATES, RATES, st.integers(1, 8))
def test_constant_shards_together_are_one_schedule(from_hz, to_hz, shards):
    arrivals = Arrivals(Ramp(from_hz, to_hz, NS_PER_S))
    whole = first(arrivals, 200)
    assert due_before(arrivals, whole[-1], shards=shards) == [at for at in whole if at < whole[-1]]


@given(RATES, SPACINGS, st.integers(1, 4), st.integers(0, 1 << 40))
def test_moments_come_in_order_and_the_same_seed_gives_the_same(rate_hz, spacing, shards, seed):
    arrivals = Arrivals(Constant(rate_hz), spacing)
    for shard in range(shards):
        moments = first(arrivals, 50, shard=shard, shards=shards, seed=seed)
        assert moments == sorted(moments)
        assert moments == first(arrivals, 50, shard=shard, shards=shards, seed=seed)


@given(st.integers(0, 1 << 40))
def test_another_seed_or_another_shard_is_another_stream(seed):
    arrivals = Arrivals(Constant(100), Spacing.POISSON)
    streams = [
        first(arrivals, 5, shard=0, shards=2, seed=seed),
        first(arrivals, 5, shard=1, shards=2, seed=seed),
        first(arrivals, 5, shard=0, shards=2, seed=seed + 1),
        first(arrivals, 5, shard=0, shards=1, seed=seed),
    ]
    assert len({tuple(stream) for stream in streams}) == 4


@pytest.mark.parametrize("shards", [1, 3])
def test_poisson_shards_together_have_the_rate_and_its_exponential_gaps(shards):
    """Mean and variance of 100,000 gaps: within five of their standard errors, and seeded."""
    moments = due_before(Arrivals(Constant(1_000), Spacing.POISSON), 100 * NS_PER_S, shards=shards, seed=7)
    size = len(moments)
    assert size == pytest.approx(100_000, abs=5 * math.sqrt(100_000))
    gaps = [(after - before) / MS for before, after in itertools.pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1.0, rel=5 / math.sqrt(size))
    assert sum((gap - mean) ** 2 for gap in gaps) / size == pytest.approx(1.0, rel=5 * math.sqrt(8 / size))
    assert sum(gap > 1.0 for gap in gaps) / size == pytest.approx(math.exp(-1), rel=0.02)


def test_a_poisson_ramp_has_as_many_arrivals_as_the_area_under_it():
    moments = due_before(Arrivals(Ramp(0, 2_000, 10 * NS_PER_S), Spacing.POISSON), 10 * NS_PER_S)
    assert len(moments) == pytest.approx(10_000, abs=500)
    assert sum(at_ns < 5 * NS_PER_S for at_ns in moments) == pytest.approx(2_500, abs=250)


@given(RATES, SPACINGS, st.integers(1, 4), st.floats(0, 0.02), st.floats(0, 0.02))
def test_what_is_due_in_a_span_is_what_the_shards_have_there(rate_hz, spacing, shards, from_s, length_s):
    arrivals = Arrivals(Constant(rate_hz), spacing)
    from_ns, to_ns = round(from_s * NS_PER_S), round((from_s + length_s) * NS_PER_S)
    counted = [at_ns for at_ns in due_before(arrivals, to_ns, shards=shards, seed=3) if at_ns >= from_ns]
    due = [arrivals.due_of(shard, shards, from_ns, to_ns, 3) for shard in range(shards)]
    assert sum(due) == len(counted)


@given(RATES, SPACINGS, st.integers(1, 4), st.floats(0, 0.02), st.floats(-0.01, 0.02))
def test_what_is_due_of_a_shard_in_a_span_is_what_it_has_there(rate_hz, spacing, shards, from_s, length_s):
    """A span that ends before it begins, as that of a halted warm-up, has nothing."""
    arrivals = Arrivals(Constant(rate_hz), spacing)
    from_ns, to_ns = round(from_s * NS_PER_S), round((from_s + length_s) * NS_PER_S)
    for shard in range(shards):
        own = itertools.takewhile(lambda at_ns: at_ns < to_ns, arrivals.due_ns(shard, shards, 3))
        assert arrivals.due_of(shard, shards, from_ns, to_ns, 3) == sum(at_ns >= from_ns for at_ns in own)


@given(RATES, SPACINGS, st.integers(1, 4), st.booleans())
def test_a_ramp_from_or_to_nothing_is_one_schedule_too(rate_hz, spacing, shards, rising):
    profile = Ramp(*((0, rate_hz) if rising else (rate_hz, 0)), NS_PER_S // 50)
    arrivals = Arrivals(profile, spacing)
    moments = due_before(arrivals, NS_PER_S // 50, shards=shards)
    due = [arrivals.due_of(shard, shards, 0, NS_PER_S // 50, 1) for shard in range(shards)]
    assert sum(due) == len(moments)
    if spacing is Spacing.CONSTANT:
        assert len(moments) == math.ceil(rate_hz / 100)


def test_a_schedule_that_dies_out_ends():
    assert len(list(Arrivals(Ramp(10, 0, NS_PER_S)).due_ns(0, 1, 1))) == 5
