"""`loadlab carry`: one run for a host that follows it from outside of the container (`remote.protocol`).

The agent carries it. This process passes on, in both directions, and the run is given up when it leaves.
"""

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec

from loadlab.cli.streams import say
from loadlab.errors import EarlyStopError, Exit, LabError, LostAgentError, UsageError
from loadlab.remote.lines import Lines
from loadlab.remote.protocol import STOP, Accepted, Line, Refused, RunRequest, decode, decode_request, encode
from loadlab.runs.runners import url_of
from loadlab.stack.container import AGENT_SOCKET, STACK_TARGET
from loadlab.system import environment
from loadlab.transports import contacts_target

if TYPE_CHECKING:  # an HTTP client, which every worker process would import on its way
    from loadlab.remote.agent_client import AgentClient

_CHUNK = 1 << 16
_LEAVE_S = 2.0
"""After the end of the input."""


@click.command(hidden=True)
def carry() -> int:
    """Carry one run that is read from standard input, and tell its events on standard output.

    Writes nothing to disk. Each line `stop` is a Ctrl-C; the end of the input gives up at once.
    """
    mouth = EventWriter()
    try:
        code = asyncio.run(_carry(mouth))
    except LostAgentError as error:
        # No `Refused`: what the host has heard so far it keeps.
        mouth.close()
        say(str(error), error=True)
        return error.exit
    except LabError as error:
        mouth.say(Refused(str(error), error.exit))
        mouth.close()
        return error.exit
    mouth.close()
    return code


class EventWriter:
    """Standard output, kept for the events alone: whatever else is printed goes to standard error.

    A thread writes, so that a host which does not listen for a while holds up no load.
    """

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "wb")
        sys.stdout.flush()
        os.dup2(2, 1)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True, name="mouth")
        self._writer.start()

    def say(self, line: Line) -> None:
        """Say it as soon as somebody listens."""
        self.pass_on(encode(line))

    def pass_on(self, line: bytes) -> None:
        """Say what somebody else has written."""
        self._lines.put(line + b"\n")

    def close(self) -> None:
        """Return when everything has been said, or nobody is left to hear it."""
        self._lines.put(None)
        self._writer.join()

    def _write(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                self._file.write(line)
                self._file.flush()
        except OSError:  # nobody listens any more
            return


class StdinLines:
    """Standard input by the line; unbuffered: a thread that waits in a buffer can't be left behind."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._heard: list[bytes] = []

    def next_line(self) -> bytes | None:
        """Wait for the next line; None at the end of the input."""
        while not self._heard:
            data = os.read(0, _CHUNK)
            if not data:
                return None
            try:
                self._heard = self._lines.feed(data)
            except ValueError as error:
                raise UsageError(f"loadlab carry: standard input holds {error}") from None
        return self._heard.pop(0)


async def _carry(mouth: EventWriter) -> Exit:
    from loadlab.remote.agent_client import AgentClient  # noqa: PLC0415 - as above

    ears = StdinLines()
    target, path = _surroundings()
    asked = _read(await asyncio.to_thread(ears.next_line))
    plan = (
        asked.plan.with_target(url_of(target, STACK_TARGET))
        if contacts_target(asked.plan.transport)
        else asked.plan
    )
    async with AgentClient(path) as agent:
        await agent.start(RunRequest(asked.run_id, plan, asked.about))
        mouth.say(Accepted(environment.read("")))
        stops: asyncio.Queue[None] = asyncio.Queue()
        passing = asyncio.create_task(_pass_on(stops, agent, asked.run_id))
        _listen(ears, asyncio.get_running_loop(), lambda: stops.put_nowait(None))
        try:
            line = b""
            async for line in agent.events(asked.run_id):
                mouth.pass_on(line)
        finally:
            passing.cancel()
    last = decode(line)
    return last.exit if isinstance(last, Refused) else Exit.PASS


def _listen(ears: StdinLines, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Hear what the host says from now on, in a thread."""

    def listen() -> None:
        with contextlib.suppress(
            RuntimeError, UsageError
        ):  # the loop is closed: the run is over; or no lines
            while (line := ears.next_line()) is not None:
                if line.strip() == STOP:
                    loop.call_soon_threadsafe(stop)
            for _ in range(2):
                loop.call_soon_threadsafe(stop)
        # Nobody is left to hear the rest, and the output may be full for good. The agent gives up a run whose
        # owner has left.
        time.sleep(_LEAVE_S)
        os._exit(0)

    threading.Thread(target=listen, daemon=True, name="ears").start()


async def _pass_on(stops: asyncio.Queue[None], agent: "AgentClient", run_id: str) -> None:
    while True:
        await stops.get()
        await agent.stop(run_id)


def _surroundings() -> tuple[str, str]:
    """Return the stack's target and the agent's socket; raise UsageError outside of the client container."""
    found = [os.environ.get(name) for name in (STACK_TARGET, AGENT_SOCKET)]
    if not all(found):
        raise UsageError(
            f"this runs in the stack's client container, where {STACK_TARGET} names the target and"
            f" {AGENT_SOCKET} the agent"
        )
    return found[0] or "", found[1] or ""


def _read(line: bytes | None) -> RunRequest:
    if line is None:
        raise EarlyStopError("the host left before it said what to carry")
    try:
        return decode_request(line)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"loadlab carry: this is not a run request of this version ({error});"
            " `loadlab run` is the command"
        ) from None
