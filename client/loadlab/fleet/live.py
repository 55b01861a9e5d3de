"""How a stage under way stands, from what its workers said last."""

from collections import Counter
from collections.abc import Callable

import msgspec

from loadlab.fleet.cpu_use import busy_now, pace_now
from loadlab.fleet.messages import Heartbeat
from loadlab.fleet.waiting import waited_ns
from loadlab.fleet.watched_worker import WatchedWorker
from loadlab.recording.reasons import lacked
from loadlab.recording.recorder import Recorder
from loadlab.system.resources import Resource


class Live(msgspec.Struct, frozen=True):
    """How a stage stands, for a display."""

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
    """For how long a request has been in flight while none got its outcome, up to the last heartbeats."""

    @property
    def silent_ns(self) -> int:
        """For how long nothing was answered while requests failed, from the barrier on; 0 while answers come.

        Of what all workers have reported alone: a request that was sent after the last answer has failed.
        """
        return self._unanswered_ns(self.counted.last_failing_ns)

    @property
    def lacking_ns(self) -> int:
        """The same while requests failed for what this machine lacks."""
        return self._unanswered_ns(self.counted.last_lacking_ns)

    @property
    def lacks(self) -> Resource | None:
        """What this machine had not enough of for most requests, None where it had of everything."""
        counts: Counter[Resource] = Counter()
        for reasons in self.counted.errors.values():
            for reason, count in reasons.items():
                if resource := lacked(reason):
                    counts[resource] += count
        return max(counts, key=counts.__getitem__, default=None)

    def _unanswered_ns(self, last_ns: int) -> int:
        answered_ns = max(self.counted.last_answered_ns, self.begin_ns)
        return max(0, self.upto_ns - answered_ns) if last_ns >= answered_ns else 0


def live_of(
    workers: list[WatchedWorker], counted: Recorder, fresh: Recorder, begin_ns: int, now_ns: int
) -> Live:
    """Return how it stands; `fresh` is what came since the last call."""
    last = last_heartbeats(workers)
    kept = last_heartbeats([worker for worker in workers if worker.broken is None])
    # At the end, when no worker is in it any more, the last second is that of all that came to it.
    going = [worker for worker in workers if not worker.over] or [
        worker for worker in workers if worker.broken is None
    ]
    paces = [pace_now(worker.heartbeats) for worker in going]
    return Live(
        counted=counted,
        fresh=fresh,
        sent=sum(beat.sent for beat in last),
        finished=sum(beat.finished for beat in last),
        in_flight=sum(beat.in_flight for beat in kept),
        busy=tuple(busy_now(worker.heartbeats) for worker in workers),
        loop_stall_max_ns=max((beat.loop_stall_max_ns for beat in last), default=0),
        begin_ns=begin_ns,
        now_ns=now_ns,
        upto_ns=min(worker.upto_ns for worker in going) if going else now_ns,
        sent_hz=sum(sent_hz for sent_hz, _ in paces),
        finished_hz=sum(finished_hz for _, finished_hz in paces),
        waited_ns=waited_ns(worker.waiting for worker in going),
    )


def last_heartbeats(workers: list[WatchedWorker]) -> list[Heartbeat]:
    """Return the last heartbeat of each worker that has said anything."""
    return [worker.heartbeats[-1] for worker in workers if worker.heartbeats]


Observe = Callable[[Live], None]
"""Told what the workers counted, about twice a second, as it is merged: for metrics."""
