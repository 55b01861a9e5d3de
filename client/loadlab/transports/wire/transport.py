"""The `wire` transport: `begin` for continuations, `send` for coroutines on top."""

import asyncio
from collections import deque

from loadlab.clock import MONOTONIC
from loadlab.recording.sample import Reply
from loadlab.transports import Replied
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.standing import rest_ns, unseen_ns
from loadlab.transports.status_outcomes import ENDED_HERE, Verdicts
from loadlab.transports.tls import client_context
from loadlab.transports.wire.connection import NEVER, Connection, Context, PreparedRequest, ResponseCache
from loadlab.transports.wire.pool import Pool
from loadlab.transports.wire.request import Address, address
from loadlab.transports.wire.session import ContentConnection, WireSession
from loadlab.transports.wire.timeouts import TimerWheel
from loadlab.workload.plan import Plan, Request


class WireTransport:
    """An `AsyncTransport` and a `CallbackTransport`. Everything belongs to the loop in which `open` ran.

    A cancelled `send` closes its connection and passes the cancellation on. `close` breaks what is still
    in flight: it ends as `protocol_error`.
    """

    def __init__(self) -> None:
        self.stats = ConnectionStats()
        self._opened: set[Connection] = set()
        self._origins: dict[Address, Pool] = {}
        self._sessions: set[Pool] = set()
        """Connections that belong to one user each."""
        self._wheel: TimerWheel | None = None

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        self._loop = asyncio.get_running_loop()
        self._trust = client_context(plan)
        self._host = plan.address
        self._wheel = TimerWheel(self._loop, self._sweep)
        self._idle_limit_ns = plan.idle_limit_ns
        self._rest_ns = rest_ns(plan)
        self._unseen_ns = min(unseen_ns(plan), plan.idle_limit_ns)
        self._known = {bodiless: ResponseCache() for bodiless in (False, True)}
        self._terms = Context(
            loop=self._loop,
            limit_ns=plan.timeout_ns,
            connect_limit_ns=plan.connect_timeout_ns,
            idle_limit_ns=plan.idle_limit_ns,
            keeps=plan.keep_alive,
            verdicts=Verdicts(plan),
            stats=self.stats,
            wheel=self._wheel,
            opened=self._opened,
        )

    def prepare(self, request: Request) -> PreparedRequest:
        """Encode the request; kinds for the same address share its connections."""
        where = address(request.url)
        if where not in self._origins:
            self._origins[where] = Pool(self._terms, where, self._trust, self._host)
        return self._origins[where].asked(request)

    def begin(self, prepared: PreparedRequest, replied: Replied, sent_ns: int) -> Connection:
        """Send one request; `replied` is called with its reply, once, and never before this returns."""
        idle = prepared.idle
        while idle:
            if self._rest_ns and not _oldest_is_rested(idle, sent_ns - self._rest_ns):
                break
            connection = idle.pop()
            idle_ns = sent_ns - connection.idle_since_ns
            if idle_ns < self._unseen_ns or (idle_ns < self._idle_limit_ns and connection.stands()):
                connection.replied = replied
                connection.asked = prepared
                connection.asked_ns = sent_ns
                connection.write(prepared.data)
                return connection
            connection.expire()
        return prepared.connect(prepared, replied, sent_ns)

    async def send(self, prepared: PreparedRequest) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        replied = future.set_result
        connection = self.begin(prepared, replied, MONOTONIC.now_ns())
        try:
            return await future
        except asyncio.CancelledError:
            connection.abandon(replied)
            raise

    def session(self, url: str) -> WireSession:
        """Return connections of one user's own to a URL's address, whose answers can be looked into."""
        pool = Pool(self._terms, address(url), self._trust, self._host, ContentConnection)
        self._sessions.add(pool)
        return WireSession(self, pool, self._known)

    def forget(self, pool: Pool) -> None:
        """Look no more after the connections of a session that is closed."""
        self._sessions.discard(pool)

    async def close(self) -> None:
        """Close every connection."""
        if self._wheel is not None:
            self._wheel.stop()
        connecting = [one.connecting for one in self._opened if one.connecting is not None]
        for connection in list(self._opened):
            connection.close(ENDED_HERE)
        self._origins.clear()
        self._sessions.clear()
        await asyncio.gather(*connecting, return_exceptions=True)
        await asyncio.sleep(0)  # for the loop to let go of the sockets

    def _sweep(self, now_ns: int) -> None:
        for pool in (*self._origins.values(), *self._sessions):
            pool.sweep(now_ns)


def _oldest_is_rested(idle: deque[Connection], since_ns: int) -> bool:
    """Have the connection that has been idle longest taken next, if its last request is older than that."""
    if idle[0].asked_ns > since_ns and idle[0].idle_since_ns != NEVER:
        return False
    idle.rotate(-1)
    return True
