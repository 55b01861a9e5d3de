"""One user's own connections on `wire`, with what its answers hold."""

import asyncio
from typing import Protocol

from loadlab.clock import MONOTONIC
from loadlab.recording.sample import ANSWERED, Reply
from loadlab.transports import Replied
from loadlab.transports.content import MOST_KEPT_BYTES, Content, Message, RawContent
from loadlab.transports.wire.connection import Connection, PreparedRequest, ResponseCache
from loadlab.transports.wire.pool import SMALL_BODY_BYTES, Pool

_MOST_KNOWN = 64


class ContentConnection(Connection):
    """A connection that keeps what came last."""

    __slots__ = ("came", "first_byte_ns")

    came: bytes | bytearray
    first_byte_ns: int
    """When the first byte of the last answer came."""

    def data_received(self, data: bytes) -> None:
        """Keep what came, and take it in."""
        if self._reader is None:
            self.came = data
            self.first_byte_ns = MONOTONIC.now_ns()
        elif len(self.came) < MOST_KEPT_BYTES:
            if not isinstance(self.came, bytearray):
                self.came = bytearray(self.came)
            self.came += data
        super().data_received(data)


class _Transport(Protocol):
    def begin(self, prepared: PreparedRequest, replied: Replied, sent_ns: int) -> Connection: ...
    def forget(self, pool: Pool) -> None: ...


class WireSession:
    """A `Session`. Users of one transport share what is known of the target's answers, not connections."""

    def __init__(self, transport: _Transport, pool: Pool, known: dict[bool, ResponseCache]) -> None:
        self._transport = transport
        self._pool = pool
        self._known = known
        self._loop = asyncio.get_running_loop()
        self._prepared: dict[str, tuple[Message, PreparedRequest]] = {}
        """The last request to each path, as it was encoded."""

    async def exchange(self, message: Message) -> tuple[Reply, Content | None]:
        """Send a request and read its answer to the end, within the plan's time limits."""
        known = self._prepared.get(message.target)
        prepared = known[1] if known is not None and known[0] is message else self._prepare(message)
        future: asyncio.Future[tuple[Reply, Content | None]] = self._loop.create_future()
        sent_ns = MONOTONIC.now_ns()
        waits = _Waits(future, sent_ns)
        waits.connection = connection = self._transport.begin(prepared, waits.replied, sent_ns)
        try:
            return await future
        except asyncio.CancelledError:
            connection.abandon(waits.replied)
            raise

    async def close(self) -> None:
        """Close its connections."""
        while self._pool.idle:
            self._pool.idle.pop().drop()
        self._transport.forget(self._pool)

    def _prepare(self, message: Message) -> PreparedRequest:
        """Encode a request; one that comes again as the same object is known."""
        method, target, lines, body, closes = message
        head = "".join(
            [f"{method} {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in lines)]
        )
        bodiless = method == "HEAD"
        prepared = PreparedRequest(
            b"%b\r\n%b" % (head.encode(), body),
            connect=self._pool.connect,
            idle=self._pool.idle,
            known=self._known[bodiless],
            bodiless=bodiless,
            keeps=not closes,
            learns=not closes and len(body) <= SMALL_BODY_BYTES,
        )
        if len(self._prepared) >= _MOST_KNOWN:
            self._prepared.clear()
        self._prepared[target] = message, prepared
        return prepared


class _Waits:
    """What waits for an answer takes its content before the connection can serve another request."""

    __slots__ = ("_future", "_sent_ns", "connection")

    connection: Connection

    def __init__(self, future: "asyncio.Future[tuple[Reply, Content | None]]", sent_ns: int) -> None:
        self._future = future
        self._sent_ns = sent_ns

    def replied(self, reply: Reply) -> None:
        if reply.outcome in ANSWERED:
            connection = self.connection
            assert isinstance(connection, ContentConnection), "sessions have no others"
            content = RawContent(bytes(connection.came), connection.first_byte_ns - self._sent_ns)
            self._future.set_result((reply, content))
        else:
            self._future.set_result((reply, None))
