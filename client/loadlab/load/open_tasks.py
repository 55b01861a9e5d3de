"""What is in flight of an open stage where each arrival has a task of its own."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any

from loadlab.load.open_schedule import InFlightLimit, act_in_turns
from loadlab.load.shard import Shard


class OpenTasks(ABC):
    """Arrivals in flight, as tasks. A task that raises ends the stage, and `cut` raises that."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    @abstractmethod
    async def _arrival(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401 - as in InFlight
        """Carry one arrival to its end; release the limit then."""

    def __len__(self) -> int:
        """Return how many are in flight."""
        return len(self._tasks)

    def send(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401 - as in InFlight
        """Start the task of one arrival."""
        task = asyncio.create_task(self._arrival(limit, due_ns, flag, prepared))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def cut(self) -> None:
        """Cancel those in flight."""
        await asyncio.sleep(0)  # a task that has not begun would be cancelled without a trace
        left = list(self._tasks)
        await act_in_turns(left, asyncio.Task.cancel)
        await asyncio.gather(*left, return_exceptions=True)
        if self._error is not None:
            raise self._error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._error = self._error or error
            self._shard.halt()
