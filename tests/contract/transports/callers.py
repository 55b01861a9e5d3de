"""The transports behind one face, so that one set of tests holds for all of them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import uvloop

from contract.transports.scripted import PATIENCE_S
from loadlab.clock import NS_PER_S
from loadlab.recording.sample import ANSWERED, Reply
from loadlab.transports import AsyncTransport, async_transport, blocking_transport
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.content import Message, Session
from loadlab.transports.outgoing import outgoing
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload
from loadlab.workload.url import origin_of

T = TypeVar("T")


def plan_for(
    *urls: str, timeout_s: float = PATIENCE_S / 2, connect_timeout_s: float = PATIENCE_S / 2, **more: Any
) -> Plan:
    return Plan(
        scenario="any",
        transport="any",
        workload=Workload.CLOSED,
        target=urls[0],
        requests=tuple(Request(url=url) for url in urls),
        stages=(Stage(concurrency=1),),
        timeout_ns=round(timeout_s * NS_PER_S),
        connect_timeout_ns=round(connect_timeout_s * NS_PER_S),
        **more,
    )


class Caller(Protocol):
    stats: ConnectionStats

    def open(self, plan: Plan) -> None: ...
    def send(self, request: Request) -> Reply: ...
    def send_together(self, requests: list[Request]) -> list[Reply]: ...
    def close(self) -> None: ...


class AsyncCaller:
    """A transport on an event loop that runs all the time, as it does in a run."""

    def __init__(
        self,
        name: str,
        new_loop: Callable[[], asyncio.AbstractEventLoop],
        kind: Callable[[str], AsyncTransport] = async_transport,
    ) -> None:
        self.loop = new_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.complaints: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _loop, context: self.complaints.append(context))
        self.transport: AsyncTransport = kind(name)
        self.stats = self.transport.stats
        self._prepared: dict[Request, Any] = {}

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def open(self, plan: Plan) -> None:
        self._prepared.clear()
        self.start(self.transport.open(plan)).result(PATIENCE_S)

    def prepared(self, request: Request) -> Any:
        """Prepare each request once, as in a run."""
        if request not in self._prepared:
            self._prepared[request] = self.transport.prepare(request)
        return self._prepared[request]

    def send(self, request: Request) -> Reply:
        return self.start(self.transport.send(self.prepared(request))).result(PATIENCE_S)

    def send_together(self, requests: list[Request]) -> list[Reply]:
        async def together() -> list[Reply]:
            return await asyncio.gather(*(self.transport.send(self.prepared(each)) for each in requests))

        return self.start(together()).result(PATIENCE_S)

    def close(self) -> None:
        self.start(self.transport.close()).result(PATIENCE_S)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()


class OneUser:
    """What a user of journeys has of a transport, a `Session`, behind the face of a transport."""

    def __init__(self, name: str) -> None:
        self._transport: Any = async_transport(name)
        self._sessions: dict[str, Session] = {}
        self.stats = self._transport.stats
        self.session = self._transport.session

    async def open(self, plan: Plan) -> None:
        self._sessions.clear()
        self._keeps = plan.keep_alive
        await self._transport.open(plan)

    def prepare(self, request: Request) -> tuple[str, Message]:
        made = outgoing(request, keeps=self._keeps)
        message = Message(made.method, made.url.target, made.lines, made.body, made.closes)
        return origin_of(made.url), message

    async def send(self, prepared: tuple[str, Message]) -> Reply:
        where, message = prepared
        if where not in self._sessions:
            self._sessions[where] = self._transport.session(where)
        reply, content = await self._sessions[where].exchange(message)
        assert (content is not None) == (reply.outcome in ANSWERED)
        return reply

    async def close(self) -> None:
        await self._transport.close()


class BlockingCaller:
    """A transport for each request in flight, in a thread of its own, as it is used in a run."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.transport = blocking_transport(name)
        self.stats = self.transport.stats

    def open(self, plan: Plan) -> None:
        self._plan = plan
        self.transport.open(plan)

    def send(self, request: Request) -> Reply:
        return self.transport.send(self.transport.prepare(request))

    def send_together(self, requests: list[Request]) -> list[Reply]:
        with ThreadPoolExecutor(len(requests)) as pool:
            return list(pool.map(self._send_apart, requests, timeout=PATIENCE_S))

    def _send_apart(self, request: Request) -> Reply:
        transport = blocking_transport(self._name)
        transport.open(self._plan)
        reply = transport.send(transport.prepare(request))
        transport.close()
        self.stats.connections_opened += transport.stats.connections_opened
        return reply

    def close(self) -> None:
        self.transport.close()

    def stop(self) -> None:
        pass


ASYNC: dict[str, Callable[[], AsyncCaller]] = {
    "aiohttp": lambda: AsyncCaller("aiohttp", asyncio.new_event_loop),
    "aiohttp-uvloop": lambda: AsyncCaller("aiohttp", uvloop.new_event_loop),
    "aiohttp-session": lambda: AsyncCaller("aiohttp", asyncio.new_event_loop, OneUser),
    "wire": lambda: AsyncCaller("wire", asyncio.new_event_loop),
    "wire-uvloop": lambda: AsyncCaller("wire", uvloop.new_event_loop),
    "wire-session": lambda: AsyncCaller("wire", asyncio.new_event_loop, OneUser),
}
BLOCKING: dict[str, Callable[[], BlockingCaller]] = {
    "requests": lambda: BlockingCaller("requests"),
}
"""A new transport is one line in one of the two; what stands before a hyphen is its name."""
