"""What each check says: the comparison it made, the figures in its sentence, and why it could not tell."""

import pytest

from loadlab.analysis.checks.check import CheckInput, edges
from loadlab.clock import NS_PER_S
from loadlab.results.result import Counts, Finding
from loadlab.scenarios import scenario
from loadlab.workload.plan import Stage, WhenFull
from support.stages import (
    BATCH,
    CLOSED,
    FAIL,
    MS,
    OPEN,
    PASS,
    UNTESTABLE,
    check,
    client,
    healthy,
    judged,
    opened,
    plan,
    slices,
    spread,
    target,
)

DROPPED = Counts(scheduled=6400, ok=6000, dropped=400)
NOTHING_DUE = Counts(scheduled=0)
LOST = (Finding("worker_lost", "worker 0 was killed"),)
HALF_A_SECOND = NS_PER_S // 2
WAITING = OPEN | {"when_full": WhenFull.WAIT}
DRIFTED = {"slices": slices([640] * 10, [100] * 5 + [200] * 5)}
GROWING = {"slices": slices([640] * 10, range(100, 200, 10), [64.0 * (1 + at) for at in range(10)])}
SLOWED = {"slices": slices([640] * 5 + [320] * 5, [100] * 10)}
COLD = {"slices": slices([1, *[640] * 9], [100] * 10)}

FAILURES = [
    (
        "client_cpu",
        CLOSED,
        healthy(client=client(cpu_peak_ratio=(0.2, 0.95))),
        ("<=", 0.9, 0.95, "cores"),
        ["95%"],
    ),
    (
        "client_core",
        CLOSED,
        healthy(client=client(cpu_demand_ratio=(0.95,), waited_ratio=(0.31,), cpu_peak_ratio=(0.64,))),
        ("<=", 0.9, 0.95, "of the time"),
        ["31%", "64%"],
    ),
    (
        "client_throttled",
        CLOSED,
        healthy(client=client(throttled_ratio=0.2)),
        ("<=", 0.01, 0.2, "of the window"),
        ["20%"],
    ),
    (
        "client_stolen",
        CLOSED,
        healthy(client=client(stolen_ratio=0.2)),
        ("<=", 0.05, 0.2, "of the window"),
        ["20%"],
    ),
    (
        "loop_stall",
        CLOSED,
        healthy(client=client(loop_stall_max_ns=150 * MS)),
        ("<=", 100 * MS, 150 * MS, "ns"),
        ["150 ms"],
    ),
    (
        "lag",
        CLOSED,
        healthy(client=client(own_lag_ns=spread(1, 80))),
        ("<=", 5 * MS, 80 * MS, "ns"),
        ["80.0 ms", "5.00 ms"],
    ),
    ("schedule", OPEN, opened(due=6500), ("==", 0, 100, "requests"), ["6,500", "6,400"]),
    ("sent", OPEN, opened(counts=DROPPED), ("<=", 0.01, 0.0625, "of the arrivals"), ["400 of 6,400"]),
    (
        "places",
        OPEN,
        opened(counts=DROPPED, refused=400, waited=50),
        ("<=", 0.01, 0.0625, "of the arrivals"),
        ["400 of 6,400", "(100) was reached", "dropped"],
    ),
    (
        "places",
        WAITING,
        opened(waited=320),
        ("<=", 0.01, 0.05, "of the arrivals"),
        ["320 of 6,400", "(100) was reached", "sent late"],
    ),
    ("little", CLOSED, healthy(in_flight_mean=80.0), ("<=", 0.03, 0.25, "relative"), ["80.0", "64.0"]),
    (
        "target_count",
        CLOSED,
        healthy(target=target(requests_in_stage=7001)),
        ("==", 0, 1, "requests"),
        ["7,001", "7,000", "another client"],
    ),
    (
        "target_count",
        CLOSED,
        healthy(target=target(requests_in_stage=0)),
        ("==", 0, -7000, "requests"),
        ["counted 0 ", "7,000", "proxy answered"],
    ),
    (
        "target_busy",
        CLOSED,
        healthy(target=target(busy_threads_mean=80.0)),
        ("<=", 0.04, 0.25, "relative"),
        ["80.0", "64.0"],
    ),
    (
        "target_inside",
        CLOSED,
        healthy(target=target(queue_ns=50.0 * MS)),
        ("<=", 1.04, 1.49, "of the service time"),
        ["149 ms", "100 ms"],
    ),
    (
        "target_inside",
        CLOSED,
        healthy(time_outside_target_ns=spread(2), stamps_over_service=3),
        ("==", 0, 3, "requests"),
        ["3 of 6,400"],
    ),
    ("bound", CLOSED, healthy(throughput_hz=800.0), ("<=", 1.038, 1.25, "of the bound"), ["800", "640"]),
    ("stationary", CLOSED, healthy(**DRIFTED), ("<=", 0.1, 1.0, "relative"), ["latency", "100%", "--warmup"]),
    (
        "stationary",
        OPEN,
        opened(**GROWING),
        ("<=", 0.1, 0.426828, "relative"),
        ["latency", "43%", "queue grows"],
    ),
    ("warmed_up", CLOSED, healthy(**COLD), ("<=", 0, 1, "s"), ["first 1 s"]),
]


