"""N tasks on one event loop: while one awaits its reply, the loop serves the others."""

import asyncio

from loadlab.drive import opened, settle, user
from loadlab.plan import Traits, Workload
from loadlab.scenarios import Barrier
from loadlab.shard import Shard

TRAITS = Traits(
    name="task",
    idea="N tasks on one event loop (create_task, asyncio.wait)",
    transports=("aiohttp", "wire", "null"),
    workloads=(Workload.CLOSED, Workload.BATCH),
)


async def carry(shard: Shard, barrier: Barrier, traits: Traits = TRAITS) -> None:
    """Give every user a task of its own."""
    async with opened(shard) as (prepared, transport):
        feeds = shard.feeds(prepared, apart=not traits.single_user)
        await barrier()
        await settle(shard, [asyncio.create_task(user(shard, feed, transport.send)) for feed in feeds])
