"""The open workload against a real gunicorn: its schedule is kept whatever the target does."""

import pytest

from loadlab.clock import NS_PER_S
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Request, Stage, WhenFull
from loadlab.workload.traits import Workload
from support.live import MS, plan_for, run_plan

pytestmark = pytest.mark.real


def arrivals_of(name, rate_hz, duration_ns=NS_PER_S, *, rate_to_hz=None, **changed):
    return plan_for(
        name,
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=rate_hz, rate_to_hz=rate_to_hz),),
        duration_ns=duration_ns,
        **changed,
    )


def due_in(plan):
    """What the schedule has in the window, by arithmetic."""
    (stage,) = plan.stages
    end_ns = plan.warmup_ns + plan.duration_ns
    arrivals, shards = plan.arrivals(stage), plan.processes
    return sum(arrivals.due_of(shard, shards, plan.warmup_ns, end_ns, plan.seed) for shard in range(shards))


@pytest.mark.parametrize("transport", ["aiohttp", "wire"])
@pytest.mark.parametrize("name", ["task", "callback", "pool"])
@pytest.mark.parametrize("spacing", Spacing)
def test_every_arrival_is_sent_answered_and_seen_by_the_target(tmp_path, name, transport, spacing):
    plan = arrivals_of(name, 100.0, transport=transport, spacing=spacing, warmup_ns=200 * MS)
    found = run_plan(plan, tmp_path, delay="5ms")
    assert found.stage.counts.scheduled == found.stage.counts.ok == due_in(plan) > 50
    assert found.grown["target_requests_total"] == found.stage.sent_total


@pytest.mark.quick
def test_a_ramp_sends_what_its_integral_says(tmp_path):
    plan = arrivals_of("callback", 50.0, 2 * NS_PER_S, rate_to_hz=150.0)
    found = run_plan(plan, tmp_path, delay="1ms")
    assert found.stage.counts.ok == due_in(plan) == 200


@pytest.mark.quick
@pytest.mark.parametrize("name", ["task", "callback"])
def test_what_finds_no_place_is_dropped_and_counted(tmp_path, name):
    plan = arrivals_of(name, 100.0, max_in_flight=2)
    found = run_plan(plan, tmp_path, delay="100ms", threads="8")
    counts = found.stage.counts
    assert counts.scheduled == counts.ok + counts.dropped == due_in(plan)
    assert counts.dropped > counts.ok > 0
    assert found.stage.sent_total == found.grown["target_requests_total"]


@pytest.mark.parametrize("name", ["task", "callback"])
def test_what_waits_for_a_place_keeps_its_due_moment(tmp_path, name):
    plan = arrivals_of(name, 60.0, max_in_flight=2, when_full=WhenFull.WAIT)
    stage = run_plan(plan, tmp_path, delay="50ms", threads="8").stage
    assert stage.counts.ok == stage.counts.scheduled == due_in(plan)
    assert stage.latency_ns.max > 300 * MS > stage.service_ns.p50


@pytest.mark.parametrize("transport", ["aiohttp", "wire", "null"])
@pytest.mark.parametrize("name", ["task", "callback"])
def test_what_the_drain_cuts_is_unfinished_and_leaves_no_quantile_that_it_could_move(
    tmp_path, name, transport
):
    requests = tuple(
        Request(url=f"http://127.0.0.1/?delay={delay}", weight=weight)
        for delay, weight in (("5ms", 3.0), ("3s", 1.0))
    )
    plan = arrivals_of(name, 40.0, transport=transport, requests=requests, drain_ns=200 * MS)
    stage = run_plan(plan, tmp_path, threads="40").stage
    counts = stage.counts
    assert counts.scheduled == counts.ok + counts.unfinished == due_in(plan) == 40
    assert counts.ok > counts.unfinished > 0
    assert stage.latency_ns.p50 is not None
    assert stage.latency_ns.p99 is stage.service_ns.p99 is None
