"""aiohttp as a load client: its connections and its HTTP, without a session around them.

A `ClientSession` sends an idempotent request once more where its connection breaks, so that the target
sees two where the plan has one, and it builds every request anew. So the transport works with what a
session is made of: a request is built once (`prepare`), a connection is taken from the connector, the
request is written to it and the response read from it.

- No connection limit: aiohttp's default of 100 is a queue that no measurement would see.
- An idle connection is kept for the plan's `idle_limit_ns`, not for aiohttp's 15 s.
- One timer for the time limits of all requests (`Deadlines`) instead of one each.
- No cookies, redirects, proxies, decompression or headers that were not asked for.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.tracing import Trace
from multidict import CIMultiDict, istr
from yarl import URL

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.recording.sample import ANSWERED, REDIRECTS, Reply
from loadlab.system.resources import causes
from loadlab.transports.aiohttp_deadlines import Deadlines
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.content import MOST_KEPT_BYTES, Content, Headers, Message, ReadContent
from loadlab.transports.itself import ToItselfError, is_to_itself
from loadlab.transports.outgoing import Outgoing, outgoing
from loadlab.transports.server_timing import SERVER_TIMING, inside_ns
from loadlab.transports.standing import has_news, rest_ns, unseen_ns
from loadlab.transports.status_outcomes import (
    ENDED_HERE,
    TLS_ALERT,
    Verdicts,
    cut_off,
    malformed,
    timed_out,
    unexpected,
)
from loadlab.transports.tls import client_context
from loadlab.transports.wire.heads import MOST_BYTES, MOST_FIELDS
from loadlab.workload.plan import Plan, Request
from loadlab.workload.url import read_url

_SERVER_TIMING = istr(SERVER_TIMING)

_NO_TRACES: list[Trace] = []
_NOT_COMPLETED = "not completed"
"""In what aiohttp says of a body whose connection ended before it."""


class _Request(aiohttp.ClientRequest):
    """A request that is built once and may be in flight many times at once.

    Nothing that an exchange needs is kept on it, and it has no headers that were not asked for.
    """

    DEFAULT_HEADERS: dict[str, str] = {}  # type: ignore[assignment]  # noqa: RUF012 - aiohttp declares it so

    closes = False
    """Whether its connection is not to be kept."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """What a connection must have been made for to carry this request."""
        return super().connection_key

    def update_expect_continue(self, expect: bool = False) -> None:  # noqa: FBT001, FBT002 - aiohttp's own
        """Leave a header `Expect: 100-continue` as it is: the body goes out at once, as it may.

        aiohttp would hold the body back until one future of the request is done, which all that are
        in flight would share (RFC 9110, section 10.1.1, lets a client send without waiting).
        """


class _Protocol(ResponseHandler):
    """Knows how far an answer came, and which side closed the connection."""

    def __init__(self, connector: "_Connector", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._connector = connector
        self._idle_since_ns = 0
        self.in_use = True
        """Whether it serves a request; otherwise it is idle."""
        self.beginning = b""
        """The first bytes of the present answer."""
        self.is_reset = False
        """Whether it ended with RST."""

    def rest(self) -> None:
        """Be idle from now on."""
        self.in_use = False
        self._idle_since_ns = MONOTONIC.now_ns()

    def stands(self, unseen_ns: int) -> bool:
        """Tell whether it can be used again; one that was idle for less than this is not looked at."""
        if MONOTONIC.now_ns() - self._idle_since_ns < unseen_ns:
            return True
        return self.transport is not None and not has_news(self.transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        if not self.beginning:
            self.beginning = data[:2]
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.transport is not None:
            self.is_reset = exc is not None
            self._connector.stats.closed.peer += not self.in_use
        super().connection_lost(exc)

    def close(self) -> None:
        if self.transport is not None and not self.in_use and not self._connector.closed:
            self._connector.stats.closed.idle_limit += 1
        super().close()


class _Connector(aiohttp.TCPConnector):
    """Counts connections as they are made, and notes which request each was made for.

    aiohttp's trace hooks could do that too, at a price for each request. A connection that spoke while it
    was idle is given up: what it said would pass for the next answer.
    """

    def __init__(self, stats: ConnectionStats, plan: Plan, **options: Any) -> None:  # noqa: ANN401 - TCPConnector's own
        super().__init__(**options)
        self._unseen_ns = unseen_ns(plan)
        self._rest_s = rest_ns(plan) / NS_PER_S
        self._address = plan.address
        self.stats = stats
        self._factory: Any = partial(_Protocol, self, loop=self._loop)
        self.fresh: set[asyncio.Task[object] | None] = set()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert isinstance(protocol, _Protocol), "it is taken, and not yet used"
            protocol.in_use = True
            if asyncio.current_task() in self.fresh:
                return connection
            if not protocol.should_close:
                if protocol.stands(self._unseen_ns):
                    return connection
                self.stats.closed.peer += 1
                connection.close()
                continue
            self.stats.unexpected_bytes += 1
            self.stats.closed.protocol_error += 1
            connection.close()

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return an idle connection; where users pause none that has just answered."""
        if self._rest_s and (idle := self._conns.get(key)):
            while idle and not idle[0][0].is_connected():
                idle.popleft()
            if idle and time.monotonic() - idle[0][1] < self._rest_s:
                return None
        return await super()._get(key, traces)

    async def _resolve_host(
        self, host: str, port: int, traces: Sequence[Trace] | None = None
    ) -> list[ResolveResult]:
        """Say that every host, one that looks like an address too, is at the one that the run loads."""
        if self._address is None:
            return await super()._resolve_host(host, port, traces)
        found = ResolveResult(
            hostname=host, host=self._address, port=port, family=self._family, proto=0, flags=0
        )
        return [found]

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> ResponseHandler:
        connection = await super()._create_connection(req, traces, timeout)
        assert connection.transport is not None, "it was just made"
        if is_to_itself(connection.transport.get_extra_info("socket")):
            connection.abort()
            raise ToItselfError
        self.stats.connections_opened += 1
        self.fresh.add(asyncio.current_task())
        return connection


