"""Steady loads are called steady, and changes are found: a small part of `make false-alarms`."""

from pathlib import Path

import numpy as np
import pytest
from false_alarms import (
    MOST_SUSPECT,
    NARROW,
    SMALL_HEAD,
    WIDE,
    Load,
    case_of,
    figures,
    small,
    small_line,
    verdicts,
)
from queues import Target, open_load, recorded

from loadlab.analysis import erlang, summary
from loadlab.analysis.batch_means import between_halves
from loadlab.analysis.checks import steady_state
from loadlab.analysis.checks.steady_state import batches_of
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.tape import COLUMNS
from loadlab.recording.window import Window

RUNS = 20


EACH_LOAD = pytest.mark.parametrize(
    "load",
    [
        Load(WIDE, 25, rho=0.3),
        pytest.param(Load(NARROW, 60, rho=0.85), marks=pytest.mark.statistics),
        pytest.param(Load(WIDE, 25, rho=0.85), marks=pytest.mark.statistics),
        pytest.param(Load(NARROW, 30, users=8), marks=pytest.mark.statistics),
    ],
    ids=str,
)


@EACH_LOAD
def test_the_halves_of_a_steady_load_differ_beyond_chance_as_often_as_is_said(load):
    """At a chance of 10 %, where 200 runs tell: at the checks' own a tenfold fault would not show in them."""
    due_s, done_s = load.drawn(200, np.ones_like, np.random.default_rng(1))
    runs = [batches_of(case_of(load, *run).stage) for run in zip(due_s, done_s, strict=True)]
    for series in ([run.rates for run in runs], [run.speeds for run in runs]):
        differ = [between_halves(batches, 0.1).beyond_chance for batches in series]
        assert 0.04 < sum(differ) / len(differ) < 0.16


def test_the_comparisons_of_a_run_together_have_half_the_chance_that_is_promised():
    """Halves and beginning, each by throughput and by latency."""
    chance = 2 * (steady_state._HALVES_CHANCE + steady_state._BEGINNING_CHANCE)
    assert chance == pytest.approx(MOST_SUSPECT / 2)


@EACH_LOAD
def test_steady_loads_are_called_steady_and_changes_are_found(load):
    found = figures(
        load, {course: verdicts(load, course, RUNS, 1) for course in ("steady", "step", "slow start")}
    )
    assert found["suspect"] == 0
    assert (found["untestable"], found["grows"]) == (0, 0)
    assert found["least_most"] <= 0.25
    assert min(found["step"], found["slow start"]) >= 0.9


@pytest.mark.statistics
def test_the_table_of_the_smallest_targets_is_what_the_command_prints():
    """`bench/false_alarms.py --small`, whose default is the runs and the seed of the table."""
    method = (Path(__file__).parents[3] / "docs" / "method.md").read_text()
    rows = list(small(1000, 1))
    assert "\n".join((SMALL_HEAD, *map(small_line, rows))) in method
    assert max(row["suspect"] for row in rows) <= 0.01


def test_a_slow_start_is_found_where_its_backlog_takes_most_of_the_window():
    found = verdicts(Load(WIDE, 25, rho=0.85), "slow start", RUNS, 1)
    assert sum(each.suspect for each in found) >= 0.9 * RUNS


def test_a_short_window_is_untestable_and_says_what_it_could_have_found():
    load = Load(NARROW, 12, rho=0.5)
    found = figures(
        load, {course: verdicts(load, course, RUNS, 1) for course in ("steady", "step", "slow start")}
    )
    assert found["suspect"] == 0
    assert found["untestable"] >= 0.5
    assert found["least_median"] > 0.25


def test_a_queue_that_grows_is_told_apart_from_one_that_is_only_longer():
    """At rho 0.85 the target has no time for service that takes 25 % longer; at rho 0.5 it has."""
    too_much = verdicts(Load(NARROW, 60, rho=0.85), "step", RUNS, 1)
    longer = verdicts(Load(NARROW, 60, rho=0.5), "step", RUNS, 1)
    assert sum(each.grows for each in too_much) > RUNS / 2
    assert sum(each.grows for each in longer) <= RUNS / 10


def test_the_simulated_queue_has_the_waits_of_theory():
    due_s, done_s = open_load(Target(8, 0.05), 0.7, 60, 50, np.random.default_rng(1))
    mean_s = (done_s - due_s)[:, 1000:].mean()
    assert mean_s == pytest.approx(erlang.mean_s(8, 112, 0.05), rel=0.03)


def test_the_dispersion_of_what_is_in_flight_says_how_latency_responds_to_service_time():
    """The derivative of log latency with respect to log service time, of M/M/8 at rho 0.7."""
    due_s, done_s = open_load(Target(8, 0.05), 0.7, 60, 50, np.random.default_rng(1))
    of_runs = [
        summary.in_flight_dispersion(recorded(due, done, 60), 1, 60 * NS_PER_S)
        for due, done in zip(due_s, done_s, strict=True)
    ]
    steps = [np.log(erlang.mean_s(8, 112, 0.05 * factor)) for factor in (0.99, 1.01)]
    assert np.mean(of_runs) == pytest.approx((steps[1] - steps[0]) / np.log(1.01 / 0.99), rel=0.1)


def test_the_recorded_seconds_are_those_that_a_recorder_makes():
    (due_s,), (done_s,) = open_load(Target(8, 0.05), 0.7, 5, 1, np.random.default_rng(1))
    short = recorded(due_s, done_s, 5)
    rows = np.zeros((len(due_s), COLUMNS), dtype=np.int64)
    rows[:, 0] = rows[:, 1] = np.rint(due_s * NS_PER_S)
    rows[:, 2], rows[:, 3], rows[:, 4] = np.rint(done_s * NS_PER_S), Outcome.OK, 200
    whole = Recorder(Window(0, 5 * NS_PER_S))
    whole.fold(rows)
    for look_ns in range(0, 5 * NS_PER_S, 10 * NS_PER_MS):
        middle = look_ns + 5 * NS_PER_MS
        in_flight = int(((rows[:, 0] <= middle) & (rows[:, 2] > middle)).sum())
        whole.observe_in_flight(look_ns, look_ns + 10 * NS_PER_MS, in_flight)
    window_ns = 5 * NS_PER_S
    assert [
        (each.count, each.mean, each.p50, each.in_flight) for each in summary.slices(short, window_ns)
    ] == [(each.count, each.mean, each.p50, each.in_flight) for each in summary.slices(whole, window_ns)]
    assert summary.in_flight_dispersion(short, 1, window_ns) == summary.in_flight_dispersion(
        whole, 1, window_ns
    )


def test_a_run_is_judged_as_a_stage_of_its_workload():
    load = Load(NARROW, 10, users=4)
    (due_s,), (done_s,) = load.drawn(1, np.ones_like, np.random.default_rng(1))
    case = case_of(load, due_s, done_s)
    assert (case.stage.concurrency, len(case.stage.slices)) == (4, 10)
    assert all(each.in_flight == 4 for each in case.stage.slices)
