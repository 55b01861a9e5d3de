"""Each execution model against a real gunicorn, proven at the target and not by the client's word."""

import asyncio
import os

import pytest

from loadlab.analysis.theory import makespan_ns, most_in_flight
from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.load.shard import Shard, Share
from loadlab.scenarios import names, scenario
from loadlab.targets.local import LocalHost
from loadlab.workload.plan import Stage
from support.live import MS, batch_of, run_plan, sound, users_of, workers_of

pytestmark = [pytest.mark.quick, pytest.mark.real]

ONE_AT_A_TIME = {"blocking", "coroutine", "blocked-loop"}
IN_FLIGHT = 12
DELAY_MS = 200
DELAY = f"{DELAY_MS}ms"


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    """A batch of 12 by each scenario, each against a fresh target with more threads than that."""
    return {
        name: run_plan(
            batch_of(name, IN_FLIGHT), tmp_path_factory.mktemp(name), delay=f"{DELAY_MS}ms", threads="16"
        )
        for name in names()
    }


@pytest.mark.parametrize("name", names())
def test_a_batch_is_answered_whole(batches, name):
    stage = batches[name].stage
    assert stage.counts.ok == stage.counts.scheduled == stage.sent_total == IN_FLIGHT
    assert sound(batches[name].result)
    assert stage.statuses == {"200": IN_FLIGHT}
    assert stage.received_bytes == IN_FLIGHT * len("Hello!")


@pytest.mark.parametrize("name", names())
def test_the_target_saw_as_many_at_once_as_the_scenario_means(batches, name):
    peak = batches[name].grown["target_busy_threads_peak"]
    assert peak == (1 if name in ONE_AT_A_TIME else IN_FLIGHT)


@pytest.mark.parametrize("name", names())
def test_the_targets_own_counter_grew_by_exactly_what_was_sent(batches, name):
    assert batches[name].grown["target_requests_total"] == batches[name].stage.sent_total


@pytest.mark.parametrize("name", names())
def test_the_makespan_is_predicted_from_s_and_is_of_that_order_of_magnitude(batches, name):
    stage = batches[name].stage
    plan = batches[name].result.plan
    at_once = most_in_flight(plan, Stage(requests=IN_FLIGHT), scenario(name).TRAITS)
    assert stage.theory.service_ns > 0.95 * DELAY_MS * MS
    assert stage.theory.makespan_ns == makespan_ns(IN_FLIGHT, at_once, 16, stage.theory.service_ns)
    least_ns = makespan_ns(IN_FLIGHT, at_once, 16, DELAY_MS * MS)
    start_ns = 30 * NS_PER_S if name == "pool-map" else 0  # it includes the pool's start, which is its point
    assert 0.9 * least_ns < stage.makespan_ns < 20 * least_ns + start_ns


@pytest.mark.parametrize("name", names())
def test_latency_counts_from_the_barrier_and_service_time_from_the_sending(batches, name):
    stage = batches[name].stage
    assert stage.latency_ns.max >= stage.service_ns.max >= DELAY_MS * MS * 0.9
    if name in ONE_AT_A_TIME:
        assert stage.lag_ns.max > (IN_FLIGHT - 1) * DELAY_MS * MS * 0.9


def test_a_blocked_loop_really_blocks(batches):
    assert batches["blocked-loop"].stage.client.loop_stall_max_ns > DELAY_MS * MS / 2
    assert [finding.name for finding in batches["blocked-loop"].stage.findings] == ["loop_blocked"]


CLOSED = sorted(set(names()) - {"pool-map"})


@pytest.fixture(scope="module")
def loads(tmp_path_factory):
    """Three seconds of closed load by each scenario: as many users as it can have, up to 12."""
    return {
        name: run_plan(
            users_of(
                name, 1 if scenario(name).TRAITS.single_user else IN_FLIGHT, 3 * NS_PER_S, warmup_ns=100 * MS
            ),
            tmp_path_factory.mktemp(name),
            delay=DELAY,
            threads="16",
        )
        for name in CLOSED
    }


