import pytest

from loadlab.analysis.target import grown, target_stage, theory
from loadlab.analysis.theory import bound_hz, makespan_ns, most_in_flight
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import TargetStage
from loadlab.scenarios import names, scenario
from loadlab.targets.target_metrics import REQUESTS, Reading
from loadlab.workload.plan import Stage, WhenFull
from loadlab.workload.traits import Workload
from support.fakes import plan

MS = NS_PER_MS


@pytest.mark.parametrize(
    ("name", "at_once"),
    [
        ("blocking", 1),
        ("coroutine", 1),
        ("blocked-loop", 1),
        ("task", 100),
        ("callback", 100),
        ("threads", 100),
        ("pool", 100),
        ("pool-map", 32),
    ],
)
def test_a_batch_of_100_is_in_flight_as_far_as_the_scenario_lets_it(name, at_once):
    batch = plan(workload=Workload.BATCH, processes=2)
    assert most_in_flight(batch, Stage(requests=100), scenario(name).TRAITS) == at_once


def test_a_small_batch_does_not_fill_the_pools_processes():
    assert most_in_flight(plan(processes=4), Stage(requests=7), scenario("pool-map").TRAITS) == 7


@pytest.mark.parametrize(
    ("users", "slots", "think_ms", "hz"),
    [
        (1, 64, 0, 10),
        (8, 64, 0, 80),
        (64, 64, 0, 640),
        (200, 64, 0, 640),
        (200, None, 0, 2_000),
        (200, 64, 900, 200),
        (1_000, 64, 900, 640),
    ],
)
def test_throughput_is_bound_by_the_users_or_by_the_targets_threads(users, slots, think_ms, hz):
    assert bound_hz(users, slots, 100 * MS, think_ms * MS) == pytest.approx(hz)


@pytest.mark.parametrize(
    ("requests", "at_once", "slots", "rounds"),
    [
        (100, 1, 64, 100),
        (100, 100, 8, 13),
        (100, 100, 64, 2),
        (100, 100, None, 1),
        (100, 32, 64, 4),
        (1, 1, 1, 1),
    ],
)
def test_a_batch_takes_as_many_rounds_as_it_has_to(requests, at_once, slots, rounds):
    assert makespan_ns(requests, at_once, slots, 100 * MS) == rounds * 100 * MS


def told(**changed):
    return TargetStage(**{"workers": 1, "threads": 8, "thread_ns": 100.0 * MS} | changed)


def expected(
    name,
    stage,
    target,
    *,
    throughput_hz=8.0,
    completions=10_000,
    in_flight_by_stamps=1.0,
    offered_hz=None,
    **changed,
):
    return theory(
        plan(scenario=name, **changed),
        stage,
        scenario(name).TRAITS,
        target,
        throughput_hz=throughput_hz,
        completions=completions,
        in_flight_by_stamps=in_flight_by_stamps,
        offered_hz=offered_hz,
    )


def test_a_closed_stage_is_told_its_bound_and_how_near_it_came():
    found = expected("task", Stage(concurrency=32), told(), throughput_hz=60.0)
    assert (found.bound_hz, found.bound_ratio) == (pytest.approx(80), pytest.approx(0.75))
    assert found.makespan_ns is None


def test_users_that_take_turns_on_one_loop_are_bound_by_one_request_at_a_time():
    found = expected("blocked-loop", Stage(concurrency=8), told())
    assert found.bound_hz == pytest.approx(10)


def test_users_that_take_turns_think_side_by_side():
    found = expected("blocked-loop", Stage(concurrency=8), told(), think_ns=400 * MS)
    assert found.bound_hz == pytest.approx(10)
    found = expected("blocked-loop", Stage(concurrency=8), told(), think_ns=1_500 * MS)
    assert found.bound_hz == pytest.approx(5)


@pytest.mark.parametrize(
    ("places", "offered_hz", "hz"), [(2, 60.0, 20), (100, 60.0, 60), (100, 900.0, 80), (None, 900.0, 80)]
)
def test_an_open_stage_is_bound_by_what_is_offered_the_targets_threads_or_the_places(places, offered_hz, hz):
    found = expected(
        "task",
        Stage(rate_hz=60.0),
        told(),
        offered_hz=offered_hz,
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=60.0),),
        max_in_flight=places,
        when_full=WhenFull.WAIT,
    )
    assert found.bound_hz == pytest.approx(hz)


@pytest.mark.parametrize(
    ("completions", "in_flight_by_stamps", "told_it"),
    [(60, 3.0, True), (59, 3.0, False), (160, 500.0, True), (159, 500.0, False), (19, 0.1, False)],
)
def test_an_open_stages_share_is_left_open_where_its_edges_could_move_it(
    completions, in_flight_by_stamps, told_it
):
    found = expected(
        "task",
        Stage(rate_hz=60.0),
        told(),
        completions=completions,
        in_flight_by_stamps=in_flight_by_stamps,
        offered_hz=60.0,
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=60.0),),
    )
    assert (found.bound_ratio is not None) is told_it


