"""A worker process as its parent sees it: what it said last, and whether it is still to be believed.

A worker that is killed or raises is found at once: its pipe closes, or it says so. One that hangs is found
within two seconds, by its silence or by a loop that does not turn. It takes longer where the worker is silent
but wants a core (`silence`), and in `pool-map`, whose loop starts processes: that loop has 30 s to turn.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from aiomultiprocess import Worker
from aiomultiprocess.core import get_context

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.fleet.cpu_use import CpuUse, Heartbeats, took
from loadlab.fleet.messages import (
    Ended,
    Failed,
    FromParent,
    FromWorker,
    Heartbeat,
    Quit,
    Ready,
    Report,
    encode,
    from_worker,
)
from loadlab.fleet.no_manager import keep_in_process
from loadlab.fleet.silence import Silence, ready_to_run
from loadlab.fleet.waiting import Waiting
from loadlab.fleet.worker import carry_shard, own_group
from loadlab.load.shard import Share
from loadlab.recording.recorder import Recorder
from loadlab.recording.window import Window
from loadlab.system.event_loop import new_event_loop
from loadlab.system.scheduling import lower_priority
from loadlab.system.stop_signals import SIGNALS
from loadlab.workload.plan import Plan
from loadlab.workload.traits import Traits

_SILENT_NS = 1_500 * NS_PER_MS
START_NS = 30 * NS_PER_S
"""How long processes may take to start: a worker, or those of a pool that it starts itself."""
_JOIN_NS = 2 * NS_PER_S
_QUIT_NS = 8 * NS_PER_S
"""How long a worker may take that is told to quit: it has a patience of its own, which is shorter."""
_POLL_S = 0.005


def _start_tracker() -> None:
    """Start multiprocessing's helper: it removes what a killed worker leaves, and need not warn of it."""
    quiet = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(quiet)  # goes on to the helper's command line
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(quiet)


