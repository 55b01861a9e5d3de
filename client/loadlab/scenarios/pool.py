"""P processes, each with an event loop and its share of the tasks: for when one core is not enough."""

from loadlab.load.shard import Shard
from loadlab.scenarios import Barrier, task
from loadlab.transports import AIOHTTP, NULL, WIRE
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="pool",
    idea="P processes x tasks: one long-lived aiomultiprocess worker per shard",
    transports=(AIOHTTP, WIRE, NULL),
    workloads=(Workload.CLOSED, Workload.OPEN, Workload.BATCH),
    takes_journeys=True,
    many_processes=True,
    sharded=True,
)


async def run(shard: Shard, barrier: Barrier) -> None:
    """Run this process's share as tasks; the processes share nothing but the start."""
    await task.run(shard, barrier, TRAITS)
