"""Whether a load was steady: the window's halves, its beginning, and what it could have found."""

import pytest

from loadlab.analysis.checks.steady_state import COARSEST_RATIO, batches_of, least_found
from loadlab.clock import NS_PER_MS as MS
from loadlab.clock import NS_PER_S
from loadlab.results.result import Outage
from support.stages import FAIL, OPEN, PASS, UNTESTABLE, check, healthy, opened, slices

NOISE = [1.0, 1.02, 0.98, 1.01, 0.99]


def seconds(means_ms, counts=None, in_flight=None):
    """A stage of so many seconds with a little noise."""
    means_ms = [mean * NOISE[at % 5] for at, mean in enumerate(means_ms)]
    found = slices(counts or [640] * len(means_ms), means_ms, in_flight)
    return {"slices": found, "window_ns": len(means_ms) * NS_PER_S}


@pytest.mark.parametrize(
    ("means_ms", "counts", "outcome"),
    [
        ([100] * 20, [640] * 20, PASS),
        ([100] * 10 + [105] * 10, [640] * 20, PASS),  # less than a tenth
        ([100] * 10 + [125] * 10, [640] * 20, FAIL),
        ([125] * 10 + [100] * 10, [640] * 20, FAIL),
        ([100] * 20, [640] * 10 + [500] * 10, FAIL),
        ([100] * 20, [640, 650, 630, 645] * 5, PASS),
        ([100, 250, 40, 160] * 5, [640] * 20, UNTESTABLE),  # noise hides 25 %
        ([100] * 5, [640] * 5, UNTESTABLE),  # too short
        ([100] * 20, [640] * 10 + [0] + [640] * 9, UNTESTABLE),  # a second without an answer
        ([100] * 20, [640] * 10 + [0] * 10, FAIL),  # no answer any more
    ],
)
def test_stationary(means_ms, counts, outcome):
    assert check("stationary", healthy(**seconds(means_ms, counts))).outcome is outcome


def test_a_change_is_told_with_its_size_and_what_to_do():
    found = check("stationary", healthy(**seconds([100] * 10 + [150] * 10)))
    assert found.message == (
        "latency rose by 50% from the window's first half to its second: the load was not steady."
        " Use a longer --warmup and --duration."
    )
    assert found.actual == pytest.approx(0.5)


def test_a_steady_load_says_what_it_could_have_found():
    found = check("stationary", healthy(**seconds([100] * 20)))
    assert found.message == (
        "the load was steady: a change of service time by 10% or more would have been found"
    )


def test_a_window_that_could_not_have_found_25_percent_says_what_it_could_have_found():
    noisy = seconds([100, 140, 80, 120, 90] * 5)
    for name in ("stationary", "warmed_up"):
        found = check(name, healthy(**noisy))
        assert found.outcome is UNTESTABLE
        assert found.message.startswith("only a change of service time by 39% or more would have been found")


@pytest.mark.parametrize(
    ("latencies", "counts", "window_ns", "why"),
    [
        ([100] * 5, None, 5_900 * MS, "the window has 5 whole seconds and 6 are needed"),
        ([100], None, 1_500 * MS, "the window has 1 whole second and 6 are needed"),
        ([100] * 6, [640] * 5 + [0], 6_000 * MS, "too few seconds with answers"),
        ([100, 900] * 3, None, 6_000 * MS, "latency differs too much from second to second"),
    ],
)
def test_a_window_that_could_have_found_nothing_says_why(latencies, counts, window_ns, why):
    found = check("stationary", healthy(**seconds(latencies, counts) | {"window_ns": window_ns}))
    assert found.outcome is UNTESTABLE
    assert found.message.startswith(f"{why}: use a longer --duration")


WILD = [1.0, 1.0, 1.9, 1.9, 0.8, 0.8, 1.6, 1.6, 0.7, 0.7, 1.8, 1.8, 0.9, 0.9]
CALMER = [1.0, 1.0, 1.3, 1.3, 0.9, 0.9, 1.25, 1.25, 0.85, 0.85, 1.3, 1.3, 0.95, 0.95]


@pytest.mark.parametrize(
    ("noise", "in_flight_dispersion", "times", "outcome"),
    [(WILD, 1.0, 2, FAIL), (WILD, 2.1, 5, UNTESTABLE), (CALMER, 2.1, 8, FAIL)],
)
def test_a_coarse_window_of_requests_that_queue_tells_only_a_change_far_beyond_chance(
    noise, in_flight_dispersion, times, outcome
):
    """Its batches may be shorter than a queue is remembered, and resemble each other."""
    latencies = [100 * each for each in noise] + [100 * times * each for each in noise]
    of = healthy(
        slices=slices([640] * len(latencies), latencies),
        window_ns=len(latencies) * NS_PER_S,
        in_flight_dispersion=in_flight_dispersion,
    )
    assert least_found(batches_of(of), of) > COARSEST_RATIO
    assert check("stationary", of).outcome is outcome