class AiohttpTransport:
    """An `AsyncTransport`. Everything belongs to the event loop in which `open` ran.

    A cancelled `send` closes its connection and passes the cancellation on. `close` breaks what is
    still in flight: those sends end as `protocol_error`.
    """

    def __init__(self) -> None:
        self.stats = ConnectionStats()

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        loop = asyncio.get_running_loop()
        self._sessions: set[AiohttpSession] = set()
        self._use(
            _Shared(
                plan=plan,
                loop=loop,
                verdicts=Verdicts(plan),
                deadlines=Deadlines(loop, plan.timeout_ns),
                # Above its threshold aiohttp rounds a time limit up to a whole second.
                timeout=aiohttp.ClientTimeout(
                    connect=plan.connect_timeout_ns / NS_PER_S, ceil_threshold=math.inf
                ),
            )
        )

    def _use(self, shared: "_Shared") -> None:
        """Work with these, and with connections of its own."""
        self._shared = shared
        self._loop, self._verdicts = shared.loop, shared.verdicts
        self._deadlines, self._timeout = shared.deadlines, shared.timeout
        self._keeps = shared.plan.keep_alive
        self._connector = _Connector(
            self.stats,
            shared.plan,
            limit=0,
            keepalive_timeout=shared.plan.idle_limit_ns / NS_PER_S,
            ssl=client_context(shared.plan) or True,
        )

    def prepare(self, request: Request) -> _Request:
        """Build the request; its target and header lines are those of every transport."""
        return self._built(outgoing(request, keeps=self._keeps))

    def _built(self, made: Outgoing) -> _Request:
        prepared = _Request(
            made.method,
            URL.build(
                scheme="https" if made.url.tls else "http",
                host=f"[{made.url.host}]" if ":" in made.url.host else made.url.host,
                port=made.url.port,
                path=made.url.target,  # as a whole: yarl would drop a query that is empty
                encoded=True,
            ),
            skip_auto_headers=(hdrs.CONTENT_TYPE,),
            data=made.body or None,
            loop=self._loop,
        )
        prepared.headers = CIMultiDict(made.lines)
        prepared.closes = made.closes
        return prepared

    def session(self, url: str) -> "AiohttpSession":
        """Return connections of one user's own to a URL's address, whose answers can be looked into."""
        session = AiohttpSession(self._shared, self.stats, url, self._sessions.discard)
        self._sessions.add(session)
        return session

    async def send(self, prepared: _Request, kept: "_Kept | None" = None) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits.

        What it holds goes into `kept` where it is given.
        """
        task = asyncio.current_task()
        assert task is not None, "send runs in a task"
        connection = response = None
        protocol: _Protocol | None = None
        self._deadlines.watch(task)
        try:
            connection = await self._connector.connect(prepared, _NO_TRACES, self._timeout)
            taken = connection.protocol
            assert isinstance(taken, _Protocol), "a connection that was just taken has no other user"
            protocol = taken
            protocol.beginning = b""
            protocol.set_response_params(
                skip_payload=prepared.method == hdrs.METH_HEAD,
                read_until_eof=True,
                auto_decompress=False,
                max_line_size=MOST_BYTES,
                max_field_size=MOST_BYTES,
                max_headers=MOST_FIELDS,
            )
            if prepared.closes:
                protocol.force_close()
            response = await prepared.send(connection)
            await response.start(connection)
            _check(response)
            body_bytes = await _read(response, kept)
            broken_off = _was_broken_off(response, protocol)
            is_early = response.connection is not None  # an upgrade, or an answer before the request's end
            if is_early:
                _break(connection, response)
            if broken_off:
                return self._cut_off(protocol, task, reset=True)
            if protocol.transport is None:
                self._count_closed(protocol, prepared, is_early=is_early)
            protocol.rest()
            return self._answer(response, body_bytes)
        except BaseException as error:
            if connection is not None:
                _break(connection, response)
            reply = self._reply_to(error, task, protocol, tls=prepared.is_ssl())
            if reply is None:
                raise
            return reply
        finally:
            self._deadlines.leave(task)
            if self._connector.fresh:
                self._connector.fresh.discard(task)

    def _answer(self, response: aiohttp.ClientResponse, body_bytes: int) -> Reply:
        """Return the reply of a complete response."""
        status = response.status
        if status in REDIRECTS and (location := response.headers.get(hdrs.LOCATION)):
            self.stats.redirected(location)
        return Reply(self._verdicts[status], status, body_bytes, _inside_ns(response))

    async def close(self) -> None:
        """Close every connection, and end what is still in flight."""
        closed = asyncio.gather(self._connector.close(), *(each.close() for each in list(self._sessions)))
        self._deadlines.close()
        await closed

    def _reply_to(
        self, error: BaseException, task: asyncio.Task[object], protocol: _Protocol | None, *, tls: bool
    ) -> Reply | None:
        """Name the outcome of an exception; None if it is no reply's."""
        match error:
            case asyncio.CancelledError():
                if not self._deadlines.ran_out(task):
                    return None
                return ENDED_HERE if self._connector.closed else self._timed_out(protocol)
            case TimeoutError(errno=None):  # a limit of time; one with a number is the kernel's
                return self._timed_out(protocol)
            case Exception() if protocol is None:
                return self.stats.not_connected(error, tls=tls)
            case Exception() if protocol is not None:
                return self._broken(error, task, protocol)
        return None

    def _broken(self, error: BaseException, task: asyncio.Task[object], protocol: _Protocol) -> Reply:
        if reply := self.stats.lacked(error):
            return reply
        match error:
            case aiohttp.ServerDisconnectedError() | OSError():
                return self._cut_off(protocol, task, reset=protocol.is_reset or isinstance(error, OSError))
            case aiohttp.ClientPayloadError() if _NOT_COMPLETED in str(error):
                return self._cut_off(protocol, task, reset=protocol.is_reset)
        if not isinstance(error, aiohttp.ClientError | HttpProcessingError):
            return self.stats.broke(unexpected(error), kept=task not in self._connector.fresh)
        complaint = "it speaks TLS" if protocol.beginning == TLS_ALERT else _complaint(error)
        return self.stats.broke(malformed(complaint), kept=task not in self._connector.fresh)

    def _timed_out(self, protocol: _Protocol | None) -> Reply:
        return self.stats.broke(timed_out(connected=protocol is not None), kept=False)

    def _cut_off(self, protocol: _Protocol, task: asyncio.Task[object], *, reset: bool) -> Reply:
        kept = task not in self._connector.fresh
        return self.stats.broke(cut_off(kept=kept, heard=bool(protocol.beginning), reset=reset), kept=kept)

    def _count_closed(self, protocol: _Protocol, prepared: _Request, *, is_early: bool) -> None:
        """Count the connection of a whole answer that was not kept, by whom and why it was closed."""
        closed = self.stats.closed
        if is_early or protocol.upgraded:
            closed.protocol_error += 1
        elif prepared.closes:
            closed.not_kept += 1
        else:
            closed.peer += 1


