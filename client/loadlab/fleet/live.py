"""How a stage under way stands, from what its workers said last."""

from collections.abc import Callable

import msgspec

from loadlab.fleet.cpu_use import busy_now, pace_now
from loadlab.fleet.messages import Heartbeat
from loadlab.fleet.waiting import waited_ns
from loadlab.fleet.worker_handle import WorkerHandle
from loadlab.recording.recorder import Recorder


class Live(msgspec.Struct, frozen=True):
    """How a stage stands, for whoever watches."""

    counted: Recorder
    """Everything so far; not to be changed."""
    fresh: Recorder
    """What came since the last call."""
    sent: int
    finished: int
    in_flight: int
    """Of the workers that are not lost."""
    busy: tuple[float | None, ...]
    """CPU of each worker over the last second, in cores, without what it spent awake only to be on time."""
    loop_stall_max_ns: int
    begin_ns: int
    now_ns: int
    upto_ns: int = 0
    """Up to when each worker that is still at it has reported; 0 where one has not."""
    sent_hz: float = 0.0
    """Requests sent over the last second by the workers that are still at it, or else over their last."""
    finished_hz: float = 0.0
    """Requests that got their outcome in it."""
    waited_ns: int = 0
    """For how long a request has been in flight while none got its outcome, up to the last pulses."""

    @property
    def silent_ns(self) -> int:
        """For how long nothing was answered while requests failed, from the barrier on; 0 while answers come.

        Of what all workers have reported alone: a request that was sent after the last answer has failed.
        """
        answered_ns = max(self.counted.last_answered_ns, self.begin_ns)
        fails = self.counted.last_failing_ns >= answered_ns
        return max(0, self.upto_ns - answered_ns) if fails else 0


def live_of(
    members: list[WorkerHandle], counted: Recorder, fresh: Recorder, begin_ns: int, now_ns: int
) -> Live:
    """Return how it stands; `fresh` is what came since the last call."""
    last = last_pulses(members)
    standing = last_pulses([member for member in members if member.broken is None])
    # At the end, when nobody is at it any more, the last second is that of all who came to it.
    going = [member for member in members if not member.over] or [
        member for member in members if member.broken is None
    ]
    paces = [pace_now(member.pulses) for member in going]
    return Live(
        counted=counted,
        fresh=fresh,
        sent=sum(pulse.sent for pulse in last),
        finished=sum(pulse.finished for pulse in last),
        in_flight=sum(pulse.in_flight for pulse in standing),
        busy=tuple(busy_now(member.pulses) for member in members),
        loop_stall_max_ns=max((pulse.loop_stall_max_ns for pulse in last), default=0),
        begin_ns=begin_ns,
        now_ns=now_ns,
        upto_ns=min(member.upto_ns for member in going) if going else now_ns,
        sent_hz=sum(sent_hz for sent_hz, _ in paces),
        finished_hz=sum(finished_hz for _, finished_hz in paces),
        waited_ns=waited_ns(member.waiting for member in going),
    )


def last_pulses(members: list[WorkerHandle]) -> list[Heartbeat]:
    """Return the last pulse of each member that has said anything."""
    return [member.pulses[-1] for member in members if member.pulses]


Observe = Callable[[Live], None]
"""Told what the workers counted, about twice a second, as it is merged: for metrics."""