@pytest.mark.parametrize("name", CLOSED)
def test_closed_load_is_answered_and_agrees_with_the_targets_counter(loads, name):
    stage = loads[name].stage
    assert stage.counts.ok == stage.counts.scheduled > 0
    assert stage.sent_total >= stage.counts.scheduled
    assert loads[name].grown["target_requests_total"] == stage.sent_total
    assert sound(loads[name].result)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_load_has_as_many_in_flight_as_the_scenario_means(loads, name):
    at_once = 1 if name in ONE_AT_A_TIME else IN_FLIGHT
    assert loads[name].grown["target_busy_threads_peak"] == at_once
    assert 0.5 * at_once < loads[name].stage.in_flight_mean <= at_once


@pytest.mark.parametrize("name", CLOSED)
def test_throughput_stays_below_its_bound(loads, name):
    stage = loads[name].stage
    edges = 16 / (stage.throughput_hz * stage.window_ns / NS_PER_S)
    assert 0.2 < stage.throughput_hz / stage.theory.bound_hz <= 1 + edges


@pytest.mark.parametrize("name", sorted(set(CLOSED) - {"blocked-loop"}))
def test_a_users_lag_is_the_clients_own_and_small_beside_the_wait(loads, name):
    assert loads[name].stage.lag_ns.p50 < DELAY_MS * MS / 2


def carried_here(plan, target, sample):
    """Carry a shard in this process, and sample its loop while it runs."""

    async def carry_here():
        shard = Shard(plan.with_target(target.url), Share(plan.stages[0]), MONOTONIC)
        seen = []

        async def barrier():
            shard.start_at(MONOTONIC.now_ns())

        async def watch():
            while True:
                await asyncio.sleep(0.005)
                seen.append((MONOTONIC.now_ns(), sample(shard)))

        watching = asyncio.ensure_future(watch())
        async with asyncio.timeout(30):
            await scenario(plan.scenario).run(shard, barrier)
        watching.cancel()
        return shard, seen

    return carry_here()


def in_this_process(plan, folder, sample):
    async def against_a_target():
        host = LocalHost(folder / "target.log", {"--delay": "50ms", "--threads": "16"})
        try:
            return await carried_here(plan, await host.start(), sample)
        finally:
            await host.stop()

    return asyncio.run(against_a_target())


def test_chains_of_callbacks_keep_the_number_of_tasks_constant_while_they_run(tmp_path):
    """A task is a request in flight, and never is there one more: no user has a task of its own.

    Between a reply and the loop's next turn there may be fewer, when replies come together.
    """

    def tasks(shard):
        return len(asyncio.all_tasks()), shard.sent

    shard, seen = in_this_process(users_of("callback", IN_FLIGHT, 600 * MS), tmp_path, tasks)
    running = [count for at_ns, (count, sent) in seen if sent and at_ns < shard.end_ns]
    others = 2  # this test's: the one that carries, the one that watches
    assert len(running) > 5
    assert max(running) == IN_FLIGHT + others
    assert shard.sent > 5 * IN_FLIGHT


def test_a_coroutine_awaits_one_request_at_a_time(tmp_path):
    def in_flight(shard):
        return shard.sent - len(shard.tape)

    shard, seen = in_this_process(users_of("coroutine", 1, 400 * MS), tmp_path, in_flight)
    counts = {count for _, count in seen}
    assert 1 in counts
    assert counts <= {0, 1}
    rows = shard.tape.cut()
    assert len(rows) == shard.sent > 3
    assert all(rows[1:, 1] >= rows[:-1, 2]), "each was sent when the one before was done"


def test_a_pool_puts_its_shards_into_processes_of_their_own(tmp_path):
    seen = set()

    async def look(_events, _target):
        while True:
            await asyncio.sleep(0.05)
            seen.add(len(workers_of(os.getpid())))

    found = run_plan(users_of("pool", 4, processes=2), tmp_path, meanwhile=look, delay="10ms")
    assert max(seen) == 2
    assert found.stage.processes == len(found.stage.client.cpu_ratio) == 2
    assert found.stage.counts.ok > 0
