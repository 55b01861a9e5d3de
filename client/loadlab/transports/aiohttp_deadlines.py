"""A time limit for every request in flight, by one timer for all of them.

All requests of a stage have the same limit, so they run out in the order in which they started: one
timer stands at the oldest and, when it fires, moves on to what is then the oldest. That is once per
limit, not once per request; a request pays for an entry in a dictionary.
"""

import asyncio

from loadlab.clock import NS_PER_S

_GRAIN_S = 0.001
"""uvloop's timers and its clock count whole milliseconds."""


class Deadlines:
    """Cancels the task of a request that has run out of time, and tells that from any other cancellation.

    Stands around everything that may wait:

        deadlines.watch(task)
        try: ...
        except asyncio.CancelledError:
            if not deadlines.ran_out(task): raise
        finally: deadlines.leave(task)
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_ns: int) -> None:
        self._loop = loop
        self._limit_s = limit_ns / NS_PER_S
        self._in_flight: dict[asyncio.Task[object], tuple[float, int]] = {}
        self._late: dict[asyncio.Task[object], int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[object]) -> None:
        """Start the time of this task's request; a task has one at a time."""
        due_s = self._loop.time() + self._limit_s
        self._in_flight[task] = (due_s, task.cancelling())
        if self._timer is None:
            self._timer = self._loop.call_at(due_s, self._fire)

    def leave(self, task: asyncio.Task[object]) -> None:
        """Forget this task's request, however it ended."""
        self._in_flight.pop(task, None)
        if self._late and task in self._late:
            # Cancelled, yet it finished: the task goes on, so the cancellation is taken back.
            self.ran_out(task)

    def ran_out(self, task: asyncio.Task[object]) -> bool:
        """Tell whether this task was cancelled for being late, and for no other reason as well."""
        cancelling_before = self._late.pop(task, None)
        return cancelling_before is not None and task.uncancel() <= cancelling_before

    def close(self) -> None:
        """End every request in flight as if it were late; nothing runs out any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in list(self._in_flight):
            self._cancel(task)

    def _fire(self) -> None:
        self._timer = None
        late = self._loop.time() + _GRAIN_S
        while self._in_flight:
            task, (due_s, _) = next(iter(self._in_flight.items()))
            if due_s > late:
                self._timer = self._loop.call_at(due_s, self._fire)
                return
            self._cancel(task)

    def _cancel(self, task: asyncio.Task[object]) -> None:
        _, cancelling_before = self._in_flight.pop(task)
        self._late[task] = cancelling_before
        task.cancel()
