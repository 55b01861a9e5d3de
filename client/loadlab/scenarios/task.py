"""N tasks on one event loop: while one awaits its reply, the loop serves the others."""

import asyncio
from typing import Any

from loadlab.load.closed_users import user
from loadlab.load.loop import opened, settle
from loadlab.load.open_schedule import InFlightLimit, act_in_turns, open_load
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


class Tasks:
    """Requests of an open workload, each a task."""

    def __init__(self, shard: Shard, transport: AsyncTransport) -> None:
        self._shard = shard
        self._send = transport.send
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    def __len__(self) -> int:
        """Return how many are in flight."""
        return len(self._tasks)

    def send(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401 - as in InFlight
        """Start the task of one request."""
        task = asyncio.create_task(self._request(limit, due_ns, flag, prepared))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def cut(self) -> None:
        """Cancel those in flight."""
        await asyncio.sleep(0)  # a task that has not begun would be cancelled without a trace
        left = list(self._tasks)
        await act_in_turns(left, asyncio.Task.cancel)
        await asyncio.gather(*left, return_exceptions=True)
        if self._error is not None:
            raise self._error

    async def _request(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401
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

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._error = self._error or error
            self._shard.halt()