@pytest.mark.parametrize(("workers", "is_lower_bound"), [(1, False), (2, True)])
def test_a_batch_is_told_its_makespan_which_is_exact_for_one_worker_only(workers, is_lower_bound):
    found = expected(
        "task",
        Stage(requests=100),
        told(workers=workers),
        workload=Workload.BATCH,
        stages=(Stage(requests=100),),
        duration_ns=None,
    )
    assert found.makespan_ns == -(-100 // (8 * workers)) * 100 * MS
    assert found.makespan_is_lower_bound is is_lower_bound


@pytest.mark.parametrize("target", [None, told(thread_ns=None), told(thread_ns=0.0), told(threads=None)])
def test_nothing_is_expected_of_a_target_that_does_not_measure_itself(target):
    assert expected("task", Stage(concurrency=1), target) is None


def test_a_target_without_a_limit_of_threads_is_bound_by_the_users_alone():
    found = expected("task", Stage(concurrency=32), told(threads=0))
    assert found.bound_hz == pytest.approx(320)


def served(times, thread_s):
    return {
        "target_requests_total": times,
        "target_thread_seconds_sum": thread_s,
        "target_thread_seconds_count": times,
    }


def readings(before, after, span_s=2):
    return Reading(1, before), Reading(1 + span_s * NS_PER_S, after)


def test_the_targets_figures_are_what_its_counters_grew_by():
    now = {"target_workers": 1, "target_threads": 64, "target_memory_bytes": 1e6}
    found = target_stage(*readings(served(10, 1.0), served(30, 3.0) | now), 2 * NS_PER_S)
    assert (found.requests, found.thread_ns, found.busy_threads_mean) == (20, 100.0 * MS, 1.0)
    assert (found.workers, found.threads, found.memory_bytes) == (1, 64, 1_000_000)
    assert found.cpu_ratio is None
    assert found.queue_ns is None


GROWING = {
    "target_requests_total": 20,
    "target_thread_seconds_sum": 3.0,
    "target_thread_seconds_count": 20,
    "target_handler_seconds_sum": 2.0,
    "target_handler_seconds_count": 20,
    "target_queue_seconds_sum": 0.5,
    "target_queue_seconds_count": 10,
    "target_cpu_seconds_total": 1.0,
    "target_cpu_throttled_seconds_total": 0.25,
    "target_accept_overflows_total": 4,
}
FIGURES = {
    "requests": 20,
    "thread_ns": 150.0 * MS,
    "handler_ns": 100.0 * MS,
    "queue_ns": 50.0 * MS,
    "busy_threads_mean": 1.5,
    "cpu_ratio": 0.5,
    "cpu_throttled_ns": 250 * MS,
    "accept_queue_overflows": 4,
}


def test_each_figure_is_its_own_counters():
    before = dict.fromkeys(GROWING, 7)
    found = target_stage(*readings(before, {name: 7 + by for name, by in GROWING.items()}), 3 * NS_PER_S)
    assert {name: getattr(found, name) for name in FIGURES} == pytest.approx(FIGURES)


@pytest.mark.parametrize("kept", ["before", "after"])
def test_a_counter_that_one_reading_lacks_tells_nothing(kept):
    have, lack = dict.fromkeys(GROWING, 7), {}
    found = target_stage(*readings(*((have, lack) if kept == "before" else (lack, have))), 2 * NS_PER_S)
    assert [name for name in FIGURES if getattr(found, name) is not None] == []


def test_two_readings_of_one_moment_tell_nothing():
    assert target_stage(Reading(7, GROWING), Reading(7, GROWING), NS_PER_S) is None


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (10, 30, 20),
        (None, 30, None),
        (10, None, None),
        (None, None, None),
        (30, 10, None),
    ],
)
def test_requests_between_two_readings_are_what_the_counter_grew_by(before, after, counted):
    def reading(at_ns, total):
        return Reading(at_ns, {} if total is None else {"target_requests_total": float(total)})

    assert grown(REQUESTS, reading(1, before), reading(2, after)) == counted


@pytest.mark.parametrize("missing", [(None, None), (None, Reading(1, GROWING)), (Reading(1, GROWING), None)])
def test_without_both_readings_nothing_is_known_of_the_requests_between(missing):
    assert grown(REQUESTS, *missing) is None


@pytest.mark.parametrize(
    ("whole", "of"),
    [
        ({}, Stage(concurrency=8)),
        ({"workload": Workload.OPEN, "stages": (Stage(rate_hz=60.0),)}, Stage(rate_hz=60.0)),
        (
            {"workload": Workload.BATCH, "stages": (Stage(requests=100),), "duration_ns": None},
            Stage(requests=100),
        ),
    ],
)
def test_what_is_expected_names_the_service_time_that_it_used(whole, of):
    assert expected("task", of, told(), **whole).service_ns == told().thread_ns


def test_what_grew_outside_the_readings_of_a_short_window_grew_in_it():
    found = target_stage(*readings(served(0, 0.0), served(10, 1.0)), NS_PER_S // 2)
    assert found.busy_threads_mean == 2.0


def test_a_target_that_served_nothing_has_no_mean():
    same = {"target_thread_seconds_sum": 1.0, "target_thread_seconds_count": 10.0}
    assert target_stage(*readings(same, same), 2 * NS_PER_S).thread_ns is None


@pytest.mark.parametrize("missing", [(None, None), (None, Reading(1, {})), (Reading(1, {}), None)])
def test_without_both_readings_the_target_tells_nothing(missing):
    assert target_stage(*missing, NS_PER_S) is None


def test_every_scenario_has_a_prediction():
    for name in names():
        assert most_in_flight(plan(), Stage(requests=12), scenario(name).TRAITS) in (1, 12)