class WorkerHandle:
    """A shard as the parent sees it; it sets `heard` when there is news, or no more to come."""

    def __init__(self, plan: Plan, share: Share, heard: asyncio.Event, traits: Traits) -> None:
        self._tell = heard.set
        self.shard = share.shard
        self._loop = asyncio.get_running_loop()
        self._blocks_loop = traits.blocks_loop
        self._turns_within_ns = START_NS if traits.hides_flight else _SILENT_NS  # its loop starts processes
        mine, theirs = get_context().Pipe()
        self.pipe: Connection = mine
        self._task = plan, share
        self._theirs: Connection = theirs
        keep_in_process()
        self.worker = Worker(
            target=carry_shard,
            args=(theirs,),
            initializer=own_group,
            loop_initializer=new_event_loop,
            name=f"loadlab shard {share.shard}",
        )
        self.ready = False
        self.ended: Ended | None = None
        self.broken: str | None = None
        self.pulses = Heartbeats()
        self.waiting = Waiting()
        self._silence = Silence(MONOTONIC.now_ns())
        self._pulsed_ns = self._moved_ns = 0
        self.upto_ns = 0
        """Up to when it has reported; 0 before its first report."""
        self._ends_by_ns = 1 << 62
        self.sent = self.finished = 0
        self._news: list[Report] = []
        self._speaks = threading.Lock()
        self._unsaid: list[FromParent] | None = []
        """What the worker is to hear after its task; None once it has been told that."""

    def start(self) -> None:
        """Start the process, deaf to what a terminal sends to all, and listen to it."""
        _start_tracker()  # first: who starts it has its signals unblocked
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self.worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        self._theirs.close()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Speak first, and then read, in a thread: a worker that is stopped must not stop the parent.

        What the worker is to do does not go with its start: that would wait for a worker that never reads it.
        """
        try:
            self.pipe.send(self._task)
            with self._speaks:
                for unsaid in self._unsaid or ():
                    self.pipe.send_bytes(encode(unsaid))
                self._unsaid = None
            while True:
                message = from_worker(self.pipe.recv_bytes())
                self._loop.call_soon_threadsafe(self._hear, message)
                if isinstance(message, Ready):
                    lower_priority()
        except (EOFError, OSError, RuntimeError):
            with contextlib.suppress(RuntimeError):  # nobody is left to hear it
                self._loop.call_soon_threadsafe(self._hear, None)

    def _hear(self, message: FromWorker | None) -> None:
        self._silence.broken()
        if not isinstance(message, Heartbeat):
            self._tell()
        match message:
            case None if self.ended is None and self.broken is None:
                self.broken = self._exit()
            case Ready():
                self.ready = True
                self._moved_ns = MONOTONIC.now_ns()
            case Heartbeat():
                if not self.pulses or message.progress != self.pulses[-1].progress:
                    self._moved_ns = message.at_ns
                self.pulses.append(message)
                self.waiting.hear(message, blocks_loop=self._blocks_loop)
                self._pulsed_ns = message.at_ns
            case Report():
                self._news.append(message)
            case Ended():
                self.ended = message
            case Failed() if self.broken is None:
                self.broken = message.error

    def _exit(self) -> str:
        self.worker.aio_process.join(0.5)
        code = self.worker.exitcode
        if code == -signal.SIGABRT:
            return "was killed by SIGABRT, as by a library that could start no thread or had no memory"
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended by itself with exit code {code}"

    def check(self) -> None:
        """Break what has been silent, or has not moved, for too long."""
        now_ns = MONOTONIC.now_ns()
        if self.over:
            return
        if now_ns > self._ends_by_ns:
            self.broken = "did not end when it was told to"
        elif not (self.ready or self.pulses):
            return  # it is being started
        elif self._silence.look(now_ns, self._is_ready_to_run) > _SILENT_NS:
            self.broken = "has been silent: it is stopped or hangs"
        elif (
            self.ready and self._pulsed_ns - self._moved_ns > self._turns_within_ns and not self._blocks_loop
        ):
            self.broken = "hangs: its loop does not turn"

    def _is_ready_to_run(self) -> bool:
        return self.worker.pid is not None and ready_to_run(self.worker.pid)

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.ended is not None or self.broken is not None

    def take_news(self) -> list[Recorder]:
        """Return what was reported since the last call; what is known of the shard is known up to then."""
        news, self._news = self._news, []
        for delta in news:
            self.sent += delta.counted.sent
            self.finished += delta.counted.finished
            self.upto_ns = delta.upto_ns
        return [delta.counted for delta in news]

    def tell(self, message: FromParent) -> None:
        """Say something, if anybody is left to hear it; a worker hears first what its task is."""
        if isinstance(message, Quit):
            self._ends_by_ns = MONOTONIC.now_ns() + _QUIT_NS
        if not self.over:
            try:
                with self._speaks:
                    if self._unsaid is not None:
                        self._unsaid.append(message)
                    else:
                        self.pipe.send_bytes(encode(message))
            except OSError:
                self.broken = self.broken or self._exit()

    async def end(self) -> None:
        """See the process out: it has said its last word, or it is ended with all that it started."""
        pid = self.worker.pid
        if pid is None:
            return
        patience_ns = 0 if self.broken else _JOIN_NS
        deadline_ns = MONOTONIC.now_ns() + patience_ns
        while self.worker.is_alive() and MONOTONIC.now_ns() < deadline_ns:
            await asyncio.sleep(_POLL_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        if self.worker.is_alive():
            self.worker.kill()
        deadline_ns = MONOTONIC.now_ns() + _JOIN_NS
        while self.worker.is_alive() and MONOTONIC.now_ns() < deadline_ns:
            await asyncio.sleep(_POLL_S)
        self.pipe.close()

    def took(self, window: Window) -> CpuUse:
        """Return what the process took of its core in the window."""
        return took(self.pulses, window)