async def _read(response: aiohttp.ClientResponse, kept: "_Kept | None") -> int:
    """Read a body to its end and return its length; what it holds goes into `kept` where it is given."""
    content = response.content
    body_bytes = 0
    if kept is not None:
        kept.begin(response)
    while not content.at_eof():
        part = await content.readany()
        body_bytes += len(part)
        if kept is not None:
            kept.add(part)
    return body_bytes


class _Kept:
    """What an answer holds, as it is read."""

    __slots__ = ("_body", "_head", "first_byte_ns")

    def __init__(self) -> None:
        self._body = bytearray()
        self._head: aiohttp.ClientResponse | None = None
        self.first_byte_ns = 0

    def begin(self, response: aiohttp.ClientResponse) -> None:
        """Take a head that has come."""
        self.first_byte_ns = MONOTONIC.now_ns()
        self._head = response

    def add(self, part: bytes) -> None:
        """Take a part of the body, up to what is kept at most."""
        if len(self._body) < MOST_KEPT_BYTES:
            self._body += part

    def content(self, sent_ns: int) -> ReadContent:
        """Return what was read."""
        assert self._head is not None, "the answer is whole"
        lines = b"".join(b"%b: %b\r\n" % line for line in self._head.raw_headers)
        return ReadContent(
            Headers(b"\r\n" + lines + b"\r\n"), bytes(self._body), self.first_byte_ns - sent_ns
        )


