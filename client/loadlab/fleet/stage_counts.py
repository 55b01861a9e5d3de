"""What came of a stage's load, when its last worker has ended or is lost."""

import msgspec

from loadlab.fleet.cpu_use import CpuUse
from loadlab.fleet.live import last_pulses
from loadlab.fleet.stop import Control
from loadlab.fleet.worker_handle import WorkerHandle
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
    took: tuple[CpuUse, ...]
    """Of each worker."""
    loop_stall_max_ns: int
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
    members: list[WorkerHandle], counted: Recorder, over_ns: int, *, control: Control
) -> StageCounts:
    """Return it; `over_ns` is when nothing more was to be expected."""
    halted = control.halted
    window = counted.window
    if window.end_ns is None or halted:
        last_ns = over_ns if any(member.broken for member in members) else counted.last_done_ns
        last_ns = max(last_ns, window.start_ns + 1)
        window = Window(window.start_ns, min(window.end_ns or last_ns, last_ns))
    stats = ConnectionStats()
    lost = []
    for member in members:
        if member.ended is not None:
            stats.add(member.ended.stats)
        elif member.broken is not None:
            missing_ns = window.overlap_ns(member.upto_ns, window.end_ns or 0)
            lost.append(Lost(member.shard, member.broken, missing_ns, member.sent - member.finished))
    return StageCounts(
        counted=counted,
        window=window,
        lost=tuple(lost),
        stats=stats,
        took=tuple(member.took(window) for member in members),
        loop_stall_max_ns=max((pulse.loop_stall_max_ns for pulse in last_pulses(members)), default=0),
        closed=tuple(member.ended.stats.closed for member in members if member.ended is not None),
        backed_off_ns=sum(member.ended.backed_off_ns for member in members if member.ended is not None),
        halted=halted,
        stopped=control.stopped,
        halted_ns={
            member.shard: member.ended.halted_ns
            for member in members
            if member.ended is not None and member.ended.halted_ns is not None
        },
    )
