"""The runner whose run an agent carries for this process."""

import asyncio

from loadlab.errors import LostAgentError, relayed
from loadlab.fleet.stop import Control
from loadlab.remote.agent_client import AgentClient
from loadlab.remote.partial_result import Salvage
from loadlab.remote.protocol import Accepted, Refused, RunRequest, decode
from loadlab.results.events import RunEnded, Tell
from loadlab.results.result import NAMELESS, About, RunResult
from loadlab.results.run_folder import Folder
from loadlab.workload.capacity import Capacity
from loadlab.workload.plan import Plan


class AgentRunner:
    """A `Runner`: the events of the agent's run are told here, and its result is kept here."""

    def __init__(self, base: str, room: Capacity, path: str) -> None:
        """Take where the agent's target is, what the agent may use, and its socket."""
        self.base = base
        self.room = room
        self._path = path

    async def carry(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Have the plan carried to its result; whatever becomes of the agent, finished stages are kept."""
        async with AgentClient(self._path) as agent:
            await agent.start(RunRequest(folder.run_id, plan, about))
            passing = asyncio.create_task(_pass_on(control, agent, folder.run_id))
            try:
                salvage = Salvage(folder.run_id, plan, about)
                return await _follow(agent, salvage, folder.run_id, control, tell)
            finally:
                passing.cancel()


async def _follow(
    agent: AgentClient, salvage: Salvage, run_id: str, control: Control, tell: Tell
) -> RunResult:
    try:
        async for line in agent.events(run_id):
            event = decode(line)
            if isinstance(event, Refused):
                raise relayed(event.sentence, event.exit)
            if isinstance(event, Accepted):
                continue
            salvage.tell(event)
            tell(event)
            if isinstance(event, RunEnded):
                return event.result
    except LostAgentError as error:
        why = str(error)
    result = salvage.result(why, interrupted=control.stopped)
    tell(RunEnded(result))
    return result


async def _pass_on(control: Control, agent: AgentClient, run_id: str) -> None:
    """Pass each request to stop on to the agent."""
    async for _ in control.stops():
        await agent.stop(run_id)
