"""What a stage is worth by its checks: valid, suspect, or invalid, and the run's verdict."""

import pytest

from loadlab.analysis import judge_run, judge_stage
from loadlab.clock import NS_PER_S
from loadlab.results.result import Counts, Outage, Shortage, Standstill, State, Verdict
from loadlab.system.resources import Resource
from support.stages import (
    BATCH,
    CLOSED,
    FAIL,
    MS,
    OPEN,
    PASS,
    UNTESTABLE,
    client,
    healthy,
    judged,
    opened,
    slices,
    spread,
    target,
)


@pytest.mark.parametrize(
    ("whole", "of"),
    [(CLOSED, healthy()), (OPEN, opened()), (BATCH, healthy(concurrency=None, requests=6400))],
)
def test_a_healthy_stage_is_valid_and_each_of_its_checks_passes_or_says_why_it_cannot(whole, of):
    found, checks = judged(of, whole=whole)
    assert found.state is State.VALID
    assert found.findings == ()
    assert {each.outcome for each in checks} <= {PASS, UNTESTABLE}
    assert len({each.name for each in checks}) == len(checks)
    for each in checks:
        assert each.stage == "64"
        assert each.message
        assert each.metric
        assert each.unit
    if whole is not BATCH:
        assert all(each.outcome is PASS for each in checks)


INVALID = [
    ("client_cpu", {"client": client(cpu_peak_ratio=(1.0,))}),
    ("client_core", {"client": client(cpu_demand_ratio=(1.0,))}),
    ("client_throttled", {"client": client(throttled_ratio=0.2)}),
    ("open_files", {"client": client(shortages=(Shortage(resource=Resource.FILES, count=3, limit=64),))}),
    (
        "client_resources",
        {"client": client(shortages=(Shortage(resource=Resource.PORTS, count=3, limit=32),))},
    ),
    ("lag", {"client": client(own_lag_ns=spread(1, 80))}),
    ("schedule", {"due": 6500}),
    ("sent", {"counts": Counts(scheduled=6400, ok=6000, dropped=400)}),
]
SUSPECT = [
    ("client_stolen", {"client": client(stolen_ratio=0.2)}),
    ("loop_stall", {"client": client(loop_stall_max_ns=NS_PER_S)}),
    ("places", {"counts": Counts(scheduled=6400, ok=6000, dropped=400), "refused": 400}),
    ("little", {"in_flight_mean": 80.0}),
    ("redirects", {"statuses": {"200": 3000, "302": 3400}}),
    ("target_count", {"target": target(requests_in_stage=1)}),
    ("target_busy", {"target": target(busy_threads_mean=1.0)}),
    ("target_inside", {"target": target(queue_ns=50.0 * MS)}),
    ("target_inside", {"time_outside_target_ns": spread(2), "stamps_over_service": 1}),
    ("stationary", {"slices": slices([640] * 10, [100, 105, 96, 104, 97, 116, 121, 112, 120, 113])}),
    ("warmed_up", {"slices": slices([1, *[640] * 9], [100] * 10)}),
]
NOTED = [
    ("connections_reopened", {"client": client(connections_opened=203)}),
    ("target_throttled", {"target": target(cpu_throttled_ns=101 * MS)}),
    ("target_workers", {"target": target(workers_ended=1)}),
    ("errors", {"counts": Counts(scheduled=6400, ok=6000, http_error=400)}),
    ("target_away", {"outages": (Outage(from_ns=4000 * MS, to_ns=6000 * MS),)}),
    (
        "kept_up",
        {
            "window_ns": 3 * NS_PER_S,
            "due": 1920,
            "counts": Counts(scheduled=1920, ok=1920),
            "slices": slices([400] * 3, [100, 900, 1700]),
        },
    ),
    ("target_away", {"stalls": (Standstill(from_ns=4000 * MS, to_ns=6000 * MS),)}),
]


@pytest.mark.parametrize(("name", "changed"), NOTED)
def test_what_is_no_fault_of_the_measurement_is_a_finding_of_a_valid_stage(name, changed):
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert found.state is State.VALID
    assert [each.name for each in found.findings] == [name]


@pytest.mark.parametrize(("name", "changed"), INVALID)
def test_what_the_client_ran_out_of_makes_its_stage_and_the_run_invalid(name, changed):
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert name in judge_stage.CLIENT_LIMIT_CHECKS
    assert found.state is State.INVALID
    assert found.theory.bound_hz == 640.0
    assert found.theory.bound_ratio is None
    assert [each.name for each in found.findings] == [name]
    assert judge_run.verdict((*judge_run.checks((found,), 0), *checks), (found,)) is Verdict.INVALID


@pytest.mark.parametrize(("name", "changed"), SUSPECT)
def test_accounts_that_disagree_make_a_stage_suspect_and_leave_the_verdict(name, changed):
    """A client that stands still, or whose cores others have, does not ask for all that there is."""
    found, checks = judged(opened(**changed), whole=OPEN)
    assert [each.name for each in checks if each.outcome is FAIL] == [name]
    assert found.state is State.SUSPECT
    assert found.theory.bound_ratio == (None if name in {"client_stolen", "loop_stall"} else 1.0)
    assert [each.name for each in found.findings] == [name]
    assert judge_run.verdict((*judge_run.checks((found,), 0), *checks), (found,)) is Verdict.PASS


def test_a_stage_that_was_invalid_before_stays_so():
    found, _ = judged(healthy(state=State.INVALID, in_flight_mean=99.0))
    assert found.state is State.INVALID


def test_every_check_can_fail_in_one_of_these_tables():
    assert {name for name, _ in [*INVALID, *SUSPECT, *NOTED]} | {"bound", "samples"} == {
        each.name for each in judged(opened(), whole=OPEN)[1]
    }
