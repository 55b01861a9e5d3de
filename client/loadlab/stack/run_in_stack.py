"""A run in this folder's Compose stack: the client container carries it, this process follows.

The events are told here as if they happened here; the result is theirs, with this run's name, the place in
words, and what the two containers took. Whatever becomes of the client container, the stages that it had
finished are kept.
"""

import asyncio
import time
from typing import Protocol

import msgspec

from loadlab.errors import UsageError, relayed
from loadlab.fleet.stop import Control
from loadlab.remote.partial_result import Salvage
from loadlab.remote.protocol import COMMAND, STOP, Accepted, Refused, RunRequest, decode, encode
from loadlab.results.events import Noted, RunBegan, RunEnded, StageBegan, StageEnded, Tell, Tick
from loadlab.results.result import NAMELESS, About, RunResult
from loadlab.results.run_folder import Folder
from loadlab.stack.exec import Process
from loadlab.stack.usage import ContainerUsageMeter, Metered
from loadlab.system import environment
from loadlab.system.environment import Environment
from loadlab.system.threads import in_thread
from loadlab.workload.capacity import Capacity
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.plan import Plan

_POLL_S = 0.05
_SILENCE_S = 5.0
"""Ticks come twice a second: after such a silence the container is looked at."""
_SETTLE_S = 1.5
"""How long the engine may take to notice that a container has ended."""
_KILLED = 128 + 9


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

    async def execute(self, *command: str) -> Process:
        """Start a command in the client container, attached to it."""
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
        # Its limit of open files is the container's, which `loadlab carry` knows there.
        self.room = Capacity(cpus=stack.cpus, open_files=None)

    async def carry(
        self, plan: Plan, folder: Folder, control: Control, tell: Tell, about: About = NAMELESS
    ) -> RunResult:
        """Have the plan carried to its result; raise LabError where it can't begin."""
        begun_s = time.time()
        process = await self._stack.execute(*COMMAND)
        request = RunRequest(folder.run_id, plan, about)
        process.send(encode(request))
        following = Following(self._stack, process, request, control, tell)
        passing = asyncio.create_task(_pass_on(control, process))
        try:
            return await following.result()
        finally:
            passing.cancel()
            process.close()
            await in_thread(folder.write_log, await self._stack.log(begun_s), secrets_of(plan))


async def _pass_on(control: Control, process: Process) -> None:
    """Pass each request to stop on to the container."""
    async for _ in control.stops():
        process.send(STOP)


class Following:
    """Hears one run from its first event to its last."""

    def __init__(
        self, stack: Stack, process: Process, request: RunRequest, control: Control, tell: Tell
    ) -> None:
        self._stack = stack
        self._process = process
        self._request = request
        self._control = control
        self._tell = tell
        self._meter = ContainerUsageMeter(stack)
        self._salvage = Salvage(request.run_id, request.plan, request.about)
        self._environment: Environment | None = None
        self._ended: RunResult | None = None
        self._lost: str | None = None

    async def result(self) -> RunResult:
        """Follow to the end and return the result, or what there is of it."""
        try:
            while self._ended is None and self._lost is None:
                line = await self._next_line()
                if line is not None:
                    await self._hear(line)
        finally:
            self._meter.close()
        result = self._ended or self._what_is_left(self._lost or "")
        self._tell(RunEnded(result))
        return result

    async def _next_line(self) -> bytes | None:
        """Return the next line; None, and why in `_lost`, where there will be none."""
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    line = await self._process.line()
            except TimeoutError:
                condition = await self._stack.condition("client")
                if condition is None and not self._control.quitted:
                    continue
                self._lost = f"the client container {condition or 'does not answer'}"
                return None
            if line is None:
                self._lost = await self._fate()
            return line

    async def _hear(self, line: bytes) -> None:
        try:
            event = decode(line)
        except msgspec.DecodeError:
            raise UsageError(_OTHER_VERSION.format(said=line[:200].decode(errors="replace"))) from None
        match event:
            case Refused(sentence, code):
                raise relayed(sentence, code)
            case Accepted(found):
                self._environment = msgspec.structs.replace(found, where=self._stack.where)
            case RunBegan():
                self._salvage.began(event.app)
                self._tell(
                    msgspec.structs.replace(event, run_id=self._request.run_id, where=self._stack.where)
                )
            case Noted():
                self._tell(event)
            case StageBegan():
                self._meter.begin()
                self._tell(event)
            case Tick():
                self._meter.follow(event)
                self._tell(event)
            case StageEnded(index, stage):
                measured = msgspec.structs.replace(stage, containers=await self._meter.end())
                self._salvage.stages.append(measured)
                self._tell(StageEnded(index, measured))
            case RunEnded(result):
                self._ended = await self._completed(result)

    async def _completed(self, result: RunResult) -> RunResult:
        """Return the result with what only the host knows."""
        lost = result.target_lost
        if lost is not None and (condition := await self._stack.condition("target")) is not None:
            lost = f"{lost} (its container {condition})"
        return msgspec.structs.replace(
            result,
            target_lost=lost,
            environment=msgspec.structs.replace(result.environment, where=self._stack.where),
            stages=tuple(self._salvage.stages),
        )

    async def _fate(self) -> str:
        """Say why the container says no more."""
        code = None
        for _ in range(round(_SETTLE_S / _POLL_S)):
            if (condition := await self._stack.condition("client")) is not None:
                return f"the client container {condition}"
            code = await self._process.exit_code()
            if code not in (None, _KILLED):  # what was killed may have been so with its container
                break
            await asyncio.sleep(_POLL_S)
        if code is None:
            return "the connection to the client container was lost"
        said = "".join(f": {line}" for line in self._process.last_words.splitlines()[-1:])
        return f"loadlab in the client container ended with exit code {code}{said}"

    def _what_is_left(self, why: str) -> RunResult:
        """Return the stages that were finished before the client was lost."""
        if self._environment is None and not why.startswith("the client container "):
            raise UsageError(_OTHER_VERSION.format(said=why))
        found = self._environment or environment.read(self._stack.where)
        return self._salvage.result(why, found, interrupted=self._control.stopped)


_OTHER_VERSION = (
    "the client container does not carry the runs of this loadlab; `make up` brings it up to date"
    " (it said: {said})"
)
