"""A worker in a process of this machine, started by aiomultiprocess."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import SimpleNamespace

from aiomultiprocess import Worker, core
from aiomultiprocess.core import get_context

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.fleet.messages import Ended, FromParent, FromWorker, Ready, Task, encode, from_worker
from loadlab.fleet.silence import wants_core
from loadlab.fleet.worker import own_group, run_shard
from loadlab.fleet.worker_clock import SAME_CLOCK
from loadlab.fleet.worker_handle import Gone
from loadlab.load.shard import Share
from loadlab.system.event_loop import new_event_loop
from loadlab.system.scheduling import lower_priority
from loadlab.system.stop_signals import SIGNALS
from loadlab.workload.plan import Plan

_JOIN_NS = 2 * NS_PER_S
_EXIT_NS = NS_PER_S // 2
"""How long a process whose line has closed may take to end."""
_POLL_S = 0.005


class LocalWorker:
    """A `WorkerHandle` whose process shares this one's clock."""

    clock = SAME_CLOCK

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[FromWorker | None] = asyncio.Queue()
        self._worker: Worker | None = None
        self._line: Connection
        self._ended = False
        self._writing = threading.Lock()
        self._unsent: list[FromParent] | None = []
        """What the worker is to hear after its task; None once it has been told that."""

    def start(self, share: Share) -> None:
        """Start the process and a thread that listens to it."""
        self._line, theirs = get_context().Pipe()
        _keep_results_in_process()
        _start_resource_tracker()  # before the signals are blocked: who starts it has them unblocked
        self._worker = Worker(
            target=run_shard,
            args=(theirs,),
            initializer=own_group,
            loop_initializer=new_event_loop,
            name=f"loadlab shard {share.shard}",
        )
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        threading.Thread(target=self._listen, args=(Task(self._plan, share),), daemon=True).start()

    def _listen(self, task: Task) -> None:
        """Speak first, and then read, in a thread: a worker that is stopped must not stop the parent.

        The task does not go with the process's start: that would wait for a worker that never reads it.
        """
        try:
            self._line.send_bytes(encode(task))
            with self._writing:
                for message in self._unsent or ():
                    self._line.send_bytes(encode(message))
                self._unsent = None
            while True:
                heard = from_worker(self._line.recv_bytes())
                self._loop.call_soon_threadsafe(self._events.put_nowait, heard)
                if isinstance(heard, Ready):
                    lower_priority()
        except (EOFError, OSError, RuntimeError):
            with contextlib.suppress(RuntimeError):  # nothing is left to hear it
                self._loop.call_soon_threadsafe(self._events.put_nowait, None)

    def tell(self, message: FromParent) -> None:
        """Say something, if anybody is left to hear it."""
        with self._writing:
            if self._unsent is not None:
                self._unsent.append(message)
            else:
                with contextlib.suppress(OSError):  # its line has closed, which the listener hears
                    self._line.send_bytes(encode(message))

    async def events(self) -> AsyncIterator[FromWorker | Gone]:
        """Give what the listener hears."""
        while (message := await self._events.get()) is not None:
            self._ended = self._ended or isinstance(message, Ended)
            yield message
        yield Gone(await self._exit())

    async def _exit(self) -> str:
        """Say in words how the process ended."""
        assert self._worker is not None
        await self._until_dead(_EXIT_NS)
        code = self._worker.exitcode
        if code == -signal.SIGABRT:
            return "was killed by SIGABRT, as by a library that could start no thread or had no memory"
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended by itself with exit code {code}"

    def wants_core(self) -> bool:
        """Ask the kernel."""
        return self._worker is not None and self._worker.pid is not None and wants_core(self._worker.pid)

    async def end(self) -> None:
        """Wait for a process that has said its last word; kill its group."""
        if self._worker is None or (pid := self._worker.pid) is None:
            return
        if self._ended:
            await self._until_dead(_JOIN_NS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if self._worker.is_alive():
            self._worker.kill()
        await self._until_dead(_JOIN_NS)
        self._line.close()

    async def _until_dead(self, patience_ns: int) -> None:
        assert self._worker is not None
        deadline_ns = MONOTONIC.now_ns() + patience_ns
        while self._worker.is_alive() and MONOTONIC.now_ns() < deadline_ns:
            await asyncio.sleep(_POLL_S)


def _start_resource_tracker() -> None:
    """Start multiprocessing's helper: it removes what a killed worker leaves, without a warning."""
    quiet = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(quiet)  # goes on to the helper's command line
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(quiet)


class _ResultsInProcess:
    """Stands in for aiomultiprocess's manager process, which would keep what a worker returns.

    Workers report over their lines, so nothing reads that. And starting a manager waits without a limit where
    it can start no thread. What this hands out is pickled to the worker like any other argument. `pool-map`
    shows the library as it is, manager included.
    """

    def Namespace(self) -> SimpleNamespace:  # noqa: N802 - as the library calls it
        return SimpleNamespace()


def _keep_results_in_process() -> None:
    core._manager = _ResultsInProcess()  # noqa: SLF001 - the library has no other way in
