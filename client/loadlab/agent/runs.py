"""The runs of an agent: one at a time, each against the one target that was chosen when the agent started."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

import msgspec

from loadlab.agent.event_log import EventLog, RunEvents
from loadlab.agent.limits import Limits
from loadlab.agent.one_run import AgentRun, RunPlan
from loadlab.agent.run_request import PostedRun, task
from loadlab.errors import UsageError
from loadlab.fleet.live import Observe
from loadlab.fleet.stop import Control
from loadlab.metrics import Metrics
from loadlab.results.events import Tell
from loadlab.results.result import About, RunResult
from loadlab.results.run_folder import TARGET_LOG, Folder
from loadlab.runs.runners import LocalRunner, run_at
from loadlab.system.threads import in_thread
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.plan import Plan

PATIENCE_S = 8.0
"""How long a run may drain when the agent is asked to end; then it does not wait."""


class CommonOptions(msgspec.Struct, frozen=True):
    """Options of `loadlab run` that choose the target of this agent, and where it keeps results."""

    target: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


class BusyError(UsageError):
    """Another run is under way."""

    def __init__(self, run: AgentRun) -> None:
        self.run_id = run.run_id
        super().__init__(
            f"{run.run_id} is under way ({run.plan.scenario}, since {run.since}), and there is one load"
            " at a time: wait for its end, or stop it"
        )


class Runs:
    """Starts a run and stops it."""

    def __init__(
        self, place: LocalRunner, out: Path, metrics: Metrics, common: "CommonOptions | None" = None
    ) -> None:
        self.place = place
        self.common = common or CommonOptions()
        self.event_log = EventLog()
        self.out = out
        self._metrics = metrics
        self._run: AgentRun | None = None
        self._closing = False

    @property
    def target(self) -> str:
        """What is loaded, in words."""
        return self.place.target

    @property
    def running(self) -> AgentRun | None:
        """The run that is under way, None where none is."""
        return None if self._run is None or self._run.over else self._run

    def start(self, asked: PostedRun, limits: Limits | None, run_id: str | None = None) -> AgentRun:
        """Start a run; raise BusyError, or UsageError with what is wrong with what was asked.

        The client that names it keeps its result. One without a name is named, and its result is kept, here.
        """
        if self._closing:
            raise UsageError("this agent is about to end and starts no run any more")
        if (run := self.running) is not None:
            raise BusyError(run)
        todo = task(asked, self.place, limits, (*self.common.target, *self.common.results))
        folder = None
        if run_id is None:
            folder = Folder(self.out, todo.plan.scenario)
            run_id = folder.run_id
        self._run = AgentRun(
            run_id,
            todo.plan,
            _run_plan(todo.place, folder, todo.about),
            events=self.event_log.begin(run_id),
            metrics=self._metrics,
            folder=folder,
            most_s=limits.stops_after_s(todo.plan) if limits else None,
        )
        return self._run

    def events_of(self, run_id: str) -> RunEvents | None:
        """Return the events of the run that is under way, or of the last one; None of any other."""
        latest = self.event_log.latest
        return latest if latest is not None and latest.run_id == run_id else None

    async def close(self) -> None:
        """End: the run drains and is kept, but for so long only; followers are let go with its last event."""
        self._closing = True
        if (run := self.running) is not None:
            run.stop()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await run.ended()
            except TimeoutError:
                run.stop()
                await run.ended()
        self.event_log.close()


def _run_plan(place: LocalRunner, folder: Folder | None, about: About) -> RunPlan:
    """Return what carries a plan there; a target's own log is kept where the result is."""

    async def run_plan(plan: Plan, run_id: str, control: Control, tell: Tell, observe: Observe) -> RunResult:
        async with contextlib.AsyncExitStack() as stack:
            log = folder.log if folder else Path(stack.enter_context(_scratch()), TARGET_LOG)
            if folder:
                stack.push_async_callback(in_thread, folder.mask_log, secrets_of(plan))
            host = place.host(log, plan.seed)
            return await run_at(host, plan, run_id, control, tell, about=about, observe=observe)

    return run_plan


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="loadlab-")
