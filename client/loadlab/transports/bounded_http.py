"""http.client and urllib3 with one time limit over everything, and strict where they are lenient.

Their own timeouts are per read, so a server that drips a byte now and then holds a thread for ever.
Here each read and write on the socket gets what is left of the request's time.

Stricter than http.client and urllib3: heads and chunks are held to the grammar that the `wire` transport
reads, by its own readers, and a response that ends before its end is an error. Every interim response is
skipped, not only 100: a 103 would otherwise pass for the answer, and the answer for the next one's.
"""

import contextlib
import http.client
import io
import socket
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.itself import ToItselfError, is_to_itself
from loadlab.transports.standing import has_news
from loadlab.transports.wire.chunks import Chunks
from loadlab.transports.wire.heads import MOST_BYTES, MOST_FIELDS, Head, MalformedError, read_head

http.client._MAXHEADERS = MOST_FIELDS  # type: ignore[attr-defined] # noqa: SLF001 - it has no other way to set it

_PIECE_BYTES = 64 * 1024


class MalformedAnswerError(http.client.HTTPException):
    """Not a response as HTTP/1.1 has it."""


class TimeLimit:
    """What is left of a request's time, how far its connection and answer have come, and what is written."""

    def __init__(self, connect_ns: int, total_ns: int) -> None:
        self._connect_ns = connect_ns
        self._total_ns = total_ns
        self.target = "/"
        self.lines: Mapping[str, Any] = {}
        self.start()

    def start(self, *, keeps: bool = True) -> None:
        """Begin a request; `keeps` where its connection may serve another one."""
        self._end_ns = self._until_ns = MONOTONIC.now_ns() + self._total_ns
        self.keeps = keeps
        self.connecting = False
        self.reused = True
        self.beginning = b""
        """The first bytes of the answer."""
        self.ended = self.exceeded = self.kept = False
        """Whether the stream's end came; more than the answer; and whether its connection was kept."""

    def connect(self) -> None:
        """Begin a connection for it."""
        self._until_ns = min(MONOTONIC.now_ns() + self._connect_ns, self._end_ns)
        self.connecting = True
        self.reused = False

    def connected(self) -> None:
        """End the connection's own limit."""
        self._until_ns = self._end_ns
        self.connecting = False

    def is_over(self) -> bool:
        """Tell whether no time is left."""
        return MONOTONIC.now_ns() >= self._until_ns

    def left_s(self) -> float:
        """Return what is left, for a socket's timeout; raise TimeoutError where nothing is."""
        left_ns = self._until_ns - MONOTONIC.now_ns()
        if left_ns <= 0:
            raise TimeoutError
        return left_ns / NS_PER_S


