"""N tasks whose body blocks: one blocking call holds the whole loop, so the tasks take turns."""

import asyncio
import threading

from loadlab.load.closed_users import BlockingUser
from loadlab.load.loop import settle
from loadlab.load.shard import Shard
from loadlab.scenarios import Barrier
from loadlab.transports import REQUESTS, blocking_transport
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="blocked-loop",
    idea="N tasks whose body blocks: one blocking call holds the whole loop",
    transports=(REQUESTS,),
    workloads=(Workload.CLOSED, Workload.BATCH),
    blocks_loop=True,
)


async def run(shard: Shard, barrier: Barrier) -> None:
    """Give every user a task, all over one blocking connection: there is never a second call to need one."""
    transport = blocking_transport(shard.plan.transport)
    transport.open(shard.plan)
    by_user = shard.requests_by_user(
        [transport.prepare(request) for request in shard.plan.requests], apart=True
    )
    users = [
        BlockingUser(shard, requests, transport.send, threading.Lock(), shard.pace(index))
        for index, requests in enumerate(by_user)
    ]
    shard.in_hand.extend(users)
    await barrier()
    try:
        await settle(shard, [asyncio.create_task(_take_turns(user)) for user in users])
    finally:
        transport.close()
        shard.stats.add(transport.stats)


async def _take_turns(user: BlockingUser) -> None:
    """Block in every step, and let the other tasks have the loop only in between."""
    left: int | None = user.first_due_ns
    while left is not None:
        left = user.step(left)
        await asyncio.sleep(0)
