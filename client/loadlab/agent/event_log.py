"""What the agent tells of its runs, kept so that a follower may come late, leave, and come back.

Every event has a number that grows for ever, over restarts of the agent too. All events of one run are kept,
except for ticks: only the latest ones, and the last of each stage, which says how long it took. So memory has
a bound, however long a run takes and however slowly a client follows. A follower has no queue of its own: it
reads on from where it is when it has the time, and what was given up meanwhile it never sees.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from loadlab.results.events import Event, Refused, RunEnded, StageEnded, Tick

TICKS = 600
"""Of one run: five minutes of them."""
KEEP_ALIVE_S = 3.0
_IDS_PER_S = 1000


class Message(msgspec.Struct, frozen=True):
    """An event as it is sent."""

    id: int
    data: bytes


class RunEvents:
    """The events of one run; the last is `RunEnded`, or `Refused` where it never began."""

    def __init__(self, run_id: str, ids: "Ids", signal: "Signal") -> None:
        self.run_id = run_id
        self.over = False
        self._ids = ids
        self._signal = signal
        self._kept: list[Message] = []
        self._ticks: deque[Message] = deque(maxlen=TICKS)
        self._last_of_stages: list[Message] = []

    def tell(self, event: Event | Refused) -> None:
        """Keep it and wake all followers."""
        message = Message(self._ids.take(), msgspec.json.encode(event))
        if isinstance(event, Tick):
            self._ticks.append(message)
        else:
            if isinstance(event, StageEnded):
                self._keep_last_tick()
            self._kept.append(message)
        self.over = self.over or isinstance(event, RunEnded | Refused)
        self._signal.wake()

    def after(self, cursor: int) -> list[Message]:
        """Return what is kept of what came after that number, in order."""
        found = [
            *_after(self._kept, cursor),
            *_after(self._last_of_stages, cursor),
            *_after(self._ticks, cursor),
        ]
        return sorted(found, key=lambda message: message.id)

    def _keep_last_tick(self) -> None:
        """Keep the latest tick for good, unless it is of the stage before."""
        before = self._last_of_stages[-1].id if self._last_of_stages else 0
        if self._ticks and self._ticks[-1].id > before:
            self._last_of_stages.append(self._ticks.pop())


class Ids:
    """Numbers that only grow: they begin with the clock, so that those of an earlier agent are smaller."""

    def __init__(self, now_s: float) -> None:
        self.last = int(now_s * _IDS_PER_S)

    def take(self) -> int:
        """Return the next one."""
        self.last += 1
        return self.last


class Signal:
    """Wakes all that wait now, and none that come later."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """What to wait for: set by the next `wake`."""
        return self._next

    def wake(self) -> None:
        """Wake."""
        waited_for, self._next = self._next, asyncio.Event()
        waited_for.set()


class EventLog:
    """One stream over all runs, of which the latest is kept."""

    def __init__(self, wall_s: Callable[[], float] = time.time) -> None:
        self._ids = Ids(wall_s())
        self._signal = Signal()
        self.latest: RunEvents | None = None
        self.closed = False

    def begin(self, run_id: str) -> RunEvents:
        """Return the events of a new run; those of the one before are given up by all who have read it."""
        self.latest = RunEvents(run_id, self._ids, self._signal)
        self._signal.wake()
        return self.latest

    def close(self) -> None:
        """Let every follower go once it has what there is."""
        self.closed = True
        self._signal.wake()

    async def follow(self, since: int | None, only: RunEvents | None = None) -> AsyncIterator[list[Message]]:
        """Give what came after this number, or the latest run from its beginning, and then what comes.

        With `only`, nothing but that run, to its end. An empty list every few seconds of silence.
        """
        events = only or self.latest
        # One that was never given is made up.
        cursor = since if since is not None and since <= self._ids.last else 0
        while True:
            news = self._signal.next
            if events is not None and (found := events.after(cursor)):
                cursor = found[-1].id
                yield found
            elif only is None and events is not self.latest:
                events = self.latest
            elif self.closed or (only is not None and only.over):
                return
            else:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await news.wait()
                except TimeoutError:
                    yield []


def _after(messages: "list[Message] | deque[Message]", cursor: int) -> list[Message]:
    return list(itertools.takewhile(lambda message: message.id > cursor, reversed(messages)))
