"""P processes, each with an event loop and its share of the tasks: for when one core is not enough."""

from loadlab.load.shard import Shard
from loadlab.scenarios import Barrier, task
from loadlab.workload.plan import Traits, Workload

TRAITS = Traits(
    name="pool",
    idea="P processes x tasks: one long-lived aiomultiprocess worker per shard",
    transports=("aiohttp", "wire", "null"),
    workloads=(Workload.CLOSED, Workload.OPEN, Workload.BATCH),
    many_processes=True,
    sharded=True,
)


async def carry(shard: Shard, barrier: Barrier) -> None:
    """Carry this process's share as tasks; the processes share nothing but the start."""
    await task.carry(shard, barrier, TRAITS)
