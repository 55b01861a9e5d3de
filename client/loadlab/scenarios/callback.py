"""N chains of futures: a reply's callback sends the next request, and no coroutine resumes in between."""

from loadlab.drive import Chain, settle
from loadlab.plan import Traits, Workload
from loadlab.scenarios import Barrier
from loadlab.shard import Shard
from loadlab.transports import async_transport

TRAITS = Traits(
    name="callback",
    idea="N chains of futures: add_done_callback sends the next request",
    transports=("aiohttp",),
    workloads=(Workload.CLOSED, Workload.BATCH),
)


async def carry(shard: Shard, barrier: Barrier) -> None:
    """Start every chain once; from then on only callbacks run."""
    async with async_transport(shard) as (prepared, send):
        feeds = shard.feeds(prepared, TRAITS)
        await barrier()
        chains = [Chain(shard, feed, send) for feed in feeds]
        for chain in chains:
            chain.step()
        try:
            await settle(shard, [chain.done for chain in chains])
        finally:
            for chain in chains:
                chain.cut()
