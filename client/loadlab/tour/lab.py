"""The servers that the steps call; each starts when a step needs it."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Self

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import TargetError, UsageError
from loadlab.targets.local import LocalHost
from loadlab.targets.sink import SinkHost
from loadlab.tour.events import Seen, Tell
from loadlab.tour.example import printed
from loadlab.tour.steps import FEW_THREADS, STALL_NS, Run, Server
from loadlab.tour.timeline import Part, Reader

_CALM_NS = 300 * NS_PER_MS
"""Between a program's first line and the moment when its server stops."""


class Lab:
    """The servers of one tour; leaving it stops them all."""

    def __init__(self, delay_ns: int, tell: Tell) -> None:
        self.delay_ns = delay_ns
        self.tell = tell
        self._hosts: dict[Server, LocalHost | SinkHost] = {}
        self._urls: dict[Server, str] = {}
        self._keep_logs = False

    async def __aenter__(self) -> Self:
        """Begin."""
        self._stack = AsyncExitStack()
        self._logs = Path(tempfile.mkdtemp(prefix="loadlab-tour-"))
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop what is up; the servers' output is kept where a sentence names it."""
        await self._stack.__aexit__(type(error) if error else None, error, None)
        if not self._keep_logs:
            shutil.rmtree(self._logs, ignore_errors=True)

    async def run(self, file: Path, run: Run) -> tuple[Part, ...]:
        """Run a program against its server; tell what it prints for people, return what it measured."""
        url = await self._url(run.server)
        reader = Reader()
        stalling: asyncio.Task[None] | None = None
        try:
            async with aclosing(printed(file, url + run.path, *run.arguments)) as lines:
                async for line in lines:
                    if run.stalls and stalling is None:
                        stalling = asyncio.create_task(self._stall(run.server))
                    if (text := reader.read(line)) is not None:
                        self.tell(Seen(text))
        except TargetError:
            await self._raise_if_lost(run.server)
            raise
        finally:
            if stalling is not None:
                stalling.cancel()
                await asyncio.wait([stalling])
        if reader.unanswered:
            await self._raise_if_lost(run.server)
            raise TargetError(f"{file.name}: {reader.unanswered} of its requests were not answered")
        if (printed_names := tuple(part.cost.label for part in reader.parts)) != run.names:
            raise UsageError(f"{file}: it printed the Cost time of {printed_names}, not of {run.names}")
        return tuple(reader.parts)

    async def _url(self, server: Server) -> str:
        if server not in self._hosts:
            host = self._host(server)
            self._urls[server] = (await self._stack.enter_async_context(_started(host))).rstrip("/")
            self._hosts[server] = host
        return self._urls[server]

    def _host(self, server: Server) -> LocalHost | SinkHost:
        if server is Server.SINK:
            return SinkHost()
        served = {"--server": "flask"} if server is Server.FLASK else {"--threads": str(FEW_THREADS)}
        delay = {"--delay": f"{self.delay_ns / 1000:.3f}us"}
        return LocalHost(self._logs / f"{server.name.lower()}.log", served | delay)

    async def _stall(self, server: Server) -> None:
        """Let the server stand still for a while."""
        await asyncio.sleep(_CALM_NS / NS_PER_S)
        await self._hosts[server].pause(STALL_NS)

    async def _raise_if_lost(self, server: Server) -> None:
        if lost := await self._hosts[server].ended():
            self._keep_logs = True
            raise TargetError(lost)


@asynccontextmanager
async def _started(host: LocalHost | SinkHost) -> AsyncIterator[str]:
    """Start a server and stop it in the end; at once where the tour was interrupted."""
    try:
        yield (await host.start()).url
    except BaseException:
        await host.stop(at_once=True)
        raise
    await host.stop()
