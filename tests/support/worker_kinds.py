"""Every kind of worker there is, for tests that hold of each."""

import os
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from loadlab.clock import NS_PER_S
from loadlab.fleet.live import Live
from loadlab.fleet.local_worker import LocalWorker
from loadlab.fleet.stage_counts import StageCounts
from loadlab.fleet.stop import Control
from loadlab.fleet.supervisor import run_stage
from loadlab.fleet.worker_handle import NewWorker
from loadlab.recording.window import Window
from loadlab.scenarios import scenario
from loadlab.workload.plan import Plan
from support import pipe_worker
from support.live import processes


class Kind(NamedTuple):
    """A kind of worker."""

    new_worker: NewWorker
    command: str
    """What its processes' command lines have in them."""
    ahead_ns: Callable[[], int]
    """How far their clock is ahead."""

    def pids(self, parent: int | None = None) -> list[int]:
        """Return its processes below one, this one unless another is named."""
        parent = os.getpid() if parent is None else parent
        return sorted(
            pid
            for pid, process in processes().items()
            if process.parent == parent and self.command in process.command
        )


KINDS = {
    "local": Kind(LocalWorker, "spawn_main", lambda: 0),
    "pipe": Kind(pipe_worker.PipeWorker, pipe_worker.PROCESS.name, lambda: pipe_worker.ahead_s() * NS_PER_S),
}


class Stage:
    """One stage with workers of a kind, and what its watcher saw."""

    def __init__(self, kind: Kind, plan: Plan) -> None:
        self.control = Control()
        self.windows: list[Window] = []
        self.lives: list[Live] = []
        self._kind = kind
        self._plan = plan

    def run(self) -> Coroutine[Any, Any, StageCounts]:
        """Run it from the start of its workers to their end."""
        traits = scenario(self._plan.scenario).TRAITS
        return run_stage(
            self._plan,
            self._plan.stages[0],
            traits,
            self.control,
            self._kind.new_worker,
            begun=self._begun,
            watch=self._watch,
        )

    async def _begun(self, window: Window) -> None:
        self.windows.append(window)

    async def _watch(self, live: Live) -> None:
        self.lives.append(live)