class _Shared(NamedTuple):
    """What a transport and its sessions have in common."""

    plan: Plan
    loop: asyncio.AbstractEventLoop
    verdicts: Verdicts
    deadlines: Deadlines
    timeout: aiohttp.ClientTimeout


class AiohttpSession(AiohttpTransport):
    """A `Session`: a transport whose connections are one user's, within another whose rest it shares."""

    def __init__(
        self,
        shared: _Shared,
        stats: ConnectionStats,
        url: str,
        forget: "Callable[[AiohttpSession], None]",
    ) -> None:
        """Take where to connect; `forget` is called when it is closed."""
        self.stats = stats
        self._forget = forget
        self._url = read_url(url)
        self._use(shared)

    async def exchange(self, message: Message) -> tuple[Reply, Content | None]:
        """Send a request and read its answer to the end, within the plan's time limits."""
        kept = _Kept()
        prepared = self._built(
            Outgoing(
                message.method,
                self._url._replace(target=message.target),
                message.lines,
                message.body,
                message.closes,
            )
        )
        sent_ns = MONOTONIC.now_ns()
        reply = await self.send(prepared, kept)
        return reply, kept.content(sent_ns) if reply.outcome in ANSWERED else None

    async def close(self) -> None:
        """Close its connections."""
        self._forget(self)
        await self._connector.close()


def _complaint(error: BaseException) -> str:
    """Return what aiohttp's reader says of an answer, with the name of the error that it hides."""
    return " ".join(f"{type(each).__name__}: {each}" for each in causes(error))


def _check(response: aiohttp.ClientResponse) -> None:
    """Refuse what the other transports refuse and aiohttp takes; raise BadHttpMessage."""
    if response.status < 200:
        raise BadHttpMessage("no status line of a final answer")
    if hdrs.TRANSFER_ENCODING in response.headers:
        codings = ",".join(response.headers.getall(hdrs.TRANSFER_ENCODING)).lower().split(",")
        if [coding for each in codings if (coding := each.strip(" \t"))] != ["chunked"]:
            raise BadHttpMessage("Transfer-Encoding is not chunked")


def _break(connection: Connection, response: aiohttp.ClientResponse | None) -> None:
    """Close a connection at once: what is still to be written would otherwise go out first."""
    if connection.protocol is not None:
        connection.protocol.abort()
    if response is not None:
        response.close()
    connection.close()


def _was_broken_off(response: aiohttp.ClientResponse, protocol: ResponseHandler) -> bool:
    """Tell whether a reset ended a body without length; aiohttp takes that for its end."""
    if not isinstance(protocol.exception(), aiohttp.ClientOSError):
        return False
    return not _length_is_told(response) and hdrs.TRANSFER_ENCODING not in response.headers


def _inside_ns(response: aiohttp.ClientResponse) -> int:
    """Return the target's stamp, 0 where it has none or it is not one of the whole."""
    timings = response.headers.getall(_SERVER_TIMING, None)
    return inside_ns(timings) if timings and _length_is_told(response) else 0


def _length_is_told(response: aiohttp.ClientResponse) -> bool:
    if response.method == hdrs.METH_HEAD or response.status in EMPTY_BODY_STATUS_CODES:
        return True
    return hdrs.CONTENT_LENGTH in response.headers and hdrs.TRANSFER_ENCODING not in response.headers
