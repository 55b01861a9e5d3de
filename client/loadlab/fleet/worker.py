"""The inside of a worker process: the shard in the main thread, and the thread that reports.

The loop only appends to the tape. This thread samples what is in flight on a clock of its own, folds the
tape in pieces that give the loop its turn, and talks to the parent. When the parent is gone it ends the whole
process group, pool processes included.
"""

import asyncio
import os
import random
import select
import signal
import sys
import threading
import time
import traceback
from typing import Protocol

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.errors import LabError
from loadlab.fleet.messages import (
    Ended,
    Failed,
    Go,
    Halt,
    Heartbeat,
    Quit,
    Ready,
    Report,
    Task,
    encode,
    from_parent,
)
from loadlab.load.loop import watch_loop
from loadlab.load.shard import Shard
from loadlab.recording.recorder import Recorder
from loadlab.recording.tape import PIECE, pieces
from loadlab.recording.window import Window
from loadlab.scenarios import scenario
from loadlab.system.limits import lacking, limit_of
from loadlab.system.memory import TIDY_NS, give_back_free_pages, give_back_large_blocks
from loadlab.system.resources import shortage
from loadlab.system.run_queue import RunQueueTime
from loadlab.system.scheduling import ReporterTurn, request_short_slice
from loadlab.system.stillborn import on_stillborn_thread
from loadlab.system.stop_signals import SIGNALS
from loadlab.system.terminal_text import EscapingStream

_SAMPLE_MS = 10
"""On average: looks at even distances could keep step with an even schedule, and see always the same."""
_LEAST_APART_NS = _SAMPLE_MS * NS_PER_MS // 2
"""Looks that are nearer to each other see the same requests, and tell nothing of the sampling's error."""
_BEAT_NS = 250 * NS_PER_MS
_TURN_MS = 1
"""The loop's turn between two pieces of a fold, or two steps of a report."""
_OVERTIME_NS = NS_PER_S // 2
"""How long after the end of the drain a shard whose loop does not turn is cut."""
_PATIENCE_NS = 5 * NS_PER_S
"""The same of one whose loop turns: it may have much to give up."""


class Line(Protocol):
    """What carries whole messages to and from the parent; both raise EOFError or OSError once it is gone."""

    def fileno(self) -> int:
        """Return the file that is ready to read when the parent has said something."""
        ...

    def recv_bytes(self) -> bytes:
        """Return its next message; wait for one."""
        ...

    def send_bytes(self, message: bytes, /) -> None:
        """Say something; wait until it can be said."""
        ...


async def run_shard(parent: Line) -> None:
    """Run one shard from set-up to drain, in a process of its own: `own_group` comes first.

    The parent says first what its task is.
    """
    give_back_large_blocks()
    sys.stderr = EscapingStream(sys.stderr.buffer, errors="backslashreplace", line_buffering=True)
    try:
        task = from_parent(parent.recv_bytes())
    except (EOFError, OSError):  # the parent was gone before it could say
        end_group()
        return
    assert isinstance(task, Task)
    plan = task.plan
    shard = Shard(plan, task.share, MONOTONIC)
    reporter = Reporter(parent, shard)
    on_stillborn_thread(reporter.fail_at_once)
    try:
        reporter.start()
    except RuntimeError as error:
        parent.send_bytes(encode(_failed(error)))
        return
    request_short_slice()
    beside = [asyncio.ensure_future(each) for each in (watch_loop(shard), reporter.turn.yield_to_reporter())]
    try:
        await scenario(plan.scenario).run(shard, reporter.barrier)
    except Exception as error:  # noqa: BLE001 - the parent tells it, with what was counted so far
        reporter.end(_failed(error))
    else:
        shard.drop_unsent()
        reporter.end(ended(shard))
    finally:
        for each in beside:
            each.cancel()


