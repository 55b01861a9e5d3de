"""N chains of futures: a reply's callback sends the next request, and no coroutine resumes in between."""

from loadlab.chains import chain
from loadlab.drive import opened, settle
from loadlab.plan import Traits, Workload
from loadlab.scenarios import Barrier
from loadlab.shard import Shard

TRAITS = Traits(
    name="callback",
    idea="N chains of futures: add_done_callback sends the next request",
    transports=("aiohttp", "wire", "null"),
    workloads=(Workload.CLOSED, Workload.BATCH),
)


async def carry(shard: Shard, barrier: Barrier) -> None:
    """Start every chain once; from then on only callbacks run."""
    async with opened(shard) as (prepared, transport):
        feeds = shard.feeds(prepared, apart=True)
        await barrier()
        chains = [chain(shard, feed, transport) for feed in feeds]
        for each in chains:
            each.step()
        try:
            await settle(shard, [each.done for each in chains])
        finally:
            for each in chains:
                await each.cut()