def test_one_fast_answer_in_the_first_second_of_a_coarse_window_is_no_beginning():
    """Of few answers a second the mean may be tiny by chance, and its reciprocal far from all others."""
    of = healthy(
        slices=slices([4, 6, 5, 3, 7, 5, 6] * 4, [30, *(100 * each for each in (*WILD, *WILD)[1:])]),
        window_ns=28 * NS_PER_S,
        in_flight_dispersion=1.0,
    )
    assert check("warmed_up", of).outcome is UNTESTABLE


def test_a_slow_beginning_is_found_though_it_makes_the_whole_window_coarse():
    of = healthy(**seconds([900, 1500, 800, 700, 600] + [100] * 20), in_flight_dispersion=1.0)
    assert least_found(batches_of(of), of) > COARSEST_RATIO
    found = check("warmed_up", of)
    assert (found.outcome, found.actual) == (FAIL, 5)


def test_completions_are_compared_in_short_batches_though_requests_queue():
    of = healthy(
        **seconds([100] * 25, counts=[320] * 5 + [640, 600, 620, 650, 630] * 4), in_flight_dispersion=9.0
    )
    found = check("warmed_up", of)
    assert (found.outcome, found.actual) == (FAIL, 5)


def test_where_requests_queue_latency_shows_more_than_service_time_changed():
    """Twice the relative change: the smallest ratio of service times is the root of that of latencies."""
    noisy = seconds([100, 140, 80, 120, 90] * 5)
    found = check("stationary", opened(**noisy, in_flight_dispersion=2.0), whole=OPEN)
    assert found.outcome is PASS
    assert "by 18% or more" in found.message


def test_a_queue_that_grows_is_said_to_be_one():
    grows = seconds([100 + 40 * at for at in range(20)], in_flight=[64 + 25 * at for at in range(20)])
    assert (
        "the target does not keep up with this rate"
        in check("stationary", opened(**grows), whole=OPEN).message
    )
    assert "keep up" not in check("stationary", healthy(**grows)).message, "a closed load has no rate"


@pytest.mark.parametrize(
    "in_flight",
    [
        [64.0 + at % 3 for at in range(20)],
        [64.0 + at % 3 for at in range(10)] + [80.0 + at % 3 for at in range(10)],
    ],
)
def test_a_queue_that_does_not_grow_to_the_end_is_not_said_to_be_one(in_flight):
    found = check("stationary", opened(**seconds([100] * 10 + [125] * 10, in_flight=in_flight)), whole=OPEN)
    assert found.outcome is FAIL
    assert "keep up" not in found.message


def test_a_ramp_is_not_stationary_by_plan():
    of = opened(rate_to_hz=900.0, **seconds([100] * 10 + [900] * 10))
    assert check("stationary", of, whole=OPEN).outcome is UNTESTABLE
    assert check("warmed_up", of, whole=OPEN).outcome is UNTESTABLE


@pytest.mark.parametrize(
    ("counts", "means_ms", "outcome", "begins_s"),
    [
        ([640] * 20, [100] * 20, PASS, 0),
        ([100, 400, *[640] * 18], [100] * 20, FAIL, 2),
        ([640] * 20, [900, 300, 150, *[100] * 17], FAIL, 3),
        ([640, 630, 650, 645, 635] * 4, [100, 101, 99, 103, 97] * 4, PASS, 0),
        ([640] * 60, [200] * 12 + [100] * 48, FAIL, 12),
        ([100, *[640] * 8], [100] * 9, UNTESTABLE, 1),
    ],
)
def test_warmed_up(counts, means_ms, outcome, begins_s):
    found = check("warmed_up", healthy(**seconds(means_ms, counts)))
    assert (found.outcome, found.actual) == (outcome, begins_s)


def test_a_slow_beginning_is_told_with_its_length():
    found = check("warmed_up", healthy(**seconds([200] * 12 + [100] * 48)))
    assert (
        found.message
        == "latency fell by 50% after the window's first 12 s: use a --warmup that is 12 s longer"
    )


def test_a_window_in_which_the_target_was_away_is_not_judged_for_steadiness():
    away = healthy(outages=(Outage(from_ns=4000 * MS, to_ns=6000 * MS),))
    for name in ("stationary", "warmed_up"):
        found = check(name, away)
        assert (found.outcome, found.message) == (
            UNTESTABLE,
            "the target was unreachable for part of the window",
        )
