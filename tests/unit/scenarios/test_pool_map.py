"""A pool that is stopped before its start."""

import multiprocessing

from loadlab.scenarios.pool_map import run as run_pool_map
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import FakeClock, plan, run, shard_of


def test_a_pool_is_not_started_where_the_run_was_stopped_before():
    clock = FakeClock()
    batch = plan(scenario="pool-map", workload=Workload.BATCH, stages=(Stage(requests=3),), duration_ns=None)
    shard = shard_of(clock, batch)

    async def stopped_meanwhile():
        shard.halt()

    run(clock, run_pool_map(shard, stopped_meanwhile))
    assert shard.sent == 0
    assert multiprocessing.active_children() == []
