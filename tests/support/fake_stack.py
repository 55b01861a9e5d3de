"""A stack without an engine: a scripted agent, or a real one of this machine."""

import asyncio

from loadlab.errors import LostAgentError
from loadlab.remote.agent_client import AgentClient
from loadlab.runs.partial_result import PartialResult
from loadlab.stack.container import Container
from loadlab.stack.stats import Frame
from loadlab.workload.kept_plan import secrets_of

SECOND = 1_000_000_000


async def carried(runner, plan, folder, control, tell):
    """Carry a plan, and make a result of what was told where the agent is lost, as the command line does."""
    partial = PartialResult(secrets_of(plan))

    def note(event):
        partial.tell(event)
        tell(event)

    try:
        return await runner.run(plan, folder, control, note)
    except LostAgentError as error:
        return partial.after(error, interrupted=control.stopped)


class FakeStack:
    """Two containers that use a tenth and a half of a core, by an engine's clock that tests turn."""

    base = "http://target:8000"
    where = "in a stack that is not there, http://target:8000"
    cpus = 2.0

    def __init__(self, *script):
        self.scripted = ScriptedAgent(*script)
        self.conditions = {"client": None, "target": None}
        self.containers = {name: container(name) for name in ("client", "target")}
        self.now_s = 1.0
        self.asked = []

    def agent(self):
        return self.scripted

    async def frames(self):
        self.asked.append(self.now_s)
        ratios = {"client": 0.5, "target": 0.1}
        return {name: frame(self.now_s, self.now_s * ratio) for name, ratio in ratios.items()}

    async def condition(self, service):
        return self.conditions[service]

    async def log(self, since_s):
        return b"what the target wrote\n"


def container(service, **changed):
    values = {"id": service, "project": "lab", "service": service, "folder": "/lab", "status": "running"}
    return Container(**values | {"memory_limit_bytes": 2**30} | changed)


def frame(at_s, cpu_s, throttled_s=0.0, memory_bytes=1000):
    return Frame(
        at_ns=round(at_s * SECOND),
        cpu_ns=round(cpu_s * SECOND),
        throttled_ns=round(throttled_s * SECOND),
        memory_bytes=memory_bytes,
    )


class ScriptedAgent:
    """Tells what it was given; an exception in the script is raised, a function called, None is silence."""

    def __init__(self, *script):
        self._script = script
        self.asked = []
        self.left = False

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.left = True

    async def run(self, request):
        self.asked.append(request)
        for step in self._script:
            await asyncio.sleep(0)  # what was asked meanwhile gets its turn
            if callable(step):
                step()
            elif isinstance(step, Exception):
                raise step
            else:
                yield step

    async def stop(self, run_id):
        self.asked.append(run_id)


class LocalStack(FakeStack):
    """Its client container is this machine: a real agent, reached by its port as that of a container."""

    def __init__(self, agent, target_url):
        super().__init__()
        self.base = target_url
        self.process = agent

    def agent(self):
        return AgentClient(self.process.url, self.process.token)
