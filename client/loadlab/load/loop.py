"""What the loops that make load share: how one begins and ends, and its pulse.

These rules hold in each:

1. `due` is set before a request is sent and never derived from when it was.
2. Every request that is counted as sent ends as exactly one row on the tape, cancelled ones as `unfinished`.
3. Nothing is done per request that could be done per second or per stage.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from loadlab.clock import NS_PER_S
from loadlab.load.shard import Shard
from loadlab.system.scheduling import set_switch_interval
from loadlab.transports import AsyncTransport, async_transport

_POLL_S = 0.05
_TICK_S = 0.05


@asynccontextmanager
async def opened(shard: Shard) -> AsyncIterator[tuple[list[Any], AsyncTransport]]:
    """Open the plan's transport; give the prepared requests and the transport that sends them."""
    set_switch_interval()
    transport = async_transport(shard.plan.transport)
    await transport.open(shard.plan)
    try:
        yield [transport.prepare(request) for request in shard.plan.requests], transport
    finally:
        await transport.close()
        shard.stats.add(transport.stats)


async def settle(shard: Shard, users: list[asyncio.Task[None]] | list[asyncio.Future[None]]) -> None:
    """Wait for all users, or until one of them raises; cancel those that the drain leaves behind."""
    everyone = asyncio.gather(*users)
    while not everyone.done() and shard.drain_left_ns() > 0:
        await asyncio.wait([everyone], timeout=_POLL_S)
    for one in users:
        one.cancel()
    await asyncio.gather(everyone, *users, return_exceptions=True)
    for one in users:
        if not one.cancelled() and (error := one.exception()):
            raise error


async def watch_loop(shard: Shard) -> None:
    """Keep the loop's pulse: how late its timers come, and that they come at all."""
    while True:
        asked_ns = shard.now_ns()
        await asyncio.sleep(_TICK_S)
        due_ns = asked_ns + round(_TICK_S * NS_PER_S)
        shard.loop_ticks += 1
        late_ns = shard.window.overlap_ns(due_ns, shard.now_ns())
        shard.loop_stall_max_ns = max(shard.loop_stall_max_ns, late_ns)
