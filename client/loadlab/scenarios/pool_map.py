"""aiomultiprocess as it is usually written, `Pool().map(get, urls)`: what a pool task per request costs.

The makespan includes the pool's start and its stop is left out; each request opens a client of its own.
"""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from aiomultiprocess import Pool

from loadlab.clock import MONOTONIC
from loadlab.load.shard import Shard
from loadlab.recording.reasons import number_of, text_of
from loadlab.recording.sample import ANSWERED, Reply
from loadlab.recording.tape import packed_row, unfinished_row
from loadlab.scenarios import Barrier
from loadlab.system.event_loop import new_event_loop
from loadlab.system.resources import Resource
from loadlab.transports import AIOHTTP, async_transport
from loadlab.workload.plan import Plan, Request
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="pool-map",
    idea="aiomultiprocess Pool().map(get, urls), as it is usually written",
    transports=(AIOHTTP,),
    workloads=(Workload.BATCH,),
    many_processes=True,
    client_per_request=True,
    hides_flight=True,
    tasks_per_process=16,  # aiomultiprocess's own default, `childconcurrency`
)

_ROOM_FOR_A_SOCKET = 70
"""Bytes of a temporary folder's path: Linux takes 107 of a socket's, and multiprocessing adds 32."""
_POLL_S = 0.1
_STOPPED_S = 1.0
_plan: Plan


def keep_socket_paths_short() -> None:
    """Leave a temporary folder whose path is too long for the socket of the library's manager."""
    if len(os.fsencode(tempfile.gettempdir())) > _ROOM_FOR_A_SOCKET:
        for name in ("TMPDIR", "TEMP", "TMP"):
            os.environ.pop(name, None)  # the processes that this one starts look there, too
        tempfile.tempdir = None


def remember(plan: Plan) -> None:
    """Give a pool process what all its requests have in common."""
    global _plan  # noqa: PLW0603 - an initializer has no other way to reach the tasks
    _plan = plan


class _Got(NamedTuple):
    """One request's sent and done, its reply, and what a number in another process does not tell."""

    sent_ns: int
    done_ns: int
    reply: Reply
    reason: str
    short_of: tuple[Resource, ...]


async def get(request: Request) -> _Got:
    """Make one request with a client of its own."""
    transport = async_transport(_plan.transport)
    await transport.open(_plan)
    sent_ns = MONOTONIC.now_ns()
    reply = await transport.send(transport.prepare(request))
    done_ns = MONOTONIC.now_ns()
    await transport.close()
    reason = "" if reply.outcome in ANSWERED else text_of(reply.status)
    return _Got(sent_ns, done_ns, reply, reason, tuple(transport.stats.short_of))


async def run(shard: Shard, barrier: Barrier) -> None:
    """Start the pool at the barrier and let it map."""
    (requests,) = shard.requests_by_user(list(shard.plan.requests), apart=False)
    urls = list(requests)
    keep_socket_paths_short()
    await barrier()
    if shard.halted.is_set():
        return  # a pool takes a second to start, which a stop of the run would wait for
    shard.sent = len(urls)
    pool = Pool(
        shard.plan.processes,
        initializer=remember,
        initargs=(shard.plan,),
        childconcurrency=TRAITS.tasks_per_process,
        loop_initializer=new_event_loop,
    )
    try:
        rows = await _unless_lost(shard, pool, pool.map(get, urls))
        for got in rows:
            _note(shard, got)
    finally:
        pool.terminate()
        for process in pool.processes:
            process.kill()  # one that is stopped would not hear of being terminated
        for tasks, _ in pool.queues.values():
            tasks.cancel_join_thread()  # what is never taken would keep this process from its end
        await pool.join()
    for _ in range(len(urls) - len(rows)):
        shard.tape.note(unfinished_row(shard.begin_ns, shard.begin_ns, shard.now_ns()))


def _note(shard: Shard, got: _Got) -> None:
    """Write down a request that another process made: its reason has another number here."""
    reply = got.reply
    status = number_of(got.reason) if got.reason else reply.status
    shard.tape.note(
        packed_row(
            shard.begin_ns, got.sent_ns, got.done_ns, reply.outcome, status, reply.body_bytes, reply.inside_ns
        )
    )
    for resource in got.short_of:
        shard.stats.ran_out(resource)


async def _unless_lost(shard: Shard, pool: Any, mapped: Any) -> list[_Got]:  # noqa: ANN401 - untyped library
    """Await the map's result; a pool process that died or is stopped would keep it from ever coming."""
    processes = list(pool.processes)
    stopped = 0
    result = asyncio.ensure_future(_awaited(mapped))
    while not result.done() and shard.drain_left_ns() > 0:
        await asyncio.wait([result], timeout=_POLL_S)
        lost = [process.exitcode for process in processes if process.exitcode is not None]
        if lost and not result.done():
            raise RuntimeError(f"a process of the pool died with exit code {lost[0]}; what it held is lost")
        stopped = stopped + 1 if any(_is_stopped(process.pid) for process in processes) else 0
        if stopped * _POLL_S > _STOPPED_S:
            raise RuntimeError("a process of the pool is stopped; what it holds does not come")
    if result.done():
        return result.result()
    result.cancel()
    return []


def _is_stopped(pid: int) -> bool:
    """Tell whether a process is stopped by a signal, where the system tells it (proc(5), `stat`)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (OSError, IndexError):
        return False


async def _awaited(mapped: Any) -> list[_Got]:  # noqa: ANN401 - untyped library
    return list(await mapped)
