"""The open loop: requests go out when they are due, whatever has become of those before.

1. A due moment comes from the schedule alone, also after a stall: what is late goes out at once, with its
   lag, until the schedule is caught up with.
2. Every due request is sent, counted as dropped, or kept until a place is free: never forgotten. What is
   still to be sent when the drain is over is dropped, too: the client was too slow for its schedule. So is
   what was due when the stage was halted and had not gone by then.
3. A loop that is late, or has much to give up, still turns: replies and timers get their share.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.load.shard import Shard
from loadlab.load.timer import Timer, new_timer
from loadlab.recording.sample import waited
from loadlab.recording.tape import dropped_row
from loadlab.workload.plan import WhenFull

Barrier = Callable[[], Awaitable[None]]
_T = TypeVar("_T")


class InFlight(Protocol):
    """The requests in flight, in the form that a scenario gives them."""

    def send(self, limit: "InFlightLimit", due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401
        """Send a request that was due then; `flag`, from `waited` or 0, goes onto the tape with its outcome.

        It must call `limit.release()` once, after its row is on the tape.
        """
        ...

    def __len__(self) -> int:
        """Return how many are in flight."""
        ...

    async def cut(self) -> None:
        """Give up those in flight, as unfinished; raise what one of them raised."""
        ...


_LOOK_NS = 50 * NS_PER_MS
"""How often a halt is looked for while nothing is due."""
_DRAIN_LOOK_S = 0.01
_IN_A_ROW = 64
"""How many late requests go out before the loop gets a turn."""
_DROPS_IN_A_ROW = 1024
"""How many are given up before the loop gets a turn."""
_NEVER_NS = 1 << 62
_COUNTED_BY_NS = 10 * NS_PER_S
"""How long after its drain a stage may count what it gives up, tens of millions; then it ends."""


class InFlightLimit:
    """The limit of requests in flight, and what happens to a request that finds it reached."""

    def __init__(self, shard: Shard, in_flight: InFlight) -> None:
        plan = shard.plan
        self._shard = shard
        self._in_flight = in_flight
        self._limit = None if plan.max_in_flight is None else shard.share.of(plan.max_in_flight)
        self._keeps = plan.when_full is WhenFull.WAIT
        self._waiting: deque[tuple[int, int, Any]] = deque()
        self._taken = 0
        self._closed = False

    def acquire(self, due_ns: int, prepared: Any) -> None:  # noqa: ANN401 - the transport's own form
        """Send a due request if there is a place for it."""
        if self._limit is None or self._taken < self._limit:
            self._taken += 1
            self._in_flight.send(self, due_ns, 0, prepared)
            return
        # A client that comes late may find the places taken: so much of the lag is its own.
        flag = waited(self._shard.now_ns() - due_ns)
        if self._keeps:
            self._waiting.append((due_ns, flag, prepared))
        else:
            self.drop(due_ns, flag)

    def release(self) -> None:
        """Give a place back; the oldest of those that wait takes it, unless nothing more is to be sent."""
        if self._waiting and not self._closed and not self._shard.halted.is_set():
            self._in_flight.send(self, *self._waiting.popleft())
        else:
            self._taken -= 1

    def close(self) -> None:
        """Let none of those that wait take a place any more."""
        self._closed = True

    async def give_up(self) -> None:
        """Count those that still wait as dropped, after `close`: they were due and will not be sent."""
        await act_in_turns(self._waiting, lambda waiting: self.drop(*waiting[:2]))
        self._waiting.clear()

    def drop(self, due_ns: int, flag: int = 0) -> None:
        """Count a due request that will not be sent; `flag` is from `waited` where there was no place."""
        now_ns = self._shard.now_ns()
        self._shard.dropped += 1
        self._shard.tape.note(dropped_row(due_ns, now_ns, flag))


async def open_load(shard: Shard, requests: Iterator[Any], in_flight: InFlight, barrier: Barrier) -> None:
    """Run a shard of an open stage: its schedule, then its drain."""
    limit = InFlightLimit(shard, in_flight)
    timer = shard.timer = shard.timer or new_timer(shard.clock)
    try:
        await barrier()
        await OpenSchedule(shard, requests, limit, timer).done
        while len(in_flight) and shard.drain_left_ns() > 0:
            await asyncio.sleep(_DRAIN_LOOK_S)
    finally:
        timer.close()
        limit.close()
        try:
            # First: however long the counting takes, a reply that comes after the drain comes too late.
            await in_flight.cut()
        finally:
            await limit.give_up()
    await drop_overdue(shard)


class OpenSchedule:
    """Lets every request of the schedule in when it is due, until the stage's end or a halt.

    No coroutine waits for a due moment: the timer calls, and is set to the next one.
    """

    def __init__(self, shard: Shard, requests: Iterator[Any], limit: InFlightLimit, timer: Timer) -> None:
        self._shard = shard
        self._now_ns = shard.now_ns
        self._requests = requests
        self._limit = limit
        self._timer = timer
        self._schedule = shard.due_ns()
        self._due_ns = self._next_ns()
        self._given_up = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Resolves when nothing more is due."""
        self._on_timer()

    def _on_timer(self) -> None:
        if self.done.done():
            return  # the waiter was cancelled
        try:
            self._send_due()
        except Exception as error:  # noqa: BLE001 - of our own; a loop would only log it
            self.done.set_exception(error)

    def _send_due(self) -> None:
        """Let in what is due by now, but not too much in one turn of the loop."""
        shard = self._shard
        for _ in range(_IN_A_ROW):
            due_ns = self._due_ns
            if due_ns >= shard.end_ns:
                self.done.set_result(None)
                return
            now_ns = self._now_ns()
            if due_ns > now_ns:
                break
            if self._given_up:
                self._limit.drop(due_ns)
            else:
                self._limit.acquire(due_ns, next(self._requests))
            self._due_ns = self._next_ns()
        else:
            left_ns = shard.drain_left_ns()
            self._given_up = left_ns <= 0
            if left_ns <= -_COUNTED_BY_NS:
                self.done.set_result(None)  # what is not accounted for then makes the stage invalid
                return
        self._timer.call_at(min(self._due_ns, now_ns + _LOOK_NS), self._on_timer)

    def _next_ns(self) -> int:
        return self._shard.begin_ns + next(self._schedule, _NEVER_NS)


async def act_in_turns(many: Iterable[_T], act: Callable[[_T], object]) -> None:
    """Act on each of many and let the loop turn in between; when cancelled, on all that are left at once."""
    left = iter(many)
    try:
        for number, each in enumerate(left, 1):
            act(each)
            if number % _DROPS_IN_A_ROW == 0:
                await asyncio.sleep(0)
    finally:
        for each in left:
            act(each)


async def drop_overdue(shard: Shard) -> None:
    """Count as dropped what was due by the moment of a halt and neither sent nor dropped by now.

    It counts as dropped at that moment: however long the counting takes, the stage does not last longer.
    """
    halted_ns = shard.halted_ns
    if halted_ns is None:
        return
    until_ns = halted_ns + 1 if shard.window.end_ns is None else min(halted_ns + 1, shard.window.end_ns)

    def drop(due_ns: int) -> None:
        shard.dropped += 1
        shard.tape.note(dropped_row(due_ns, halted_ns))

    left = itertools.islice(shard.due_ns(), shard.sent + shard.dropped, None)
    moments = (shard.begin_ns + offset_ns for offset_ns in left)
    await act_in_turns(itertools.takewhile(lambda due_ns: due_ns < until_ns, moments), drop)
