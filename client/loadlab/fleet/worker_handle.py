"""The seam between a stage and its workers: what a kind of worker must do, wherever its process runs."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec

from loadlab.fleet.messages import FromParent, FromWorker
from loadlab.fleet.worker_clock import WorkerClock
from loadlab.load.shard import Share
from loadlab.workload.plan import Plan


class Gone(msgspec.Struct, frozen=True):
    """A handle's last event: the worker can say nothing more."""

    why: str
    """What became of its process, such as `was killed by SIGKILL`."""


class WorkerHandle(Protocol):
    """One worker process. It runs `worker.run_shard`, with the messages in `messages` on its line.

    Every moment that goes in or comes out is on the parent's clock: the handle translates it, by `clock`.
    All methods are called in one event loop, that of the stage.
    """

    @property
    def clock(self) -> WorkerClock:
        """How far the worker's clock is from the parent's; known from the first event on."""
        ...

    def start(self, share: Share) -> None:
        """Start the process, deaf to a terminal's signals, and have it carry this share of the plan.

        Returns at once. Raises OSError or RuntimeError where this machine lacks what it takes.
        """
        ...

    def tell(self, message: FromParent) -> None:
        """Say something; returns at once. It is heard after the task, or not at all if the worker is gone."""
        ...

    def events(self) -> AsyncIterator[FromWorker | Gone]:
        """Give each message of the worker's in order as it comes, and at last `Gone`; iterate once."""
        ...

    def wants_core(self) -> bool:
        """Tell whether it is ready to run or computes: its silence may not be its own doing.

        False if that is unknown.
        """
        ...

    async def end(self) -> None:
        """See the process out: one that has said its last word ends by itself, any other is killed.

        Whatever it started is gone then, too. Nothing happens to one that was never started.
        """
        ...


NewWorker = Callable[[Plan], WorkerHandle]
"""Makes a kind of worker, which is not started yet; called in the stage's event loop."""
