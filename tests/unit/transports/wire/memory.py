"""A connection of the `wire` transport in memory: bytes in, replies out, no sockets and no loop."""

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from loadlab.recording.sample import Reply
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.status_outcomes import Verdicts
from loadlab.transports.wire.connection import NEVER, Connection, Context, PreparedRequest, ResponseCache
from loadlab.workload.plan import StatusRange
from support.fakes import plan
from support.replies import Replies


class FakeWheel:
    """A wheel that the test turns."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.watched: list[Any] = []

    def watch(self, one: Any, _at_ns: int) -> None:
        self.watched.append(one)


class FakeSocket:
    """As much of a transport as a connection uses."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unwritten_bytes = 0
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written.append(data)

    def abort(self) -> None:
        self.is_closed = True

    def get_extra_info(self, _name: str) -> "FakeSocket":
        return self

    def getsockname(self) -> tuple[str, int]:
        return "here", 40_000

    def getpeername(self) -> tuple[str, int]:
        return "there", 80

    def get_write_buffer_size(self) -> int:
        return self.unwritten_bytes


class Exchange(NamedTuple):
    """What came of one request."""

    reply: Reply | None
    """None where the connection still waits."""
    kept: bool
    surplus: int


class Wire:
    """Connections that share what they have learnt, as those of one pool do."""

    def __init__(self, *, bodiless: bool = False, learns: bool = True, limit_ns: int = 1000) -> None:
        self.stats = ConnectionStats()
        self.wheel = FakeWheel()
        self.idle: deque[Connection] = deque()
        every_status = plan(expect_status=(StatusRange(100, 999),))
        self.terms = Context(
            loop=None,  # type: ignore[arg-type] # no connection is made here
            limit_ns=limit_ns,
            connect_limit_ns=limit_ns // 2,
            idle_limit_ns=limit_ns,
            keeps=True,
            verdicts=Verdicts(every_status),
            stats=self.stats,
            wheel=self.wheel,  # type: ignore[arg-type]
            opened=set(),
        )
        self.asked = PreparedRequest(
            b"a request",
            connect=None,  # type: ignore[arg-type]
            idle=self.idle,
            known=ResponseCache(),
            bodiless=bodiless,
            keeps=True,
            learns=learns,
        )

    def ask(self) -> tuple[Connection, FakeSocket, Replies]:
        """Make a connection and send a request over it; the list gets its reply."""
        replies = Replies()
        connection = Connection(self.terms, self.asked, replies.append, self.wheel.now_ns)
        socket = FakeSocket()
        connection.connection_made(socket)  # type: ignore[arg-type]
        assert socket.written == [b"a request"]
        return connection, socket, replies

    def exchange(self, pieces: Iterable[bytes], *, ends: bool = False) -> Exchange:
        """Send a request, take these pieces in and, if it ends, the end of the connection."""
        surplus = self.stats.unexpected_bytes
        connection, socket, replies = self.ask()
        for piece in pieces:
            if piece and not socket.is_closed:
                connection.data_received(piece)
        kept = connection in self.idle and connection.idle_since_ns != NEVER
        assert kept == (bool(replies) and not socket.is_closed), "what is answered is either kept or closed"
        if ends and not socket.is_closed:
            connection.eof_received()
        reply = replies[0] if replies else None
        assert reply is not None or not ends, "nobody waits for a connection that has ended"
        connection.connection_lost(None)
        assert len(replies) == 1, "each request is answered once"
        assert not self.terms.opened
        self.idle.clear()
        self.wheel.watched.clear()
        return Exchange(reply, kept, self.stats.unexpected_bytes - surplus)
