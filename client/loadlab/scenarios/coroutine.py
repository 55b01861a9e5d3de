"""One coroutine awaited after another: async alone is not concurrent."""

from loadlab.load.shard import Shard
from loadlab.scenarios import Barrier, task
from loadlab.transports import AIOHTTP, WIRE
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="coroutine",
    idea="one coroutine awaited after another on an event loop: async alone is not concurrent",
    transports=(AIOHTTP, WIRE),
    workloads=(Workload.CLOSED, Workload.BATCH),
    single_user=True,
)


async def run(shard: Shard, barrier: Barrier) -> None:
    """Let the only user await each call to its end before it makes the next."""
    await task.run(shard, barrier, TRAITS)
