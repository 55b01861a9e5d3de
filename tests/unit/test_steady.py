"""Whether a stage is of one state: the drift over its window, and the seconds of a warm-up."""

import pytest

from loadlab.analysis import steady
from loadlab.clock import NS_PER_MS as MS
from loadlab.result import Outage
from results import NOTHING
from stages import FAIL, OPEN, PASS, UNTESTABLE, check, healthy, opened, slices, spread


@pytest.mark.parametrize(
    ("first", "last", "outcome"),
    [
        (spread(100, count=3200), spread(105, count=3300), PASS),
        (spread(100, count=3200), spread(111, count=3200), FAIL),
        (spread(100, count=3200), spread(100, count=2800), FAIL),
        (spread(100, count=30), spread(100, count=40), PASS),  # chance
        (spread(100, count=30), spread(120, count=30), PASS),  # the intervals touch
        (NOTHING, spread(100, count=30), UNTESTABLE),
    ],
)
def test_stationary(first, last, outcome):
    assert check("stationary", healthy(halves=(first, last))).outcome is outcome


def test_a_queue_that_grows_is_said_to_be_one():
    of = opened(halves=(spread(100, count=3200), spread(900, count=3200)))
    assert "the target does not keep up with this rate" in check("stationary", of, whole=OPEN).message


def test_a_ramp_is_not_stationary_by_plan():
    of = opened(rate_to_hz=900.0, halves=(spread(100, count=3200), spread(900, count=9200)))
    assert check("stationary", of, whole=OPEN).outcome is UNTESTABLE
    assert check("warmed_up", of, whole=OPEN).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("counts", "p50s", "outcome", "seconds"),
    [
        ([640] * 10, [100] * 10, PASS, 0),
        ([100, 400, *[640] * 8], [100] * 10, FAIL, 2),
        ([640] * 10, [900, 300, 150, *[100] * 7], FAIL, 3),
        ([640, 630, 650, 645, 635] * 2, [100, 101, 99, 103, 97] * 2, PASS, 0),
        ([100, *[640] * 8], [100] * 9, UNTESTABLE, None),
    ],
)
def test_warmed_up(counts, p50s, outcome, seconds):
    found = check("warmed_up", healthy(slices=slices(counts, p50s)))
    assert (found.outcome, found.actual) == (outcome, seconds)


@pytest.mark.parametrize(
    ("values", "cut"),
    [
        ([5, 5, 5, 5], 0),
        ([9, 5, 5, 5, 5, 5], 1),
        ([9, 8, 7, 5, 5, 5, 5, 5], 3),
        ([1, 2, 3, 4, 5, 6, 7, 8], 4),
    ],
)
def test_mser_cuts_off_what_is_not_like_the_rest_and_at_most_half(values, cut):
    assert steady.mser([float(value) for value in values]) == cut


def test_a_window_in_which_the_target_was_away_is_not_judged_for_steadiness():
    away = healthy(outages=(Outage(from_ns=4000 * MS, to_ns=6000 * MS),))
    for name in ("stationary", "warmed_up"):
        found = check(name, away)
        assert (found.outcome, found.message) == (UNTESTABLE, "the target was away for a part of the window")
