"""A second kind of worker: a process behind two pipes with a clock of its own, and asyncio at this end."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from loadlab.clock import MONOTONIC
from loadlab.fleet.messages import Ended, FromParent, FromWorker, Task, encode, from_worker
from loadlab.fleet.silence import wants_core
from loadlab.fleet.worker_clock import SAME_CLOCK, estimate
from loadlab.fleet.worker_handle import Gone
from loadlab.load.shard import Share
from loadlab.workload.plan import Plan
from support import namespaces
from support.pipe_worker_process import LENGTH_BYTES, ROUND_TRIPS

PROCESS = Path(__file__).with_name("pipe_worker_process.py")
AHEAD_S = 86_400
_JOIN_S = 2.0


def ahead_s() -> int:
    """Return how far its clock is ahead: a day, where a namespace can be made."""
    return AHEAD_S if namespaces.clock_can_be_set_ahead() else 0


class PipeWorker:
    """A `WorkerHandle`."""

    def __init__(self, plan: Plan) -> None:
        self.clock = SAME_CLOCK
        self._plan = plan
        self._spawned: asyncio.Task[Process] | None = None
        self._prepared: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._unsent: list[FromParent] | None = []
        self._ended = False

    def start(self, share: Share) -> None:
        arguments = (sys.executable, str(PROCESS), str(ahead_s()))
        # In a group of its own from the start: nothing that a terminal sends reaches it.
        spawning = asyncio.create_subprocess_exec(*arguments, stdin=PIPE, stdout=PIPE, process_group=0)
        self._spawned = asyncio.create_task(spawning)
        self._prepared = asyncio.create_task(self._prepare(Task(self._plan, share), self._spawned))

    async def _prepare(self, task: Task, spawned: "asyncio.Task[Process]") -> None:
        self._process = await asyncio.shield(spawned)
        round_trips = []
        for _ in range(ROUND_TRIPS):
            asked_ns = MONOTONIC.now_ns()
            self._write(b"")
            read_ns = int.from_bytes(await self._read())
            round_trips.append((asked_ns, read_ns, MONOTONIC.now_ns()))
        self.clock = estimate(round_trips)
        unsent, self._unsent = self._unsent or [], None
        for message in (task, *unsent):
            self.tell(message)

    def tell(self, message: FromParent) -> None:
        if self._unsent is not None:
            self._unsent.append(message)
        else:
            self._write(encode(self.clock.to_worker(message)))

    def _write(self, data: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(len(data).to_bytes(LENGTH_BYTES) + data)

    async def _read(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        size = int.from_bytes(await self._process.stdout.readexactly(LENGTH_BYTES))
        return await self._process.stdout.readexactly(size)

    async def events(self) -> AsyncIterator[FromWorker | Gone]:
        assert self._prepared is not None
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._prepared
            while True:
                message = self.clock.to_parent(from_worker(await self._read()))
                self._ended = self._ended or isinstance(message, Ended)
                yield message
        assert self._process is not None
        code = await self._process.wait()
        yield Gone(
            f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        )

    def wants_core(self) -> bool:
        return self._process is not None and wants_core(self._process.pid)

    async def end(self) -> None:
        if self._spawned is None or self._prepared is None:
            return
        process = await self._spawned
        if self._ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _JOIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        self._prepared.cancel()
        await asyncio.wait([self._prepared])
