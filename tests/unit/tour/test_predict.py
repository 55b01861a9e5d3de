"""Predictions are arithmetic: these tables were computed by hand."""

import pytest

from loadlab.analysis.omission import Stall
from loadlab.clock import NS_PER_MS
from loadlab.scenarios import scenario
from loadlab.tour.predict import Cost, Pace, batch, cpu_rate_hz, immediate, mapped, stalled
from loadlab.workload.plan import Plan, Request, Stage, Workload


def plan(name, requests, processes=1):
    return Plan(
        scenario=name,
        transport="aiohttp",
        workload=Workload.BATCH,
        target="http://127.0.0.1",
        requests=(Request(url="/"),),
        stages=(Stage(requests=requests),),
        processes=processes,
    )


def pace(slots=64, crowd_ms=0.5):
    return Pace(service_ns=200 * NS_PER_MS, crowd_ns=crowd_ms * NS_PER_MS, slots=slots)


@pytest.mark.parametrize(
    ("name", "requests", "slots", "expected_ms"),
    [
        ("blocking", 5, 64, 5 * 200),
        ("coroutine", 5, 64, 5 * 200),
        ("blocked-loop", 5, 64, 5 * 200),
        ("task", 5, 64, 200 + 5 * 0.5),
        ("callback", 5, 64, 200 + 5 * 0.5),
        ("threads", 5, 64, 200 + 5 * 0.5),
        ("task", 1, 64, 200),
        ("task", 100, 8, 13 * 200 + 8 * 0.5),
        ("task", 96, 8, 12 * 200 + 8 * 0.5),
        ("task", 100, None, 200 + 100 * 0.5),
        ("pool", 100, 64, 2 * 200 + 64 * 0.5),
        ("blocking", 5, None, 5 * 200),
    ],
)
def test_a_batch_takes_its_rounds_and_what_its_wave_costs(name, requests, slots, expected_ms):
    prediction = batch(plan(name, requests), scenario(name).TRAITS, pace(slots))
    assert prediction.ns == pytest.approx(expected_ms * NS_PER_MS)


@pytest.mark.parametrize(
    ("processes", "slots", "rounds"), [(1, 64, 7), (2, 64, 4), (4, 64, 2), (4, 8, 13), (8, None, 1)]
)
def test_a_mapped_pool_has_16_tasks_per_process_and_pays_for_its_start(processes, slots, rounds):
    made = mapped(plan("pool-map", 100, processes), scenario("pool-map").TRAITS, pace(slots), 600 * NS_PER_MS)
    assert made.ns == pytest.approx((600 + rounds * 200) * NS_PER_MS)
    assert f"{rounds} × 200 ms" in made.because
    assert "600 ms" in made.because


def test_a_prediction_says_what_it_is_made_of():
    assert batch(plan("task", 100), scenario("task").TRAITS, pace(8)).because == (
        "13 × 200 ms + 4.00 ms to take in 8 at once"
    )


def test_a_stop_of_the_target_is_predicted_from_its_length_and_what_a_request_takes():
    stall = Stall(
        rate_hz=100, window_ns=2_000 * NS_PER_MS, stall_ns=1_400 * NS_PER_MS, base_ns=8 * NS_PER_MS, places=4
    )
    made = stalled(stall, 0.9)
    assert made.ns == pytest.approx((1_400 - 0.1 * 2_000 * 0.8 + 8) * NS_PER_MS)
    assert "1.40 s, less 10% of 2.00 s × 0.80, + 8.00 ms" in made.because


@pytest.mark.parametrize(
    ("processes", "cores", "client_us", "sink_us", "expected_hz"),
    [
        (1, 2, 100, 25, 10_000),  # one loop, one core
        (2, 2, 100, 25, 16_000),  # two loops and the sink share two cores
        (2, 4, 100, 25, 20_000),  # two loops, a core each
        (4, 8, 100, 50, 20_000),  # the sink's loop is the limit
        (4, 8, 100, 20, 40_000),
        (1, 1, 100, 25, 8_000),
        (2, 1, 100, 25, 8_000),  # on one core there is nothing to gain
        (1, 0.5, 100, 25, 4_000),  # half a core, by a quota
    ],
)
def test_immediate_requests_are_limited_by_what_is_out_of_cpu_first(
    processes, cores, client_us, sink_us, expected_hz
):
    cost = Cost(client_ns=client_us * 1000, sink_ns=sink_us * 1000)
    assert cpu_rate_hz(processes, cores, cost) == pytest.approx(expected_hz)
    assert immediate(4_000, processes, cores, cost).ns == pytest.approx(4_000 / expected_hz * 1e9)


@pytest.mark.parametrize(
    ("processes", "cores", "sink_us", "limit"),
    [
        (1, 2, 25, "the client's loop"),
        (3, 8, 25, "the client's 3 loops"),
        (4, 8, 50, "the sink's loop"),
        (2, 2, 25, "the machine's 2 cores"),
        (2, 1, 25, "the machine's 1 core"),
    ],
)
def test_it_is_said_what_runs_out_of_cpu(processes, cores, sink_us, limit):
    cost = Cost(client_ns=100_000, sink_ns=sink_us * 1000)
    assert f"when {limit} can do no more" in immediate(1000, processes, cores, cost).because
