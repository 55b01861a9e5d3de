"""Two accounts of the same stage, each check as a table: where they agree, and where no more."""

import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.result import Counts, Finding, Theory
from loadlab.workload.plan import Stage
from loadlab.workload.think import Exponential, Lognormal
from support.stages import (
    BATCH,
    CLOSED,
    FAIL,
    MS,
    OPEN,
    PASS,
    UNTESTABLE,
    check,
    healthy,
    opened,
    spread,
    target,
)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"in_flight_mean": 65.9}, PASS),
        ({"in_flight_mean": 66.0}, FAIL),
        ({"in_flight_mean": 62.0}, FAIL),
        ({"in_flight_mean": 66.0, "in_flight_error": 0.1}, PASS),
        ({"in_flight_mean": None}, UNTESTABLE),
        ({"in_flight_mean": 0.0, "in_flight_error": 11.0}, UNTESTABLE),  # by chance no look met a request
        ({"in_flight_mean": 99.0, "window_ns": NS_PER_S - 1}, UNTESTABLE),
        ({"in_flight_mean": 99.0, "throughput_hz": 2.0}, UNTESTABLE),
        ({"in_flight_mean": 99.0, "findings": (Finding("worker_lost", "it was lost"),)}, UNTESTABLE),
    ],
)
def test_little(changed, outcome):
    assert check("little", healthy(**changed)).outcome is outcome


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, PASS),
        ({"target": target(requests_in_stage=7001)}, FAIL),
        ({"target": target(requests_in_stage=6999)}, FAIL),
        ({"target": target(requests_in_stage=None)}, UNTESTABLE),
        ({"target": None}, UNTESTABLE),
        ({"target": target(requests_in_stage=6999), "answered_total": 6990}, UNTESTABLE),
    ],
)
def test_target_count(changed, outcome):
    found = check("target_count", healthy(**changed))
    assert found.outcome is outcome
    assert ("another client loads the target" in found.message) == (found.actual == 1)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"target": target(busy_threads_mean=66.5)}, PASS),  # 3 % and 64 of 6,400
        ({"target": target(busy_threads_mean=66.7)}, FAIL),
        ({"target": target(busy_threads_mean=61.0)}, FAIL),
        (
            {"target": target(busy_threads_mean=90.0), "counts": Counts(scheduled=9, ok=8, timeout=1)},
            UNTESTABLE,
        ),
        ({"target": None}, UNTESTABLE),
    ],
)
def test_target_busy(changed, outcome):
    assert check("target_busy", healthy(**changed)).outcome is outcome


@pytest.mark.parametrize(
    ("queue_ms", "handler_ms", "outcome"), [(0, 100, PASS), (50, 50, PASS), (4, 99, PASS), (10, 99, FAIL)]
)
def test_target_inside(queue_ms, handler_ms, outcome):
    of = healthy(target=target(queue_ns=queue_ms * float(MS), handler_ns=handler_ms * float(MS)))
    assert check("target_inside", of).outcome is outcome


@pytest.mark.parametrize(("stamps_over_service", "outcome"), [(0, PASS), (1, FAIL)])
def test_target_inside_is_of_every_answer_where_they_are_stamped(stamps_over_service, outcome):
    of = healthy(
        time_outside_target_ns=spread(2, count=6399),
        stamps_over_service=stamps_over_service,
        target=target(queue_ns=50.0 * MS),
    )
    found = check("target_inside", of)
    assert (found.outcome, found.actual, found.unit) == (outcome, stamps_over_service, "requests")
    assert "6,399 answers" in found.message


def test_stamps_are_compared_however_few_and_whoever_else_has_no_answer():
    few = healthy(
        window_ns=NS_PER_S // 2,
        time_outside_target_ns=spread(2, count=1),
        counts=Counts(scheduled=9, ok=1, timeout=8),
    )
    assert check("target_inside", few).outcome is PASS


@pytest.mark.parametrize(
    ("throughput_hz", "outcome"),
    [(320.0, PASS), (640.0, PASS), (665.0, PASS), (670.0, FAIL), (1.0, UNTESTABLE)],
)
def test_bound(throughput_hz, outcome):
    assert check("bound", healthy(throughput_hz=throughput_hz)).outcome is outcome


def test_a_stretch_with_more_arrivals_than_the_nominal_rate_is_within_the_bound():
    theory = Theory(service_ns=100.0 * MS, bound_hz=100.0, bound_ratio=1.2)
    of = opened(throughput_hz=120.0, theory=theory)
    assert check("bound", of, whole=OPEN).outcome is PASS


@pytest.mark.parametrize(("seconds", "outcome"), [(10, PASS), (9.5, FAIL)])
def test_a_batch_takes_as_long_as_its_threads_need_at_least(seconds, outcome):
    """6,400 requests of 100 ms on 64 threads: 10 s."""
    of = healthy(
        concurrency=None,
        requests=6400,
        window_ns=round(seconds * NS_PER_S),
        throughput_hz=6400 / seconds,
        theory=Theory(service_ns=100.0 * MS, makespan_ns=1e10),
    )
    assert check("bound", of, whole=BATCH).outcome is outcome


THINKING = CLOSED | {"think_ns": NS_PER_S, "stages": (Stage(concurrency=200),)}


def thinking(throughput_hz, **changed):
    """Ten seconds of 200 users that think, whose bound is 58 a second."""
    theory = Theory(service_ns=100.0 * MS, bound_hz=58.0, bound_ratio=None)
    return healthy(
        concurrency=200, throughput_hz=throughput_hz, theory=theory, target=target(threads=8), **changed
    )


def test_users_in_step_may_have_one_request_more_each_in_the_window():
    assert check("bound", thinking(64.0), whole=THINKING).outcome is FAIL
    assert check("bound", thinking(64.0), whole=THINKING | {"ramp_up_ns": 0}).outcome is PASS
    assert check("bound", thinking(90.0), whole=THINKING | {"ramp_up_ns": 0}).outcome is FAIL


def test_random_pauses_may_be_shorter_than_their_mean():
    random = THINKING | {"think_shape": Exponential()}
    assert check("bound", thinking(64.0), whole=random).outcome is PASS
    assert check("bound", thinking(72.0), whole=random).outcome is FAIL
    assert (
        check("bound", thinking(64.0), whole=THINKING | {"think_shape": Lognormal(2.0)}).outcome is UNTESTABLE
    )
