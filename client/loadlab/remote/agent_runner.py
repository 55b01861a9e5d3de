"""The runner whose run an agent carries for this process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from loadlab.errors import LostAgentError, relayed
from loadlab.fleet.stop import Control
from loadlab.results.events import Event, Refused, RunEnded, Tell
from loadlab.results.result import NAMELESS, About, RunResult
from loadlab.results.run_folder import Folder
from loadlab.workload.capacity import Capacity
from loadlab.workload.plan import Plan


class RunRequest(msgspec.Struct, frozen=True):
    """What is to be carried."""

    run_id: str
    plan: Plan
    about: About = NAMELESS


class Agent(Protocol):
    """Carries one run; `AgentClient` has the real one."""

    def run(self, request: RunRequest) -> AsyncGenerator[Event | Refused | None]:
        """Start a run and give its events to the last; None after each few seconds without a word."""
        ...

    async def stop(self, run_id: str) -> None:
        """Ask once more that the run ends."""
        ...


Agents = Callable[[], AbstractAsyncContextManager[Agent]]


class Surroundings(Protocol):
    """Where the agent is, as this process sees it."""

    async def as_seen_here(self, event: Event) -> Event:
        """Return an event with what only this process knows."""
        ...

    async def condition(self) -> str | None:
        """Say what has become of the agent's place in a few words, None while it seems well."""
        ...

    async def fate(self) -> str | None:
        """Say the same of an agent that was lost, as soon as it can be known."""
        ...


class ThisMachine:
    """The agent is another process, of which nothing else is known."""

    async def as_seen_here(self, event: Event) -> Event:
        """Return the event as it is."""
        return event

    async def condition(self) -> str | None:
        """Know nothing."""
        return None

    fate = condition


class AgentRunner:
    """A `Runner`: the events of the agent's run are told here, and its result is kept here."""

    def __init__(self, base: str, capacity: Capacity, agent: Agents) -> None:
        """Take where the agent's target is, what the agent may use, and how it is reached."""
        self.base = base
        self.capacity = capacity
        self._agent = agent

    async def run(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Have the plan carried to its result; raise LabError where it can't begin or the agent is lost."""
        request = RunRequest(folder.run_id, plan, about)
        return await carried_by(self._agent, request, control, tell, ThisMachine())


async def carried_by(
    agents: Agents, request: RunRequest, control: Control, tell: Tell, place: Surroundings
) -> RunResult:
    """Have a run carried to its result; raise LostAgentError where its end is never told."""
    async with agents() as agent:
        stopping = asyncio.create_task(_pass_on(control, agent, request.run_id))
        try:
            async with contextlib.aclosing(agent.run(request)) as told:
                return await _followed(told, control, tell, place)
        except LostAgentError as error:
            raise LostAgentError(await place.fate() or str(error)) from None
        finally:
            stopping.cancel()


async def _followed(
    told: AsyncIterator[Event | Refused | None], control: Control, tell: Tell, place: Surroundings
) -> RunResult:
    async for event in told:
        if event is None:
            if (condition := await place.condition()) is not None or control.quitted:
                raise LostAgentError(condition or "the agent does not answer")
        elif isinstance(event, Refused):
            raise relayed(event.sentence, event.exit)
        else:
            seen = await place.as_seen_here(event)
            tell(seen)
            if isinstance(seen, RunEnded):
                return seen.result
    raise LostAgentError("the agent has gone")


async def _pass_on(control: Control, agent: Agent, run_id: str) -> None:
    """Pass each request to stop on to the agent."""
    async for _ in control.stops():
        await agent.stop(run_id)
