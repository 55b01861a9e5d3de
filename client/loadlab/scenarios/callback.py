"""N chains of futures: a reply's callback sends the next request, and no coroutine resumes in between."""

from loadlab.drive import Chain, opened, settle
from loadlab.plan import Traits, Workload
from loadlab.scenarios import Barrier
from loadlab.shard import Shard

TRAITS = Traits(
    name="callback",
    idea="N chains of futures: add_done_callback sends the next request",
    transports=("aiohttp",),
    workloads=(Workload.CLOSED, Workload.BATCH),
)


async def carry(shard: Shard, barrier: Barrier) -> None:
    """Start every chain once; from then on only callbacks run."""
    async with opened(shard) as (prepared, send):
        feeds = shard.feeds(prepared, apart=True)
        await barrier()
        chains = [Chain(shard, feed, send) for feed in feeds]
        for chain in chains:
            chain.step()
        try:
            await settle(shard, [chain.done for chain in chains])
        finally:
            for chain in chains:
                await chain.cut()