@pytest.mark.parametrize(("name", "whole", "of", "compared", "figures"), FAILURES)
def test_a_check_that_fails_tells_its_comparison_and_the_figures(name, whole, of, compared, figures):
    found = check(name, of, whole=whole)
    assert found.outcome is FAIL
    operator, limit, actual, unit = compared
    assert (found.operator, found.unit) == (operator, unit)
    assert (found.limit, found.actual) == (pytest.approx(limit), pytest.approx(actual))
    assert found.metric
    for figure in figures:
        assert figure in found.message


def test_a_slower_second_half_is_throughput_and_no_growing_queue():
    found = check("stationary", opened(**SLOWED), whole=OPEN)
    assert found.outcome is FAIL
    assert found.actual == pytest.approx(1 / 2)
    assert "throughput" in found.message
    assert "queue grows" not in found.message


@pytest.mark.parametrize(
    ("name", "whole", "of", "reason"),
    [
        ("client_cpu", CLOSED, healthy(client=client(cpu_peak_ratio=(None,))), "too short"),
        (
            "client_core",
            CLOSED,
            healthy(client=client(cpu_demand_ratio=(None,))),
            "does not report waits",
        ),
        (
            "client_core",
            CLOSED,
            healthy(client=client(cpu_demand_ratio=(1.0,), cpu_peak_ratio=(0.95,))),
            "see client_cpu",
        ),
        ("client_throttled", CLOSED, healthy(client=client(throttled_ratio=None)), "no CPU limit"),
        ("client_stolen", CLOSED, healthy(client=client(stolen_ratio=None)), "the system does not report it"),
        ("lag", BATCH, healthy(concurrency=None, requests=6400), "all requests are due at once"),
        ("lag", CLOSED, healthy(client=client(own_lag_ns=None)), "too few requests"),
        ("lag", CLOSED | {"warmup_ns": 0}, healthy(concurrency=65), "all users start at once"),
        ("sent", OPEN, opened(counts=NOTHING_DUE, due=0), "no request was due"),
        ("kept_up", OPEN, opened(counts=NOTHING_DUE, due=0), "no request was due"),
        ("kept_up", OPEN, opened(findings=LOST), "a worker was lost"),
        ("kept_up", OPEN, opened(halted=True), "the run was stopped"),
        ("kept_up", OPEN, opened(client=client(own_lag_ns=spread(1, 80))), "the client sent late"),
        ("kept_up", OPEN, opened(slices=slices([640], [100])), "shorter than two seconds"),
        ("sent", OPEN, opened(findings=LOST), "a worker was lost"),
        ("places", OPEN, opened(counts=NOTHING_DUE, due=0), "no request was due"),
        ("schedule", OPEN, opened(findings=LOST), "a worker was lost"),
        ("little", CLOSED, healthy(window_ns=HALF_A_SECOND), "shorter than a second"),
        ("little", CLOSED, healthy(window_ns=HALF_A_SECOND, in_flight_mean=None), "shorter than a second"),
        ("little", CLOSED, healthy(throughput_hz=2.9), "too few requests"),
        ("little", CLOSED, healthy(findings=LOST), "a worker was lost"),
        ("target_count", CLOSED, healthy(findings=LOST), "a worker was lost"),
        ("target_count", CLOSED, healthy(target=None), "not available for this target"),
        ("target_count", CLOSED, healthy(answered_total=6999), "not every request had an answer"),
        ("target_busy", CLOSED, healthy(window_ns=HALF_A_SECOND), "shorter than a second"),
        (
            "target_busy",
            CLOSED,
            healthy(target=target(busy_threads_mean=None)),
            "not available for this target",
        ),
        ("target_busy", CLOSED, healthy(target=target(thread_ns=None)), "not available for this target"),
        ("target_busy", OPEN, opened(rate_to_hz=900.0), "the rate changes"),
        (
            "target_busy",
            CLOSED,
            healthy(counts=Counts(scheduled=6400, ok=6399, timeout=1)),
            "unanswered requests",
        ),
        ("target_inside", CLOSED, healthy(window_ns=HALF_A_SECOND), "shorter than a second"),
        ("target_inside", CLOSED, healthy(target=target(queue_ns=None)), "not available for this target"),
        ("target_inside", BATCH, healthy(concurrency=None, requests=6400), "cover more than the batch"),
        ("bound", CLOSED, healthy(theory=None), "not available for this target"),
        ("bound", OPEN, opened(theory=None), "not available for this target"),
        ("bound", OPEN, opened(target=target(threads=None)), "not available for this target"),
        ("bound", CLOSED, healthy(window_ns=HALF_A_SECOND), "shorter than a second"),
        ("stationary", CLOSED, healthy(slices=()), "too few seconds with answers"),
        ("stationary", OPEN, opened(rate_to_hz=900.0), "by plan"),
        ("stationary", CLOSED, healthy(halted=True), "the run was stopped"),
        ("stationary", CLOSED, healthy(findings=LOST), "a worker was lost"),
        ("warmed_up", CLOSED, healthy(window_ns=9 * NS_PER_S), "shorter than ten seconds"),
        ("warmed_up", OPEN, opened(rate_to_hz=900.0), "by plan"),
        ("warmed_up", CLOSED, healthy(halted=True), "the run was stopped"),
    ],
)
def test_a_check_that_can_not_tell_says_why(name, whole, of, reason):
    found = check(name, of, whole=whole)
    assert found.outcome is UNTESTABLE
    assert reason in found.message


