"""The interval of a share, against exact sums."""

import math

import pytest

from loadlab.analysis.binomial import at_least, least_ratio


def exactly(hits, trials, ratio):
    return sum(math.comb(trials, k) * ratio**k * (1 - ratio) ** (trials - k) for k in range(hits, trials + 1))


@pytest.mark.parametrize(
    ("hits", "trials", "ratio"), [(1, 1, 0.3), (1, 25, 0.01), (10, 100, 0.05), (25, 25, 0.5), (40, 900, 0.03)]
)
def test_so_many_hits_are_as_likely_as_the_binomial_sum(hits, trials, ratio):
    assert at_least(hits, trials, ratio) == pytest.approx(exactly(hits, trials, ratio), rel=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(1, 1), (1, 25), (3, 25), (99, 100), (100, 1_000)])
def test_at_the_lower_end_so_many_hits_have_a_probability_of_one_in_forty(hits, trials):
    assert exactly(hits, trials, least_ratio(hits, trials)) == pytest.approx(0.025)


def test_without_a_hit_the_share_may_be_nothing():
    assert least_ratio(0, 100) == 0


def test_of_a_hundred_million_requests_the_interval_is_narrow():
    assert least_ratio(1_000_000, 100_000_000) == pytest.approx(0.01, rel=0.01)


def test_where_nothing_ever_hits_no_hit_is_likely():
    assert at_least(1, 10, 0.0) == 0.0
