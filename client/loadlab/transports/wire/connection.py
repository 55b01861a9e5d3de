"""One connection: one request at a time, each ending in one call of its asker.

The hot path is `data_received`: a response that came whole, behind a head that came before, is looked up
and answered. That is a full check: the same head means the same status and framing, and the length of
what came is compared. Everything else goes through a `Reader`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from loadlab.recording.sample import ANSWERED, Reply
from loadlab.transports import Replied
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.itself import ToItselfError, is_to_itself
from loadlab.transports.standing import has_news
from loadlab.transports.status_outcomes import ENDED_HERE, Verdicts, cut_off, timed_out
from loadlab.transports.wire.heads import END_OF_HEAD
from loadlab.transports.wire.reader import Reader
from loadlab.transports.wire.timeouts import TimerWheel

Connect = Callable[["PreparedRequest", Replied, int], "Connection"]

_MOST_KNOWN: Final = 128
"""Two minutes of a server that dates its heads; more would only be memory that grows."""
_MOST_KNOWN_BYTES: Final = 4096
_UNKNOWN: Final = (-1, ENDED_HERE)
NEVER: Final = -(1 << 62)


class ResponseCache:
    """Heads that came before, and how long the whole response behind each is. Bounded.

    A response that is the last one again, byte for byte, is not even looked up.
    """

    __slots__ = ("_heads", "_usual_bytes", "last", "last_reply")

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[int, Reply]] = {}
        self._usual_bytes = 0
        """How long the last head was, and the next one probably is."""
        self.last: bytes | None = None
        """The last whole response behind a known head, unless it was long."""
        self.last_reply = ENDED_HERE
        """What it came to."""

    def __len__(self) -> int:
        """Return how many heads are known."""
        return len(self._heads)

    def learn(self, head: bytes, whole_bytes: int, reply: Reply) -> None:
        """Keep a head, unless it is long; of too many, as with a date in each, drop the oldest."""
        if len(head) <= _MOST_KNOWN_BYTES:
            if len(self._heads) >= _MOST_KNOWN:
                del self._heads[next(iter(self._heads))]
            self._heads[head] = whole_bytes, reply
            self._usual_bytes = len(head)

    def reply_to(self, data: bytes) -> Reply | None:
        """Return what a whole response behind a known head comes to; None of anything else."""
        whole_bytes, reply = self._heads.get(data[: self._usual_bytes], _UNKNOWN)
        if whole_bytes != len(data):  # not as long a head as the last one?
            whole_bytes, reply = self._heads.get(data[: data.find(END_OF_HEAD) + 4], _UNKNOWN)
            if whole_bytes != len(data):
                return None
        if whole_bytes <= _MOST_KNOWN_BYTES:
            self.last, self.last_reply = data, reply
        return reply


class PreparedRequest:
    """A kind of request, as its connections must know it."""

    __slots__ = ("bodiless", "connect", "data", "idle", "keeps", "known", "learns")

    def __init__(
        self,
        data: bytes,
        *,
        connect: Connect,
        idle: deque["Connection"],
        known: ResponseCache,
        bodiless: bool,
        keeps: bool,
        learns: bool,
    ) -> None:
        self.data = data
        self.connect = connect
        """Makes a connection for it, where none is idle."""
        self.idle = idle
        """Connections that wait for a request; the last one used stands last, and goes first."""
        self.known = known
        self.bodiless = bodiless
        """Whether its answers have no body, whatever their head says."""
        self.keeps = keeps
        """Whether the connection may be kept after it."""
        self.learns = learns
        """Whether answers are to be known: not where the connection's own state must be looked at, too."""


class Context(NamedTuple):
    """What all connections of a transport share."""

    loop: asyncio.AbstractEventLoop
    limit_ns: int
    connect_limit_ns: int
    idle_limit_ns: int
    """How long an unused connection is kept."""
    keeps: bool
    """Whether any is."""
    verdicts: Verdicts
    stats: ConnectionStats
    wheel: TimerWheel
    opened: set["Connection"]
    """Those that are not closed, or being made."""