def _failed(error: BaseException) -> Failed:
    """Say what ended a worker; a shortage of this machine's in its own words."""
    resource = lacking(error)
    if isinstance(error, LabError):
        why = str(error)
    elif resource is None:
        why = f"raised {type(error).__name__}: {error}"
    else:
        why = f"could not go on: {shortage(resource, limit_of(resource))}"
    return Failed(why, "".join(traceback.format_exception(error)))


class Reporter(threading.Thread):
    """The line to the parent."""

    def __init__(self, parent: Line, shard: Shard) -> None:
        super().__init__(daemon=True, name="reporter")
        self._parent = parent
        self._heard = select.poll()
        self._heard.register(parent.fileno(), select.POLLIN)
        self._shard = shard
        self._loop = asyncio.get_running_loop()
        self._begun = asyncio.Event()
        self._run_queue_time = RunQueueTime()
        self.turn = ReporterTurn(shard.clock)
        self._counted = Recorder(Window(0))
        self._edges: list[int] = []
        """Moments at which the window begins and ends, the next one first."""
        self._folded = 0
        self._sent_before = 0
        self._sampled_ns = self._beat_ns = self._turned_ns = 0
        self._ticks = self._in_flight = 0
        self._last: Ended | Failed | None = None
        self._over = threading.Event()
        self._sending = threading.Lock()

    async def barrier(self) -> None:
        """Say that the shard is ready and return at the stage's common start."""
        self._send(Ready())
        await self._begun.wait()
        while (left_ns := self._shard.begin_ns - self._shard.now_ns()) > 0:
            # A loop's timers are coarse: the last 2 ms are spent awake.
            await asyncio.sleep(max(0.0, (left_ns - 2 * NS_PER_MS) / NS_PER_S))

    def end(self, last: Ended | Failed) -> None:
        """Report what is left and then these last words; return when they are said."""
        self._last = last
        self._over.set()
        self.join()

    def fail_at_once(self, error: BaseException) -> None:
        """Say what went wrong and end the process: to wait here would be to wait for ever."""
        self._send(_failed(error))
        os._exit(1)

    def run(self) -> None:
        """Listen, sample, fold and report until the shard ends."""
        shard = self._shard
        reported_ns = tidied_ns = shard.now_ns()
        self._sampled_ns = self._beat_ns = self._turned_ns = reported_ns
        try:
            while not self._over.is_set():
                now_ns = self._look(self._look_in_ms())
                if now_ns - reported_ns >= NS_PER_S:
                    reported_ns += NS_PER_S
                    self._report()
                elif full := len(shard.tape) // PIECE * PIECE:
                    self._fold(full)
                if now_ns - tidied_ns >= TIDY_NS:
                    tidied_ns = now_ns
                    give_back_free_pages()
                patience_ns = _PATIENCE_NS if now_ns - self._turned_ns < _OVERTIME_NS else _OVERTIME_NS
                if shard.begin_ns and shard.drain_left_ns() < -patience_ns:
                    self._cut_short()
            self._report()  # before the heartbeat: what was given up at the end must not pass for answers
            self._send_heartbeat()
            if self._last is not None:
                self._send(self._last)
        except (EOFError, OSError):
            end_group()

    def _look(self, within_ms: float) -> int:
        """Listen for so long, then see how the shard stands and tell it if it is time; return that moment."""
        shard = self._shard
        self.turn.rest_until(shard.now_ns() + round(within_ms * NS_PER_MS))
        if self._heard.poll(within_ms):
            self._obey()
        now_ns = shard.now_ns()
        at_edge = self._at_edge(now_ns)
        if at_edge or now_ns - self._sampled_ns >= _LEAST_APART_NS:
            before, self._in_flight = self._in_flight, shard.sent - self._finished()
            self._counted.observe_in_flight(self._sampled_ns, now_ns, self._in_flight, before)
            self._sampled_ns = now_ns
        if shard.loop_ticks != self._ticks:
            self._ticks, self._turned_ns = shard.loop_ticks, now_ns
        if at_edge or now_ns - self._beat_ns >= _BEAT_NS:
            self._beat_ns = now_ns
            self._send_heartbeat()
        return now_ns

    def _look_in_ms(self) -> float:
        """Return when to look next: at an edge of the window if that comes first."""
        look_ms = _SAMPLE_MS * (0.5 + random.random())
        if not self._edges:
            return look_ms
        return min(look_ms, max(0.0, (self._edges[0] - self._shard.now_ns()) / NS_PER_MS))

    def _at_edge(self, now_ns: int) -> bool:
        """Tell, once for each, whether an edge of the window has come; usage is read there."""
        if not self._edges or now_ns < self._edges[0]:
            return False
        del self._edges[0]
        return True

    def _finished(self) -> int:
        """Return how many of the sent requests have an outcome."""
        return self._folded + len(self._shard.tape) - self._shard.dropped

    def _obey(self) -> None:
        match from_parent(self._parent.recv_bytes()):
            case Go(begin_ns):
                window = self._shard.start_at(begin_ns)
                self._edges = [edge_ns for edge_ns in (window.start_ns, window.end_ns) if edge_ns is not None]
                self._counted = Recorder(window)
                self._shard.loop_stall_max_ns = 0
                self._send_heartbeat()
                self._loop.call_soon_threadsafe(self._begun.set)
            case Halt():
                self._shard.halt()
            case Quit():
                self._shard.halt()
                self._shard.drain_from_ns = self._shard.now_ns() - self._shard.plan.drain_ns
                self._loop.call_soon_threadsafe(self._begun.set)

    def _send_heartbeat(self) -> None:
        shard = self._shard
        finished = self._finished()
        spun_ns = shard.spun_ns  # before the CPU time that it is a part of
        self._send(
            Heartbeat(
                at_ns=shard.now_ns(),
                progress=shard.loop_ticks + shard.sent + finished,
                sent=shard.sent,
                finished=finished,
                in_flight=shard.sent - finished,
                cpu_ns=time.process_time_ns(),
                spun_ns=spun_ns,
                waited_ns=self._run_queue_time.ns(),
                loop_stall_max_ns=shard.loop_stall_max_ns,
            )
        )

    def _report(self) -> None:
        if not self._shard.begin_ns:
            return
        upto_ns = self._shard.now_ns()
        self._fold(len(self._shard.tape))
        self._counted.take_journeys(self._shard.take_journeys())
        sent = self._shard.sent
        self._counted.sent = sent - self._sent_before
        self._sent_before = sent
        for _ in self._counted.prepare_to_send():
            self._look(_TURN_MS)
        self._send(Report(self._counted, upto_ns))
        self._counted = Recorder(self._counted.window)

    def _fold(self, count: int) -> None:
        """Count so many of the tape's rows."""
        if not self._shard.begin_ns:
            return
        tape = self._shard.tape
        for size in pieces(count):
            rows = tape.cut(size)
            self._folded += size
            if self._shard.names.texts:
                self._counted.fold_named(rows, self._shard.names.texts)
            else:
                self._counted.fold(rows)
            self._look(_TURN_MS)

    def _cut_short(self) -> None:
        """End a shard whose thread is held by a call that does not come back."""
        for user in self._shard.in_hand:
            user.cut()
        self._shard.drop_unsent()
        self._report()
        self._send(ended(self._shard))
        os._exit(0)

    def _send(self, message: Ready | Heartbeat | Report | Ended | Failed) -> None:
        with self._sending:
            self._parent.send_bytes(encode(message))


def ended(shard: Shard) -> Ended:
    """Return the last words of a shard that ran to its end."""
    return Ended(shard.stats, shard.sent_aside, shard.backed_off_ns, shard.halted_ns)


def own_group() -> None:
    """Make this process the head of a group of its own: a signal to the parent's is the parent's to handle.

    Until now they were blocked; one that came is forgotten.
    """
    os.setpgid(0, 0)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def end_group() -> None:
    """End this process and every process that it started."""
    os.killpg(0, signal.SIGKILL)
