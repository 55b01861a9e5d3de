"""N tasks on one event loop: while one awaits its reply, the loop serves the others."""

import asyncio
from typing import Any

from loadlab.load.closed_users import user
from loadlab.load.loop import opened, settle
from loadlab.load.open_schedule import InFlightLimit, open_load
from loadlab.load.open_tasks import OpenTasks
from loadlab.load.shard import Shard
from loadlab.recording.tape import packed_row, unfinished_row
from loadlab.scenarios import Barrier
from loadlab.transports import AIOHTTP, NULL, WIRE, AsyncTransport
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="task",
    idea="N tasks on one event loop (create_task, asyncio.wait)",
    transports=(AIOHTTP, WIRE, NULL),
    workloads=(Workload.CLOSED, Workload.OPEN, Workload.BATCH),
    takes_journeys=True,
)


async def run(shard: Shard, barrier: Barrier, traits: Traits = TRAITS) -> None:
    """Give every user a task of its own; in an open workload every request is a user."""
    if shard.plan.journeys is not None:
        from loadlab.journeys.run import travel  # noqa: PLC0415 - large, and few runs have journeys

        await travel(shard, barrier)
        return
    async with opened(shard) as (prepared, transport):
        if shard.plan.workload.traits.has_schedule:
            await open_load(shard, shard.requests(prepared), Tasks(shard, transport), barrier)
            return
        by_user = shard.requests_by_user(prepared, apart=not traits.single_user)
        await barrier()
        users = [
            user(shard, requests, transport.send, shard.pace(index)) for index, requests in enumerate(by_user)
        ]
        await settle(shard, [asyncio.create_task(each) for each in users])


class Tasks(OpenTasks):
    """Requests of an open workload, each a task."""

    def __init__(self, shard: Shard, transport: AsyncTransport) -> None:
        super().__init__(shard)
        self._send = transport.send

    async def _arrival(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401
        shard = self._shard
        sent_ns = shard.now_ns()
        shard.sent += 1
        try:
            reply = await self._send(prepared)
        except asyncio.CancelledError:
            shard.tape.note(unfinished_row(due_ns, sent_ns, shard.now_ns(), flag))
            raise
        done_ns = shard.now_ns()
        flagged = reply.outcome | flag
        shard.tape.note(
            packed_row(due_ns, sent_ns, done_ns, flagged, reply.status, reply.body_bytes, reply.inside_ns)
        )
        limit.release()