@pytest.mark.parametrize(
    ("name", "scenario_name", "transport", "reason"),
    [
        ("client_cpu", "pool-map", "aiohttp", "can't be watched"),
        ("client_core", "threads", "requests", "threads wait for one another"),
        ("loop_stall", "pool-map", "aiohttp", "by design"),
        ("loop_stall", "blocked-loop", "requests", "by design"),
        ("lag", "blocked-loop", "requests", "by design"),
    ],
)
def test_what_a_scenario_does_by_design_is_not_judged(name, scenario_name, transport, reason):
    found = check(name, healthy(), scenario_name=scenario_name, transport=transport)
    assert found.outcome is UNTESTABLE
    assert reason in found.message


@pytest.mark.parametrize(
    ("of", "way_back"),
    [
        (healthy(), "take 1.00 ms on average"),
        (healthy(target=target(handler_ns=101.0 * MS)), "take 0 ns on average"),
        (healthy(target=target(handler_ns=99.0 * MS, queue_ns=0.5 * MS)), "take 500 µs on average"),
        (healthy(time_outside_target_ns=spread(2), stamps_over_service=0), "take 2.00 ms on average"),
    ],
)
def test_the_way_there_and_back_is_what_the_target_does_not_explain(of, way_back):
    found = check("target_inside", of)
    assert found.outcome is PASS
    assert way_back in found.message


@pytest.mark.parametrize(
    ("name", "whole", "of", "outcome"),
    [
        # at the limit and just beyond
        ("client_core", CLOSED, healthy(client=client(cpu_demand_ratio=(0.9,), cpu_peak_ratio=(0.9,))), PASS),
        ("client_throttled", CLOSED, healthy(client=client(throttled_ratio=0.01)), PASS),
        ("client_throttled", CLOSED, healthy(client=client(throttled_ratio=0.011)), FAIL),
        ("client_stolen", CLOSED, healthy(client=client(stolen_ratio=0.05)), PASS),
        ("client_stolen", CLOSED, healthy(client=client(stolen_ratio=0.051)), FAIL),
        ("loop_stall", CLOSED, healthy(client=client(loop_stall_max_ns=100 * MS)), PASS),
        ("loop_stall", CLOSED, healthy(client=client(loop_stall_max_ns=100 * MS + 1)), FAIL),
        ("lag", CLOSED, healthy(client=client(own_lag_ns=spread(1, 5))), PASS),
        ("lag", CLOSED, healthy(client=client(own_lag_ns=spread(1, 5.1))), FAIL),
        ("lag", CLOSED, healthy(latency_ns=spread(2), client=client(own_lag_ns=spread(0.1, 1))), PASS),
        ("lag", CLOSED, healthy(latency_ns=spread(2), client=client(own_lag_ns=spread(0.1, 1.1))), FAIL),
        ("lag", CLOSED | {"warmup_ns": 0}, healthy(concurrency=64), PASS),
        ("sent", OPEN, opened(counts=Counts(scheduled=6400, ok=6336, dropped=64)), PASS),
        ("sent", OPEN, opened(counts=Counts(scheduled=6400, ok=6335, dropped=65)), FAIL),
        ("places", WAITING, opened(waited=64), PASS),
        ("places", WAITING, opened(waited=65), FAIL),
        ("places", OPEN, opened(waited=6400), PASS),
        ("little", CLOSED, healthy(in_flight_mean=65.9), PASS),
        ("little", CLOSED, healthy(in_flight_mean=66.0), FAIL),
        ("little", CLOSED, healthy(in_flight_mean=62.0), FAIL),
        ("little", CLOSED, healthy(in_flight_mean=66.0, in_flight_error=0.1), PASS),
        ("little", CLOSED, healthy(in_flight_mean=67.0, in_flight_error=0.1), FAIL),
        ("target_busy", CLOSED, healthy(target=target(busy_threads_mean=66.5)), PASS),
        ("target_busy", CLOSED, healthy(target=target(busy_threads_mean=66.6)), FAIL),
        ("target_busy", CLOSED, healthy(target=target(busy_threads_mean=61.4)), FAIL),
        ("target_inside", CLOSED, healthy(target=target(handler_ns=103.9 * MS)), PASS),
        ("target_inside", CLOSED, healthy(target=target(handler_ns=104.1 * MS)), FAIL),
        ("bound", OPEN, opened(throughput_hz=665.0), PASS),
        ("bound", OPEN, opened(throughput_hz=666.0), FAIL),
        # open: what the threads allow counts, not the rate that was asked for
        ("bound", OPEN, opened(target=target(threads=128), throughput_hz=800.0), PASS),
    ],
)
def test_each_limit_is_where_the_method_has_it(name, whole, of, outcome):
    assert check(name, of, whole=whole).outcome is outcome


