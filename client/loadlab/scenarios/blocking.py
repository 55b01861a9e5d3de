"""One blocking call after another in one thread: every wait is waited in full."""

from loadlab.load.shard import Shard
from loadlab.scenarios import Barrier, threads
from loadlab.transports import REQUESTS
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="blocking",
    idea="one blocking call after another in one thread",
    transports=(REQUESTS,),
    workloads=(Workload.CLOSED, Workload.BATCH),
    single_user=True,
)


async def run(shard: Shard, barrier: Barrier) -> None:
    """Let the only user make its calls in one thread."""
    await threads.run(shard, barrier, TRAITS)
