"""What came of a stage's load, when its last worker has ended or is lost."""

import msgspec

from loadlab.fleet.cpu_use import CpuUse, cpu_use
from loadlab.fleet.live import last_heartbeats
from loadlab.fleet.stop import Control
from loadlab.fleet.watched_worker import WatchedWorker
from loadlab.recording.recorder import Recorder
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import Closed, ConnectionStats


class Lost(msgspec.Struct, frozen=True):
    """A shard that did not come to its end."""

    shard: int
    why: str
    missing_ns: int
    """How much of the window it had not reported."""
    unknown: int
    """Requests that it had sent and whose outcome it had not reported."""


class StageCounts(msgspec.Struct, frozen=True):
    """What came of a stage's load."""

    counted: Recorder
    window: Window
    """With its end: where the plan left it open, or the run was stopped, that of the last reply, or the
    moment when the loss of the last worker was found."""
    lost: tuple[Lost, ...]
    stats: ConnectionStats
    cpu_use: tuple[CpuUse, ...]
    """Of each worker."""
    loop_stall_max_ns: int
    sent_aside: int = 0
    """Requests before and after the load, which set its users up and are not measured."""
    backed_off_ns: int = 0
    """Time that users waited in the window, all together, after connections that failed at once."""
    closed: tuple[Closed, ...] = ()
    """Connections that were closed before the end, of each worker that is not lost."""
    halted: bool = False
    """Whether it was ended before its time."""
    stopped: bool = False
    """Whether a person, or the system, asked for that; otherwise the target was lost."""
    halted_ns: dict[int, int] = {}
    """When each shard was halted that was and is not lost."""


def stage_counts_of(
    workers: list[WatchedWorker], counted: Recorder, over_ns: int, *, control: Control
) -> StageCounts:
    """Return it; `over_ns` is when nothing more was to be expected."""
    halted = control.halted
    window = counted.window
    if window.end_ns is None or halted:
        last_ns = over_ns if any(worker.broken for worker in workers) else counted.last_done_ns
        last_ns = max(last_ns, window.start_ns + 1)
        window = Window(window.start_ns, min(window.end_ns or last_ns, last_ns))
    stats = ConnectionStats()
    lost = []
    for worker in workers:
        if worker.ended is not None:
            stats.add(worker.ended.stats)
        elif worker.broken is not None:
            missing_ns = window.overlap_ns(worker.upto_ns, window.end_ns or 0)
            lost.append(Lost(worker.shard, worker.broken, missing_ns, worker.sent - worker.finished))
    return StageCounts(
        counted=counted,
        window=window,
        lost=tuple(lost),
        stats=stats,
        cpu_use=tuple(cpu_use(worker.heartbeats, window) for worker in workers),
        loop_stall_max_ns=max((beat.loop_stall_max_ns for beat in last_heartbeats(workers)), default=0),
        closed=tuple(worker.ended.stats.closed for worker in workers if worker.ended is not None),
        sent_aside=sum(worker.ended.sent_aside for worker in workers if worker.ended is not None),
        backed_off_ns=sum(worker.ended.backed_off_ns for worker in workers if worker.ended is not None),
        halted=halted,
        stopped=control.stopped,
        halted_ns={
            worker.shard: worker.ended.halted_ns
            for worker in workers
            if worker.ended is not None and worker.ended.halted_ns is not None
        },
    )
