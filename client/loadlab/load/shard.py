"""The part of a stage that one process carries: its users, its requests, its tape.

The loops in this folder read and write a `Shard`; one other thread reads it to sample, fold and report.
Every moment is absolute on the injected clock, the same for all shards of a stage.
"""

import itertools
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from loadlab.clock import Clock
from loadlab.load.pacing import AT_ONCE, Pace, pace
from loadlab.load.timer import Timer
from loadlab.recording.journeys import JourneyEvent
from loadlab.recording.names import Names
from loadlab.recording.tape import Tape, dropped_row
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.mix import mixed
from loadlab.workload.plan import Plan, Stage


class Share(msgspec.Struct, frozen=True):
    """How much of a stage falls to one of its shards."""

    stage: Stage
    shard: int = 0
    shards: int = 1

    def of(self, whole: int) -> int:
        """Divide a number of users or requests; the shares add up to the whole."""
        return (whole + self.shards - 1 - self.shard) // self.shards

    def number(self, index: int) -> int:
        """Return which of all users the one with this place in the share is."""
        return self.shard + index * self.shards


class Cuttable(Protocol):
    """A user whose request another thread can give up."""

    def cut(self) -> None:
        """Count the request in hand, if there is one, as unfinished."""
        ...


class Shard:
    """What the loops share with the reporting thread.

    In an open workload a request is due when the schedule says so, in a closed workload when its user's
    previous reply came plus a pause, the first one at the user's own start (`pacing`), in a batch at the
    barrier, `begin_ns`.
    """

    def __init__(self, plan: Plan, share: Share, clock: Clock) -> None:
        self.plan = plan
        self.share = share
        self.clock = clock
        self.now_ns = clock.now_ns
        self.tape = Tape()
        self.names = Names()
        self.stats = ConnectionStats()
        self.sent = 0
        """Requests that went out, each counted in the call that sends it."""
        self.dropped = 0
        """Requests that were due and will not be sent."""
        self.begin_ns = 0
        self.window = Window(0, 0)
        self.end_ns = 0
        """No request that is due at this moment or later is sent."""
        self.drain_from_ns: int | None = None
        """When there was nothing more to send."""
        self.halted = threading.Event()
        self.halted_ns: int | None = None
        """When it was halted first."""
        self.in_hand: list[Cuttable] = []
        """What another thread may have to give up, because the loop is held by a blocking call."""
        self.timer: Timer | None = None
        """What an open stage waits with, once it has one."""
        self.sent_aside = 0
        """Requests that set users up before the load, or come after it; they are not measured."""
        self.backed_off_ns = 0
        """Time that users waited in the window, all together, after connections that failed at once."""
        self.journeys: list[JourneyEvent] = []
        """Journeys that ended, until the reporting thread takes them."""
        self.loop_ticks = 0
        self.loop_stall_max_ns = 0

    def start_at(self, begin_ns: int) -> Window:
        """Set the barrier and return the measured window that follows from it."""
        self.begin_ns = begin_ns
        self.drain_from_ns = None
        start_ns = begin_ns + self.plan.warmup_ns
        if self.plan.duration_ns is None:
            self.end_ns = 1 << 62
            self.window = Window(start_ns)
        else:
            self.end_ns = self.drain_from_ns = start_ns + self.plan.duration_ns
            self.window = Window(start_ns, self.end_ns)
        return self.window

    @property
    def spun_ns(self) -> int:
        """CPU time spent awake only to be on time."""
        return 0 if self.timer is None else self.timer.spun_ns

    @property
    def is_batch(self) -> bool:
        """Whether every request is due at the barrier."""
        return self.plan.workload.traits.at_once

    def halt(self) -> None:
        """Let no more requests out; those in flight are still waited for. Any thread may call it."""
        if self.halted_ns is None:
            self.halted_ns = self.now_ns()
        self.end_ns = -1
        self.nothing_left()
        self.halted.set()

    def nothing_left(self) -> None:
        """Begin the drain now, unless it has begun."""
        now_ns = self.now_ns()
        if self.drain_from_ns is None or self.drain_from_ns > now_ns:
            self.drain_from_ns = now_ns

    def drop_unsent(self) -> None:
        """Count what is left of a batch that was stopped as dropped: all were due at the barrier."""
        if self.is_batch and self.plan.journeys is None:
            now_ns, note = self.now_ns(), self.tape.note
            # One row for all: there may be a million, and the loop does not turn meanwhile.
            row = dropped_row(self.begin_ns, now_ns)
            for _ in range(self.share.of(self.share.stage.requests or 0) - self.sent):
                self.dropped += 1
                note(row)

    def take_journeys(self) -> list[JourneyEvent]:
        """Take the journeys that ended since the last call; each call into the list is atomic."""
        taken = self.journeys[:]
        del self.journeys[: len(taken)]
        return taken

    def drain_left_ns(self) -> int:
        """Return how long replies may still be waited for; as long as load goes on, a whole drain."""
        if self.drain_from_ns is None:
            return self.plan.drain_ns
        return self.drain_from_ns + self.plan.drain_ns - self.now_ns()

    def requests(self, prepared: list[Any]) -> Iterator[Any]:
        """Return an endless iterator over the requests of this shard."""
        weights = [request.weight for request in self.plan.requests]
        return mixed(prepared, weights, seed=self.plan.seed, shard=self.share.shard, shards=self.share.shards)

    def pace(self, index: int) -> Pace:
        """Return when the user with this place in the share sends; in a batch all is due at the barrier."""
        share = self.share
        return AT_ONCE if self.is_batch else pace(self.plan, share.stage, share.number(index))

    def due_ns(self) -> Iterator[int]:
        """Return when this shard's requests of an open stage are due, counted from the barrier."""
        share = self.share
        return self.plan.arrivals(share.stage).due_ns(share.shard, share.shards, self.plan.seed)

    def requests_by_user(self, prepared: list[Any], *, apart: bool) -> list[Iterator[Any]]:
        """Return for each user the requests it takes from, in the transport's own form.

        Users of a closed stage draw from one common iterator, endless or as long as the number of requests.
        In a batch the requests go out side by side, each with a user of its own where they go `apart`;
        otherwise one user has them all.
        """
        common = self.requests(prepared)
        if self.is_batch:
            size = self.share.of(self.share.stage.requests or 0)
            users, each = (size, 1) if apart else (1, size)
            common = self._so_many(common, size)
            return [itertools.islice(common, each) for _ in range(users)]
        if self.share.stage.requests is not None:
            common = self._so_many(common, self.share.of(self.share.stage.requests))
        return [common] * self.share.of(self.share.stage.concurrency or 0)

    def _so_many(self, endless: Iterator[Any], size: int) -> Iterator[Any]:
        """Give so many requests; the drain begins when the last of them is taken."""
        for left in range(size, 0, -1):
            if left == 1:
                self.nothing_left()
            yield next(endless)
        self.nothing_left()