class Connection(asyncio.Protocol):
    """A connection, from the first request that it is made for.

    Idle: `replied` is None, and it stands in its pool's `idle`. Otherwise `replied` is called exactly
    once, never from within the call that asked, and by then the connection is idle again or closed.
    """

    __slots__ = (
        "_limit_ns", "_reader", "_terms", "_transport", "_wheel",
        "asked", "asked_ns", "connecting", "idle_since_ns", "replied", "write",
    )  # fmt: skip

    def __init__(self, terms: Context, asked: PreparedRequest, replied: Replied, sent_ns: int) -> None:
        self._terms = terms
        self._wheel = terms.wheel
        self._reader: Reader | None = None
        self._transport: Any = None
        self._limit_ns = min(terms.connect_limit_ns, terms.limit_ns)
        self.asked = asked
        self.asked_ns = sent_ns
        """When the last request was sent: its time limit counts from here."""
        self.replied: Replied | None = replied
        self.connecting: asyncio.Task[None] | None = None
        """Makes this connection; None once it is made or given up."""
        self.idle_since_ns = NEVER
        """When it was last kept; never, where it must not be used."""
        self.write: Callable[[bytes], None] = _no_connection
        terms.opened.add(self)
        terms.wheel.watch(self, sent_ns + self._limit_ns)

    def data_received(self, data: bytes) -> None:
        """Take in what came; the call with a response's last byte answers."""
        replied = self.replied
        if replied is not None and self._reader is None:
            asked = self.asked
            known = asked.known
            reply = known.last_reply if data == known.last else known.reply_to(data)
            if reply is not None:
                self.replied = None
                self.idle_since_ns = self._wheel.now_ns
                asked.idle.append(self)
                try:  # noqa: SIM105 - contextlib.suppress costs an object for each request
                    replied(reply)
                except asyncio.InvalidStateError:
                    pass  # a future that was cancelled in this very turn of the loop
                return
        self._read(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what this connection was made for."""
        self.connecting = None
        self._transport = transport
        if self.replied is None:
            self.drop()
            return
        if is_to_itself(transport.get_extra_info("socket")):
            self.close(self._terms.stats.not_connected(ToItselfError()))
            return
        self._terms.stats.connections_opened += 1
        self._limit_ns = self._terms.limit_ns
        self.write = self._transport.write
        self.write(self.asked.data)

    def eof_received(self) -> None:
        """Take the end of what comes: of a body without length it is the end, of anything else a break."""
        reply = None if self._reader is None else self._reader.end()
        if reply is None:
            self._closed_by_peer(reset=False)
        else:
            self._terms.stats.closed.peer += 1
            self.close(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer the request that still waits."""
        if self._transport is not None:
            self._transport = None
            if self.replied is not None and (reply := self._terms.stats.lacked(exc)):
                self.close(reply)
            else:
                self._closed_by_peer(reset=exc is not None)

    def refused(self, error: BaseException, *, tls: bool) -> None:
        """Answer that no connection could be made."""
        self.connecting = None
        if self._transport is None and self.replied is not None:
            self.close(self._terms.stats.not_connected(error, tls=tls))

    def look(self, now_ns: int) -> int | None:
        """Give up a request that has run out of time; return when the next could."""
        if self.replied is None:
            is_open = self.idle_since_ns != NEVER
            return now_ns + self._terms.limit_ns if is_open else None
        deadline_ns = self.asked_ns + self._limit_ns
        if deadline_ns > now_ns:
            return deadline_ns
        self.close(self._terms.stats.broke(timed_out(connected=self._transport is not None), kept=False))
        return None

    def stands(self) -> bool:
        """Tell whether an idle connection can be used; close it where its end has come, or bytes have."""
        if self._transport is None:
            return False
        if has_news(self._transport.get_extra_info("socket").fileno()):
            self._terms.stats.closed.peer += 1
            self.drop()
            return False
        return True

    def expire(self) -> None:
        """Close what was idle for too long; nothing where it was closed before."""
        if self._transport is not None:
            self._terms.stats.closed.idle_limit += 1
            self.drop()

    def abandon(self, replied: Replied) -> bool:
        """Give up this caller's request, so that it is never called; False where it has its reply."""
        if self.replied != replied:  # not `is`: a method is bound anew each time
            return False
        self.replied = None
        self.drop()
        return True

    def close(self, reply: Reply) -> None:
        """Close, then answer the request that waits."""
        self.drop()
        if self.replied is not None:
            self._answer(reply)

    def drop(self) -> None:
        """Close without ceremony, whatever the state; a request that waits is left waiting."""
        self.idle_since_ns = NEVER
        self._reader = None
        if self.connecting is not None:
            self.connecting.cancel()
            self.connecting = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._terms.opened.discard(self)

    def _read(self, data: bytes) -> None:
        """Take in what is more than a known response to a fresh request."""
        if self.replied is None:
            if self.idle_since_ns != NEVER:
                self._terms.stats.unexpected_bytes += 1
                self._terms.stats.closed.protocol_error += 1
                self.drop()
            return
        if self._reader is None:
            self._reader = Reader(self._terms.verdicts, bodiless=self.asked.bodiless)
        reply = self._reader.feed(data)
        if reply is not None:
            self._conclude(self._reader, reply)

    def _conclude(self, reader: Reader, reply: Reply) -> None:
        stats = self._terms.stats
        if reader.unexpected_bytes:
            stats.unexpected_bytes += 1
        if reply.outcome not in ANSWERED:
            self.close(stats.broke(reply, kept=self.idle_since_ns != NEVER))
            return
        if reader.location:
            stats.redirected(reader.location)
        early = bool(self._transport.get_write_buffer_size())  # the answer came before the request's end
        if early or not (reader.keeps and self.asked.keeps):
            if early or reader.unexpected_bytes:
                stats.closed.protocol_error += 1
            elif self.asked.keeps:
                stats.closed.peer += 1
            else:
                stats.closed.not_kept += 1
            self.close(reply)
            return
        if self.asked.learns and (lesson := reader.lesson()):
            self.asked.known.learn(*lesson, reply)
        self._reader = None
        self.idle_since_ns = self._wheel.now_ns
        self.asked.idle.append(self)
        self._answer(reply)

    def _closed_by_peer(self, *, reset: bool) -> None:
        """Answer the request that waits for what will not come any more."""
        stats, kept = self._terms.stats, self.idle_since_ns != NEVER
        if self.replied is None:
            stats.closed.peer += kept
            self.drop()
        else:
            self.close(
                stats.broke(cut_off(kept=kept, heard=self._reader is not None, reset=reset), kept=kept)
            )

    def _answer(self, reply: Reply) -> None:
        replied, self.replied = self.replied, None
        assert replied is not None, "a request waits"
        with contextlib.suppress(asyncio.InvalidStateError):  # as above
            replied(reply)


def _no_connection(_data: bytes) -> None:
    raise AssertionError("a request was written before there was a connection")
