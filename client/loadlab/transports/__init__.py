"""What puts a request on the wire.

Two small protocols, because a call either gives way to the event loop or holds its thread. Both
promise: a network failure, a timeout or an invalid response is a `Reply`, never a raise; a body is
read to its end; nothing is retried and nothing queues out of sight.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

from loadlab.recording.sample import Reply
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.content import Session
from loadlab.workload.plan import Plan, Request
from loadlab.workload.traits import TransportTraits


class AsyncTransport(Protocol):
    """Sends from an event loop, without holding it."""

    stats: ConnectionStats

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        ...

    def prepare(self, request: Request) -> Any:  # noqa: ANN401 - its own form, only `send` reads it
        """Do once for a kind of request, after `open`, what need not be done for each."""
        ...

    async def send(self, prepared: Any) -> Reply:  # noqa: ANN401 - what `prepare` returned
        """Send one request and read its response to the end, within the plan's time limits."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


Replied = Callable[[Reply], object]


class PendingRequest(Protocol):
    """A request that was begun."""

    def abandon(self, replied: Replied) -> bool:
        """Give this caller's request up, so that it is never called; False where it has its reply."""
        ...


@runtime_checkable
class CallbackTransport(Protocol):
    """An `AsyncTransport` that can also go on by itself: no coroutine and no future for a request."""

    def begin(self, prepared: Any, replied: Replied, sent_ns: int) -> PendingRequest:  # noqa: ANN401 - as in `send`
        """Send one request as `send` does, its time limits counted from `sent_ns`, which is now.

        `replied` is called once with the reply, and never before this returns.
        """
        ...


class SessionTransport(AsyncTransport, Protocol):
    """An `AsyncTransport` whose users can have connections of their own."""

    def session(self, url: str) -> Session:
        """Return connections of one user's own to a URL's address, whose answers can be looked into."""
        ...


class BlockingTransport(Protocol):
    """Sends from a thread and holds it until the response is read. One per thread."""

    stats: ConnectionStats

    def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        ...

    def prepare(self, request: Request) -> Any:  # noqa: ANN401 - its own form, only `send` reads it
        """Do once for a kind of request, after `open`, what need not be done for each."""
        ...

    def send(self, prepared: Any) -> Reply:  # noqa: ANN401 - what `prepare` returned
        """Send one request and read its response to the end, within the plan's time limits."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


Begin = Callable[[Any, Replied, int], PendingRequest]


def as_callback(transport: AsyncTransport) -> Begin:
    """Return how to begin a request and be called with its reply, on any transport."""
    return transport.begin if isinstance(transport, CallbackTransport) else partial(_Future, transport)


class _Future:
    """A request begun on a transport that only sends: a task, whose done-callback tells the reply."""

    __slots__ = ("_replied", "_task")

    def __init__(self, transport: AsyncTransport, prepared: Any, replied: Replied, sent_ns: int) -> None:  # noqa: ANN401, ARG002 - as in `begin`
        self._replied = replied
        self._task = asyncio.ensure_future(transport.send(prepared))
        self._task.add_done_callback(self._tell)

    def abandon(self, replied: Replied) -> bool:  # noqa: ARG002 - it has only one
        """Cancel the task."""
        return self._task.cancel()

    def _tell(self, task: asyncio.Future[Reply]) -> None:
        if not task.cancelled():
            self._replied(task.result())


AIOHTTP = TransportTraits(name="aiohttp", has_sessions=True)
WIRE = TransportTraits(name="wire", has_sessions=True, light=True)
NULL = TransportTraits(name="null", light=True, contacts_target=False)
REQUESTS = TransportTraits(name="requests", blocks=True)

_BY_NAME = {traits.name: traits for traits in (AIOHTTP, WIRE, NULL, REQUESTS)}
_WHERE = {
    "aiohttp": "loadlab.transports.aiohttp_client:AiohttpTransport",
    "wire": "loadlab.transports.wire.transport:WireTransport",
    "null": "loadlab.transports.null:NullTransport",
    "requests": "loadlab.transports.requests_client:RequestsTransport",
}

NAMES = tuple(_BY_NAME)


def traits_of(name: str) -> TransportTraits:
    """Return what the named transport is; KeyError where there is none."""
    return _BY_NAME[name]


def contacts_target(name: str | None) -> bool:
    """Tell whether the named transport sends to a target; True where there is none of this name."""
    traits = _BY_NAME.get(name or "")
    return traits is None or traits.contacts_target


def async_transport(name: str) -> AsyncTransport:
    """Make the named transport; importing a library only where it is used keeps workers quick to start."""
    transport: AsyncTransport = _made(name)
    return transport


def session_transport(name: str) -> SessionTransport:
    """Make the named transport for users of journeys."""
    transport: SessionTransport = _made(name)
    return transport


def blocking_transport(name: str) -> BlockingTransport:
    """Make the named transport for one thread."""
    transport: BlockingTransport = _made(name)
    return transport


def _made(name: str) -> Any:  # noqa: ANN401 - one of the two protocols
    module, _, kind = _WHERE[name].partition(":")
    return getattr(import_module(module), kind)()
