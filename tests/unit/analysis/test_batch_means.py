"""Student's t on batch means: known quantiles, and series of known correlation."""

import math

import numpy as np
import pytest

from loadlab.analysis.batch_means import Change, batch_means, beginning, between_halves, rises, student_t

RUNS = 1000


@pytest.mark.parametrize(
    ("outside", "freedom", "t"),
    [
        (0.05, 1, 12.706),
        (0.05, 2, 4.303),
        (0.05, 5, 2.571),
        (0.01, 10, 3.169),
        (0.001, 3, 12.924),
        (0.001, 4, 8.610),
        (0.001, 28, 3.674),
        (0.05, 1000, 1.962),
    ],
)
def test_the_quantiles_of_students_distribution_are_those_of_the_tables(outside, freedom, t):
    assert student_t(outside, freedom) == pytest.approx(t, rel=2e-4)


def test_batches_are_means_of_neighbours_and_an_incomplete_one_is_left_out():
    assert batch_means([1, 3, 5, 7, 9], 2).tolist() == [2, 6]
    assert batch_means([], 3).tolist() == []


def test_two_halves_are_compared_by_hand():
    """(1 2 4) and (5 5 8): 1/6 + 3/2 about the lines, 2 degrees of freedom, t = 4.303."""
    change = between_halves(np.array([1.0, 2, 4, 5, 5, 8]), 0.05)
    assert (change.before, change.after) == (pytest.approx(7 / 3), 6)
    assert change.least == pytest.approx(4.303 * math.sqrt((1 / 6 + 3 / 2) / 2 * 2 / 3), rel=1e-3)
    assert change.beyond_chance


def test_fewer_than_six_batches_say_nothing_of_their_halves():
    assert between_halves(np.ones(5), 0.05) is None
    assert beginning(np.array([9.0, 9, 1]), 0.05, 0.1) is None


def test_a_drift_does_not_hide_itself_in_the_scatter():
    noise = np.tile([0.1, -0.1, 0.05, -0.05], 5)
    assert between_halves(np.arange(20) * 0.1 + noise, 0.001).beyond_chance


@pytest.mark.parametrize(("before", "after", "least", "ratio"), [(10, 10, 2, 11 / 9), (1, 1, 3, math.inf)])
def test_the_least_ratio_is_about_the_middle(before, after, least, ratio):
    assert Change(before, after, least, 10).least_ratio == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("batches", "rising"),
    [
        ([1, 2, 3], True),
        ([1, 2, 3, 4.5, 5], True),
        ([3, 2, 1], False),
        ([1, 9, 2, 8, 3], False),
        ([5, 5, 5], False),
    ],
)
def test_a_series_rises_where_its_line_does_beyond_chance(batches, rising):
    assert rises(np.array(batches, dtype=float), 0.05) is rising


def autoregressive(correlation, length, rng, runs=RUNS):
    """Return series in which each value is `correlation` times the one before, plus noise of variance 1."""
    values = rng.standard_normal((runs, length))
    values[:, 0] /= math.sqrt(1 - correlation**2)
    for at in range(1, length):
        values[:, at] += correlation * values[:, at - 1]
    return values


def test_batches_of_a_correlated_series_scatter_as_theory_says():
    """The variance of a mean of n values of an AR(1) series is about 1 / ((1 - correlation)^2 n)."""
    series = autoregressive(0.5, 400, np.random.default_rng(1))
    variance = np.array([batch_means(values, 20) for values in series]).var()
    assert variance == pytest.approx(1 / (0.25 * 20), rel=0.1)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6])
def test_chance_is_taken_for_a_change_no_more_often_than_is_allowed(correlation):
    series = 10 + autoregressive(correlation, 500, np.random.default_rng(2))
    batches = [batch_means(values, 25) for values in series]
    halves = sum(between_halves(each, 0.02).beyond_chance for each in batches)
    beginnings = sum(beginning(each, 0.02, 0.0) is not None for each in batches)
    assert halves <= 0.04 * RUNS
    assert beginnings <= 0.04 * RUNS
    assert halves + beginnings > 0, "never would be no test"


def test_values_that_are_taken_for_independent_and_are_not_give_false_alarms():
    """What batches are for: single values of the same series seem to change much more often."""
    series = autoregressive(0.6, 60, np.random.default_rng(2))
    assert sum(between_halves(values, 0.02).beyond_chance for values in series) > 0.1 * RUNS


@pytest.mark.parametrize("cut", [2, 5, 10])
def test_a_beginning_that_differs_is_found_where_it_ends(cut):
    values = np.tile([1.0, 1.02, 0.98, 1.01, 0.99], 4)
    values[:cut] *= 2
    found = beginning(values, 0.001, 0.1)
    assert found.batches == cut
    assert found.before == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(("cut", "times"), [(15, 2), (1, 1.05), (0, 1)])
def test_what_is_longer_than_half_or_too_small_a_difference_is_no_beginning(cut, times):
    values = np.ones(20)
    values[:cut] *= times
    assert beginning(values, 0.001, 0.1) is None