class _LimitedReads(io.RawIOBase):
    """A socket's bytes, each read within what is left of the limit."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limit: TimeLimit) -> None:
        self._raw = raw
        self._sock = sock
        self._limit = limit
        self._over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        if self._over:
            return 0
        self._sock.settimeout(self._limit.left_s())
        count = self._raw.readinto(buffer)
        if not count:
            self._limit.ended = count == 0
        elif not self._limit.beginning:
            self._limit.beginning = bytes(buffer[:2])
        return count

    def end(self) -> None:
        """Read nothing more."""
        self._over = True

    def cut(self) -> None:
        """Make the connection unfit for another request."""
        self._limit.exceeded = True
        self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reader(io.BufferedReader):
    """A reader that takes the end of the stream for an error where a line should end.

    What it has read beyond the response is no answer to anything, so the connection ends there.
    """

    def __init__(self, reads: _LimitedReads) -> None:
        super().__init__(reads)
        self._reads = reads
        self.begin_head()

    def begin_head(self) -> None:
        """Expect a head."""
        self.head: list[bytes] | None = []
        """Its lines while it is read."""
        self._head_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise http.client.IncompleteRead(line)
        if self.head is not None:
            self.head.append(line)
            self._head_bytes += len(line)
            if self._head_bytes > MOST_BYTES:
                raise MalformedAnswerError("an endless head")
        return line

    def piece(self, most: int) -> bytes:
        """Read what comes next, so much at most; raise where the stream has ended."""
        data = self.read1(most)
        if not data:
            raise http.client.IncompleteRead(data)
        return data

    def cut(self) -> None:
        """Make the connection unfit for another request: what it holds is no answer to anything."""
        with contextlib.suppress(OSError):
            self._reads.cut()

    def close(self) -> None:
        if not self.closed:
            self._reads.end()
            if self.peek():
                self.cut()
        super().close()


class Answer(http.client.HTTPResponse):
    """A response within a limit, and a strict one."""

    def __init__(self, sock: socket.socket, *args: Any, limit: TimeLimit, **options: Any) -> None:  # noqa: ANN401 - http.client's own
        super().__init__(sock, *args, **options)
        self._reader = self.fp = _Reader(_LimitedReads(self.fp.detach(), sock, limit))
        self.head: Head

    def begin(self) -> None:
        """Read the head; raise HTTPException where it is not one."""
        super().begin()
        self.head = self._checked_head()
        self._reader.head = None
        if not self.head.keeps:
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status >= 200 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self._reader)
            self._checked_head()
            self._reader.begin_head()

    def _checked_head(self) -> Head:
        assert self._reader.head is not None, "it was just read"
        try:
            return read_head(b"".join(self._reader.head), bodiless=self._method == "HEAD")  # type: ignore[attr-defined]
        except MalformedError as error:
            raise MalformedAnswerError(str(error)) from None

    def count_body(self) -> int:
        """Read the body to its end and return its length in bytes; raise where it is not a whole one."""
        if self.head.chunked:
            body_bytes = self._count_chunks()
        elif self.head.body_bytes is not None:
            body_bytes = left = self.head.body_bytes
            while left:
                left -= len(self._reader.piece(min(left, _PIECE_BYTES)))
        else:
            body_bytes = 0
            while data := self._reader.read1(_PIECE_BYTES):
                body_bytes += len(data)
        self.close()
        return body_bytes

    def _count_chunks(self) -> int:
        chunks = Chunks()
        end = None
        try:
            while end is None:
                data = self._reader.piece(_PIECE_BYTES)
                end = chunks.feed(data, 0)
        except MalformedError as error:
            raise MalformedAnswerError(str(error)) from None
        if end < len(data):
            self._reader.cut()
        return chunks.body_bytes


class Keeping(NamedTuple):
    """When an idle connection may be used again."""

    idle_limit_ns: int
    """For how long after its last answer."""
    unseen_ns: int
    """For how long it is used without a look at whether it still stands."""


class _Limited(HTTPConnection):
    """A connection within a limit, counted when it is made."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - urllib3's own
        limit: TimeLimit,
        stats: ConnectionStats,
        keeping: Keeping,
        address: str | None = None,
        **options: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Take besides what urllib3 takes the IP address that stands for the host's name."""
        super().__init__(*args, **options)
        self._limit = limit
        self._stats = stats
        self._keeping = keeping
        self._address = address
        self.idle_since_ns = 0
        """Of a connection in its pool."""
        self.response_class = partial(Answer, limit=limit)  # type: ignore[assignment] # only called

    @property
    def is_connected(self) -> bool:
        """Tell the pool whether this idle connection may be used again, or else is to be closed first."""
        if self.sock is None:
            return False
        idle_ns = MONOTONIC.now_ns() - self.idle_since_ns
        if idle_ns >= self._keeping.idle_limit_ns:
            self._stats.closed.idle_limit += 1
            return False
        if idle_ns < self._keeping.unseen_ns or not has_news(self.sock.fileno()):
            return True
        if _has_bytes(self.sock):
            self._stats.unexpected_bytes += 1
            self._stats.closed.protocol_error += 1
        else:
            self._stats.closed.peer += 1
        return False

    def rest(self) -> None:
        """Wait for another request, or be closed where there is to be none."""
        if not self._limit.keeps or self._limit.exceeded:
            self.close()
        self._limit.kept = self.sock is not None
        self.idle_since_ns = MONOTONIC.now_ns()

    def connect(self) -> None:
        self._limit.connect()
        self.timeout = self._limit.left_s()
        super().connect()
        self._limit.connected()
        self._stats.connections_opened += 1

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:  # noqa: ANN401, ARG002 - urllib3's own
        """Write target and header lines as they are meant, whatever became of them on their way here."""
        super().request(method, self._limit.target, body, self._limit.lines, **options)

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        self._dns_host = self._address or name
        try:
            sock = super()._new_conn()
        finally:
            self._dns_host = name  # what the certificate must be for
        if is_to_itself(sock):
            sock.close()
            raise ToItselfError
        sock.settimeout(self._limit.left_s())  # for the TLS handshake
        return sock

    def send(self, data: Any) -> None:  # noqa: ANN401 - http.client's own; it is bytes here
        if self.sock is None:
            self.connect()
        for start in range(0, len(data), _PIECE_BYTES):
            self.sock.settimeout(self._limit.left_s())
            super().send(data[start : start + _PIECE_BYTES])


class _LimitedTls(_Limited, HTTPSConnection):
    """The same with TLS."""


def _has_bytes(sock: socket.socket) -> bool:
    """Tell whether an idle connection that can be read holds bytes, and not its end alone."""
    try:
        return bool(sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except (OSError, ValueError):  # reset; or TLS, which can't be looked into
        return False


class HttpPool(HTTPConnectionPool):
    """urllib3's pool of limited connections; takes `limit`, `stats`, `address` and `keeping`."""

    ConnectionCls = _Limited

    def _put_conn(self, conn: Any) -> None:  # noqa: ANN401 - of a type that urllib3 hides
        if isinstance(conn, _Limited):
            conn.rest()
        super()._put_conn(conn)


class HttpsPool(HttpPool, HTTPSConnectionPool):
    """The same with TLS; takes `ssl_context` too."""

    ConnectionCls = _LimitedTls
