"""The `wire` transport: `begin` for continuations, `send` for coroutines on top of it."""

import asyncio
from typing import NamedTuple

from loadlab.clock import NS_PER_S
from loadlab.plan import Plan, Request
from loadlab.sample import Reply
from loadlab.transports import Wear
from loadlab.transports.trust import client_context
from loadlab.transports.verdicts import BROKEN, Verdicts
from loadlab.transports.wire.connection import Asked, Connection, Known, Replied, Terms
from loadlab.transports.wire.origin import KEEPALIVE_S, Origin
from loadlab.transports.wire.request import Address, address, asks_to_close, encode
from loadlab.transports.wire.wheel import Wheel

_SMALL_BODY_BYTES = 8 * 1024
"""A request that a socket's buffer takes whole: no answer can come before its end."""


class Prepared(NamedTuple):
    """A kind of request, ready to go."""

    origin: Origin
    asked: Asked


class WireTransport:
    """An `AsyncTransport`, and `Continuing`. All of it belongs to the event loop in which `open` ran.

    A cancelled `send` closes its connection and passes the cancellation on. `close` breaks what is still
    in flight: it ends as `protocol_error`.
    """

    def __init__(self) -> None:
        self.wear = Wear()
        self._opened: set[Connection] = set()
        self._origins: dict[Address, Origin] = {}
        self._wheel: Wheel | None = None

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._limit_s = plan.timeout_ns / NS_PER_S
        self._trust = client_context(plan)
        self._wheel = Wheel(self._loop, self._sweep)
        self._terms = Terms(
            loop=self._loop,
            limit_s=self._limit_s,
            connect_limit_s=plan.connect_timeout_ns / NS_PER_S,
            verdicts=Verdicts(plan),
            wear=self.wear,
            wheel=self._wheel,
            opened=self._opened,
        )

    def prepare(self, request: Request) -> Prepared:
        """Encode the request; kinds for the same address share its connections."""
        where = address(request.url)
        origin = self._origins.get(where)
        if origin is None:
            origin = self._origins[where] = Origin(self._terms, where, self._trust)
        bodiless = request.method.upper() == "HEAD"
        keeps = not asks_to_close(request)
        learns = keeps and len(request.body) <= _SMALL_BODY_BYTES
        asked = Asked(
            data=encode(request),
            bodiless=bodiless,
            keeps=keeps,
            known=origin.known[bodiless] if learns else Known(),
            learns=learns,
        )
        return Prepared(origin, asked)

    def begin(self, prepared: Prepared, replied: Replied) -> Connection:
        """Send one request; `replied` is called with its reply, once, and never before this returns."""
        origin, asked = prepared
        idle = origin.idle
        now_s = self._time()
        while idle:
            connection = idle.pop()
            if now_s - connection.idle_since_s < KEEPALIVE_S:
                connection.replied = replied
                connection.asked = asked
                connection.known = asked.known
                connection.deadline_s = now_s + self._limit_s
                connection.fresh = True
                connection.write(asked.data)
                return connection
            connection.drop()
        return origin.connect(asked, replied, now_s)

    async def send(self, prepared: Prepared) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        replied = future.set_result
        connection = self.begin(prepared, replied)
        try:
            return await future
        except asyncio.CancelledError:
            connection.abandon(replied)
            raise

    async def close(self) -> None:
        """Close every connection."""
        if self._wheel is not None:
            self._wheel.stop()
        connecting = [one.connecting for one in self._opened if one.connecting is not None]
        for connection in list(self._opened):
            connection.close(BROKEN)
        self._origins.clear()
        await asyncio.gather(*connecting, return_exceptions=True)
        await asyncio.sleep(0)  # for the loop to let go of the sockets

    def _sweep(self, now_s: float) -> None:
        for origin in self._origins.values():
            origin.sweep(now_s)
