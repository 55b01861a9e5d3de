"""The open loop: requests go out when they are due, whatever has become of those before.

1. A due moment comes from the schedule alone, also after a stall: what is late goes out at once, with its
   lag, until the schedule is caught up with.
2. Every due request is sent, counted as dropped, or kept until a place is free: never forgotten. What is
   still to be sent when the drain is over is dropped, too: the client was too slow for its schedule. So is
   what was due when the stage was halted and had not gone by then.
3. A loop that is late still turns: replies and timers get their share of it.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from loadlab.alarm import Alarm, alarm
from loadlab.plan import WhenFull
from loadlab.sample import Outcome, waited
from loadlab.shard import Shard
from loadlab.tape import packed_row

Barrier = Callable[[], Awaitable[None]]


class Requests(Protocol):
    """The requests in flight, in the form that a scenario gives them."""

    def send(self, places: "Places", due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401
        """Send a request that was due then; `flag`, from `waited` or 0, goes onto the tape with its outcome.

        It must call `places.leave()` once, after its row is on the tape.
        """
        ...

    def __len__(self) -> int:
        """Return how many are in flight."""
        ...

    async def cut(self) -> None:
        """Give up those in flight, as unfinished; raise what one of them raised."""
        ...


_POLL_S = 0.05
_IN_A_ROW = 64
"""How many late requests go out before the loop gets a turn."""
_DROPS_IN_A_ROW = 1024


class Places:
    """The limit of requests in flight, and what happens to a request that finds it reached."""

    def __init__(self, shard: Shard, requests: Requests) -> None:
        plan = shard.plan
        self._shard = shard
        self._requests = requests
        self._limit = None if plan.max_in_flight is None else shard.share.of(plan.max_in_flight)
        self._keeps = plan.when_full is WhenFull.WAIT
        self._waiting: deque[tuple[int, int, Any]] = deque()
        self._taken = 0

    def enter(self, due_ns: int, prepared: Any) -> None:  # noqa: ANN401 - the transport's own form
        """Send a due request if there is a place for it."""
        if self._limit is None or self._taken < self._limit:
            self._taken += 1
            self._requests.send(self, due_ns, 0, prepared)
            return
        # A client that comes late may find the places taken because of it: so much of the lag is its own.
        flag = waited(self._shard.now_ns() - due_ns)
        if self._keeps:
            self._waiting.append((due_ns, flag, prepared))
        else:
            self.drop(due_ns, flag)

    def leave(self) -> None:
        """Give a place back; the oldest of those that wait takes it, unless nothing more is to be sent."""
        if self._waiting and not self._shard.halted.is_set():
            self._requests.send(self, *self._waiting.popleft())
        else:
            self._taken -= 1

    def give_up(self) -> None:
        """Count those that still wait as dropped: they were due and will not be sent."""
        while self._waiting:
            due_ns, flag, _ = self._waiting.popleft()
            self.drop(due_ns, flag)

    def drop(self, due_ns: int, flag: int = 0) -> None:
        """Count a due request that will not be sent; `flag` is from `waited` where there was no place."""
        now_ns = self._shard.now_ns()
        self._shard.dropped += 1
        self._shard.tape.note(packed_row(due_ns, now_ns, now_ns, Outcome.DROPPED | flag, 0, 0, 0))


async def open_load(shard: Shard, feed: Iterator[Any], requests: Requests, barrier: Barrier) -> None:
    """Carry a shard of an open stage: its schedule, then its drain."""
    places = Places(shard, requests)
    wake = shard.alarm = shard.alarm or alarm(shard.clock)
    try:
        await barrier()
        schedule = asyncio.create_task(dispatch(shard, feed, places, wake))
        while not schedule.done():
            await asyncio.wait([schedule], timeout=_POLL_S)
            if shard.halted.is_set():
                schedule.cancel()
        while len(requests) and shard.drain_left_ns() > 0:
            await asyncio.sleep(_POLL_S / 5)
    finally:
        wake.close()
        places.give_up()
        await requests.cut()
    if not schedule.cancelled():
        schedule.result()
    await drop_overdue(shard)


async def dispatch(shard: Shard, feed: Iterator[Any], places: Places, wake: Alarm) -> None:
    """Let every request of the schedule in when it is due, until the stage's end or a halt."""
    now_ns = shard.now_ns
    in_a_row = 0
    given_up = False
    for offset_ns in shard.due_ns():
        due_ns = shard.begin_ns + offset_ns
        if due_ns >= shard.end_ns:
            break
        if due_ns > now_ns():
            in_a_row = 0
            await wake.until(due_ns)
        elif in_a_row >= _IN_A_ROW:
            in_a_row = 0
            await asyncio.sleep(0)
            given_up = shard.drain_left_ns() <= 0
        if shard.halted.is_set():
            break
        in_a_row += 1
        if given_up:
            places.drop(due_ns)
        else:
            places.enter(due_ns, next(feed))


async def drop_overdue(shard: Shard) -> None:
    """Count as dropped what was due by the moment of a halt and neither sent nor dropped by now.

    It counts as dropped at that moment: however long the counting takes, the stage does not last longer.
    """
    halted_ns = shard.halted_ns
    if halted_ns is None:
        return
    note = shard.tape.note
    until_ns = halted_ns + 1 if shard.window.end_ns is None else min(halted_ns + 1, shard.window.end_ns)
    left = itertools.islice(shard.due_ns(), shard.sent + shard.dropped, None)
    for number, offset_ns in enumerate(left, 1):
        due_ns = shard.begin_ns + offset_ns
        if due_ns >= until_ns:
            return
        shard.dropped += 1
        note(packed_row(due_ns, halted_ns, halted_ns, Outcome.DROPPED, 0, 0, 0))
        if number % _DROPS_IN_A_ROW == 0:
            await asyncio.sleep(0)
