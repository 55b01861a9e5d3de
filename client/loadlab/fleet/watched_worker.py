"""A worker as its parent watches it: what it said last, and whether it is still to be believed.

A worker that is killed or raises is found at once: its line closes, or it says so. One that hangs is found
within two seconds, by its silence or by a loop that does not turn. It takes longer where the worker is silent
but wants a core (`silence`), and in `pool-map`, whose loop starts processes: that loop has 30 s to turn.
"""

import asyncio

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S, Clock
from loadlab.fleet.cpu_use import Heartbeats
from loadlab.fleet.messages import Ended, Failed, FromParent, FromWorker, Heartbeat, Quit, Ready, Report
from loadlab.fleet.silence import Silence
from loadlab.fleet.waiting import Waiting
from loadlab.fleet.worker_handle import Gone, WorkerHandle
from loadlab.load.shard import Share
from loadlab.recording.recorder import Recorder
from loadlab.workload.traits import Traits

_SILENT_NS = 1_500 * NS_PER_MS
START_NS = 30 * NS_PER_S
"""How long processes may take to start: a worker, or those of a pool that it starts itself."""
_QUIT_NS = 8 * NS_PER_S
"""How long a worker may take to quit when asked: it has a patience of its own, which is shorter."""


class WatchedWorker:
    """A worker of any kind, and its known state; sets `heard` when there is news, or no more to come."""

    def __init__(
        self,
        handle: WorkerHandle,
        share: Share,
        traits: Traits,
        heard: asyncio.Event,
        clock: Clock = MONOTONIC,
    ) -> None:
        self._handle = handle
        self._share = share
        self._heard = heard
        self._now_ns = clock.now_ns
        self._blocks_loop = traits.blocks_loop
        self._turns_within_ns = START_NS if traits.hides_flight else _SILENT_NS  # its loop starts processes
        self._following: asyncio.Task[None] | None = None
        self.shard = share.shard
        self.ready = False
        self.ended: Ended | None = None
        self.broken: str | None = None
        """Why it is lost; None while it is not."""
        self.heartbeats = Heartbeats()
        self.waiting = Waiting()
        self._silence = Silence(self._now_ns())
        self._beat_ns = self._moved_ns = 0
        self.upto_ns = 0
        """Up to when it has reported; 0 before its first report."""
        self._ends_by_ns = 1 << 62
        self.sent = self.finished = 0
        self._reports: list[Report] = []

    def start(self) -> None:
        """Start it and listen to it."""
        self._handle.start(self._share)
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for event in self._handle.events():
            self.hear(event)

    def hear(self, event: FromWorker | Gone) -> None:
        """Take note of what it said."""
        self._silence.reset()
        if not isinstance(event, Heartbeat):
            self._heard.set()
        match event:
            case Ready():
                self.ready = True
                self._moved_ns = self._now_ns()
            case Heartbeat():
                if not self.heartbeats or event.progress != self.heartbeats[-1].progress:
                    self._moved_ns = event.at_ns
                self.heartbeats.append(event)
                self.waiting.hear(event, blocks_loop=self._blocks_loop)
                self._beat_ns = event.at_ns
            case Report():
                self._reports.append(event)
            case Ended():
                self.ended = event
            case Failed(why) | Gone(why) if not self.over:
                self.broken = why

    def check(self) -> None:
        """Break what has been silent, or has not moved, for too long."""
        now_ns = self._now_ns()
        if self.over:
            return
        if now_ns > self._ends_by_ns:
            self.broken = "did not end when it was told to"
        elif not (self.ready or self.heartbeats):
            return  # it is being started
        elif self._silence.look(now_ns, self._handle.wants_core) > _SILENT_NS:
            self.broken = "has been silent: it is stopped or hangs"
        elif self.ready and self._beat_ns - self._moved_ns > self._turns_within_ns and not self._blocks_loop:
            self.broken = "hangs: its loop does not turn"

    @property
    def over(self) -> bool:
        """Whether nothing more is to be expected."""
        return self.ended is not None or self.broken is not None

    def take_reports(self) -> list[Recorder]:
        """Return what was reported since the last call; what is known of the shard is known up to then."""
        reports, self._reports = self._reports, []
        for report in reports:
            self.sent += report.counted.sent
            self.finished += report.counted.finished
            self.upto_ns = report.upto_ns
        return [report.counted for report in reports]

    def tell(self, message: FromParent) -> None:
        """Say something, unless it is over."""
        if isinstance(message, Quit):
            self._ends_by_ns = self._now_ns() + _QUIT_NS
        if not self.over:
            self._handle.tell(message)

    async def end(self) -> None:
        """See it out and listen no more; raise what the handle raised while it was listened to."""
        await self._handle.end()
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            if not self._following.cancelled():
                self._following.result()
