"""A run in this folder's Compose stack: the agent in the client container carries it, this process follows.

The events are told here as if they happened here; the result is the agent's, with the place in words, and
what the two containers took.
"""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from loadlab.fleet.stop import Control
from loadlab.remote.agent_runner import Agent, RunRequest, carried_by
from loadlab.results.events import Event, RunBegan, RunEnded, StageBegan, StageEnded, Tell, Tick
from loadlab.results.result import NAMELESS, About, RunResult, StageResult
from loadlab.results.run_folder import Folder
from loadlab.stack.usage import ContainerUsageMeter, Metered
from loadlab.system.environment import Environment
from loadlab.system.threads import in_thread
from loadlab.workload.capacity import Capacity
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.plan import Plan

_POLL_S = 0.05
_SETTLE_S = 1.5
"""How long the engine may take to notice that a container has ended."""


class Stack(Metered, Protocol):
    """A target and a client container that are fit for a run; `stack.compose` has the real one."""

    @property
    def base(self) -> str:
        """Where the target is, seen from the client."""
        ...

    @property
    def where(self) -> str:
        """Where load and target run, in words."""
        ...

    @property
    def cpus(self) -> float:
        """How many cores the client may use."""
        ...

    def agent(self) -> AbstractAsyncContextManager[Agent]:
        """Reach the agent in the client container."""
        ...

    async def condition(self, service: str) -> str | None:
        """Say what has become of a container in a few words, None while it runs."""
        ...

    async def log(self, since_s: float) -> bytes:
        """Return what the target wrote since that moment of the wall clock."""
        ...


class StackRunner:
    """The runner whose run the client container carries."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.base = stack.base
        # Its limit of open files is the container's, which the agent knows there.
        self.capacity = Capacity(cpus=stack.cpus, open_files=None)

    async def run(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Have the plan carried to its result; raise LabError where it can't begin or the agent is lost."""
        begun_s = time.time()
        request = RunRequest(folder.run_id, plan, about)
        seen = _SeenFromHost(self._stack)
        try:
            return await carried_by(self._stack.agent, request, control, tell, seen)
        finally:
            seen.close()
            await in_thread(folder.write_log, await self._stack.log(begun_s), secrets_of(plan))


class _SeenFromHost:
    """`Surroundings` of a run whose agent is in the client container."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._meter = ContainerUsageMeter(stack)
        self._stages: list[StageResult] = []

    def close(self) -> None:
        """Forget what is still being read."""
        self._meter.close()

    async def as_seen_here(self, event: Event) -> Event:
        """Return an event with the place in words, and what the containers took."""
        match event:
            case RunBegan():
                return msgspec.structs.replace(event, environment=self._placed(event.environment))
            case StageBegan():
                self._meter.begin()
            case Tick():
                self._meter.follow(event)
            case StageEnded():
                measured = msgspec.structs.replace(event.result, containers=await self._meter.end())
                self._stages.append(measured)
                return msgspec.structs.replace(event, result=measured)
            case RunEnded(result):
                return RunEnded(await self._completed(result))
        return event

    def _placed(self, found: Environment) -> Environment:
        return msgspec.structs.replace(found, where=self._stack.where)

    async def _completed(self, result: RunResult) -> RunResult:
        """Return the result with what only the host knows."""
        lost = result.target_lost
        if lost is not None and (condition := await self._stack.condition("target")) is not None:
            lost = f"{lost} (its container {condition})"
        return msgspec.structs.replace(
            result,
            target_lost=lost,
            environment=self._placed(result.environment),
            stages=tuple(self._stages),
        )

    async def condition(self) -> str | None:
        """Say what has become of the client container, None while it runs."""
        condition = await self._stack.condition("client")
        return None if condition is None else f"the client container {condition}"

    async def fate(self) -> str | None:
        """Say what became of the client container once the engine has noticed; None where it runs."""
        for _ in range(round(_SETTLE_S / _POLL_S)):
            if (condition := await self.condition()) is not None:
                return condition
            await asyncio.sleep(_POLL_S)
        return None
