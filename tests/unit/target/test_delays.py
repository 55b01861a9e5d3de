import random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab_target.delays import (
    MAX_DELAY_S,
    Constant,
    DelayStream,
    Exponential,
    Lognormal,
    Uniform,
    parse_delay,
)
from loadlab_target.quantities import QuantityError

SPECS = ["50ms", "0", "exp:50ms", "exp:0", "uniform:20ms-80ms", "lognormal:50ms:0.5", "exp:60s"]


@pytest.mark.parametrize(
    ("spec", "delay"),
    [
        ("50ms", Constant(0.05)),
        ("0", Constant(0.0)),
        ("exp:50ms", Exponential(0.05)),
        ("uniform:20ms-80ms", Uniform(0.02, 0.08)),
        ("uniform:20ms-20ms", Uniform(0.02, 0.02)),
        ("lognormal:50ms:0.5", Lognormal(0.05, 0.5)),
    ],
)
def test_a_spec_is_read(spec, delay):
    assert parse_delay(spec) == delay


@pytest.mark.parametrize(
    "spec",
    [
        "", "5", "-5ms", "61s", "exp", "exp:", "exp:5", "gauss:5ms", "uniform:80ms-20ms", "uniform:20ms",
        "uniform:1ms-2ms-3ms", "lognormal:50ms", "lognormal:50ms:x", "lognormal:50ms:-1", "lognormal:50ms:9",
        "lognormal:50ms:nan", "lognormal:50ms:0.5:1", "exp:50ms:2",
    ],
)  # fmt: skip
def test_a_bad_spec_is_refused_with_the_accepted_forms(spec):
    with pytest.raises(QuantityError, match="uniform:20ms-80ms"):
        parse_delay(spec)


@given(st.sampled_from(SPECS), st.integers(), st.text(max_size=5))
def test_the_same_seed_and_name_give_the_same_waits(spec, seed, name):
    first, second = (DelayStream(parse_delay(spec), seed=seed, name=name) for _ in range(2))
    assert [first.next_s() for _ in range(20)] == [second.next_s() for _ in range(20)]


def test_streams_of_other_names_or_seeds_differ():
    streams = [
        DelayStream(Exponential(0.05), seed=seed, name=name) for seed, name in [(1, "1"), (1, "2"), (2, "1")]
    ]
    assert len({stream.next_s() for stream in streams}) == 3


@given(st.sampled_from(SPECS), st.integers())
def test_no_wait_is_negative_or_over_the_ceiling(spec, seed):
    stream = DelayStream(parse_delay(spec), seed=seed, name="1")
    assert all(0 <= stream.next_s() <= MAX_DELAY_S for _ in range(50))


def test_the_parameters_are_mean_ends_and_median():
    source = random.Random(7)
    exponential = [Exponential(0.05).draw_s(source) for _ in range(20_000)]
    uniform = [Uniform(0.02, 0.08).draw_s(source) for _ in range(20_000)]
    lognormal = [Lognormal(0.05, 0.5).draw_s(source) for _ in range(20_000)]
    assert fmean(exponential) == pytest.approx(0.05, rel=0.05)
    assert min(uniform) == pytest.approx(0.02, rel=0.05)
    assert max(uniform) == pytest.approx(0.08, rel=0.05)
    assert median(lognormal) == pytest.approx(0.05, rel=0.05)