@pytest.mark.parametrize(
    ("halted", "unsent", "outcome"),
    [
        (False, 64, PASS),
        (False, 65, FAIL),
        (True, 67, PASS),  # 1 %, the next arrival of each of two workers, and those of 1 ms: 64 + 2 + 1.28
        (True, 68, FAIL),
    ],
)
def test_a_halt_may_meet_what_is_on_its_way(halted, unsent, outcome):
    stage = opened(
        counts=Counts(scheduled=6400, ok=6400 - unsent, dropped=unsent),
        halted=halted,
        processes=2,
        rate_hz=640.0,
        rate_to_hz=1280.0,
    )
    assert check("sent", stage, whole=OPEN).outcome is outcome


@pytest.mark.parametrize(
    ("busiest", "waited", "because"),
    [
        (0.6, 0.2, "one event loop is at 60% of a core"),
        (0.5, 0.2, "waited for a core for up to 20% of a second"),
        (0.6, 0.6, "waited for a core for up to 60% of a second"),
        (0.3, 0.1, "the client's event loop was held up"),
        (None, None, "the client's event loop was held up"),
    ],
)
def test_a_late_client_is_told_what_held_it_up(busiest, waited, because):
    own = client(own_lag_ns=spread(1, 80), cpu_peak_ratio=(busiest,), waited_ratio=(waited,))
    assert because in check("lag", healthy(client=own)).message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 64 / 6400),
        ({"concurrency": 8}, 8 / 6400),
        ({"target": target(threads=16)}, 16 / 6400),
        ({"target": None, "concurrency": 128}, 128 / 6400),
        ({"concurrency": None, "in_flight_mean": 32.0}, 32 / 6400),
        ({"concurrency": None, "in_flight_mean": None, "in_flight_by_stamps": 16.0}, 16 / 6400),
        ({"concurrency": None, "in_flight_mean": None, "in_flight_by_stamps": None}, 1 / 6400),
        ({"throughput_hz": 1.0}, 1.0),
        ({"throughput_hz": 0.0}, 1.0),
    ],
)
def test_the_edges_are_what_is_in_service_by_what_was_completed(changed, expected):
    case = CheckInput(plan(**CLOSED), scenario("task").TRAITS, 2.0, healthy(**changed))
    assert edges(case) == pytest.approx(expected)


def test_what_failed_is_found_with_the_sentence_of_its_check():
    stage, checks = judged(healthy(in_flight_mean=80.0))
    (failed,) = [each for each in checks if each.outcome is FAIL]
    assert [(each.name, each.message) for each in stage.findings] == [("little", failed.message)]


def test_an_http_error_and_a_dropped_arrival_are_no_missing_answers():
    counts = Counts(scheduled=6400, ok=6300, http_error=50, dropped=50)
    stage = opened(counts=counts, target=target(busy_threads_mean=64.0))
    assert check("target_busy", stage, whole=OPEN | {"stages": (Stage(rate_hz=640.0),)}).outcome is PASS
