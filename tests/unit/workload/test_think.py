"""Think times: what a spec means, and that its quantiles have the mean and the spread that they say."""

import math

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import UsageError
from loadlab.workload.think import Exponential, Fixed, Lognormal, Uniform, read

EVEN = [(number + 0.5) / 20_000 for number in range(20_000)]
SHAPES = [Fixed(), Exponential(), Uniform(0.6), Uniform(1.0), Lognormal(0.5)]


@pytest.mark.parametrize(
    ("text", "mean_ns", "shape"),
    [
        ("2s", 2 * NS_PER_S, Fixed()),
        ("0", 0, Fixed()),
        ("exp:2s", 2 * NS_PER_S, Exponential()),
        ("uniform:20ms-80ms", 50 * NS_PER_MS, Uniform(0.6)),
        ("uniform:0s-0s", 0, Fixed()),
        ("lognormal:1s:0.5", round(math.exp(0.125) * NS_PER_S), Lognormal(0.5)),
    ],
)
def test_a_spec_is_a_mean_and_a_shape(text, mean_ns, shape):
    assert read(text, "--think") == (mean_ns, shape)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("soon", "--think: 'soon' is not a duration"),
        ("exp:", "--think: '' is not a duration"),
        ("exp:soon", "--think: 'soon' is not a duration"),
        ("uniform:3s-1s", "--think: 'uniform:3s-1s' ends below its beginning; write 2s, exp:2s"),
        ("uniform:3s", "--think: 'uniform:3s' is not a think time; write 2s, exp:2s"),
        ("normal:3s", "--think: 'normal:3s' is not a think time; write 2s, exp:2s"),
        ("lognormal:1s", "--think: 'lognormal:1s' is not a think time"),
        ("lognormal:1s:9", "--think: the sigma '9' is not a number from 0 to 5"),
        ("lognormal:1s:nan", "--think: the sigma 'nan' is not a number from 0 to 5"),
    ],
)
def test_what_is_no_spec_is_refused_with_what_could_stand_there(text, sentence):
    with pytest.raises(UsageError) as caught:
        read(text, "--think")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shapes_draws_have_a_mean_of_1_and_the_variation_that_it_says(shape):
    draws = [shape.at(chance) for chance in EVEN]
    mean = sum(draws) / len(draws)
    assert mean == pytest.approx(1, rel=0.01)
    deviation = math.sqrt(sum((draw - mean) ** 2 for draw in draws) / len(draws))
    assert deviation == pytest.approx(shape.variation, rel=0.03, abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_left_of_a_pause_is_as_renewal_theory_has_it(shape):
    """Its mean is (1 + variation^2) / 2; the share up to x is the integral of the share of longer pauses."""
    chances = [EVEN[place * 7_919 % len(EVEN)] for place in range(len(EVEN))]
    rests = [shape.rest(share, chance) for share, chance in zip(EVEN, chances, strict=True)]
    assert sum(rests) / len(rests) == pytest.approx((1 + shape.variation**2) / 2, rel=0.02)
    draws = [shape.at(chance) for chance in EVEN]
    for x in (0.3, 0.8, 1.3):
        expected = sum(min(draw, x) for draw in draws) / len(draws)
        assert sum(rest <= x for rest in rests) / len(rests) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    "shape",
    [Uniform(1.5), Uniform(-0.1), Uniform(math.nan), Lognormal(-1), Lognormal(math.inf), Lognormal(6)],
)
def test_a_shape_that_cannot_be_says_so(shape):
    assert shape.problem("--think").startswith("--think: ")
