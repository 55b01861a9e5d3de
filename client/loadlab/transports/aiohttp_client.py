"""aiohttp as a load client: its pool without a limit, its extras off, its retry made impossible.

- No connection limit: aiohttp's default of 100 is a queue that no measurement would see.
- No retry: where a kept-alive connection breaks under an idempotent request, aiohttp sends it once
  more, and the target sees two requests where the plan has one. It does so on two kinds of
  exceptions; `_Response` makes them another kind before they get there.
- Keep-alive of 1.5 s (`KEEPALIVE_NS`), below gunicorn's 2 s: it rarely closes a connection under a request.
- One timer for the time limits of all requests (`Deadlines`) instead of one each.
- No cookies, redirects, proxies, decompression or headers that nobody asked for; a URL is parsed once.
"""

import asyncio
import math
from typing import Any, NamedTuple

import aiohttp
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace
from multidict import CIMultiDict, istr
from yarl import URL

from loadlab.clock import NS_PER_S
from loadlab.plan import Plan, Request
from loadlab.sample import Reply
from loadlab.transports import KEEPALIVE_NS, Wear
from loadlab.transports.deadlines import Deadlines
from loadlab.transports.stamps import SERVER_TIMING, inside_ns
from loadlab.transports.trust import client_context
from loadlab.transports.verdicts import BROKEN, NOT_CONNECTED, TIMED_OUT, USER_AGENT, Verdicts

_SERVER_TIMING = istr(SERVER_TIMING)


class Prepared(NamedTuple):
    """A request as aiohttp takes it."""

    method: str
    url: URL
    options: dict[str, Any]


class _BrokenError(aiohttp.ClientError):
    """The connection broke before a response's head; not of a kind that aiohttp retries."""


class _Request(aiohttp.ClientRequest):
    """A request without headers that nobody asked for."""

    DEFAULT_HEADERS: dict[str, str] = {}  # type: ignore[assignment]  # noqa: RUF012 - aiohttp declares it so


class _Response(aiohttp.ClientResponse):
    """A response that is never asked for twice, and that knows whether its body was broken off."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        self._handler = connection.protocol
        try:
            return await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise _BrokenError from error

    def was_broken_off(self) -> bool:
        """Tell whether a reset ended a body without length; aiohttp takes that for its end."""
        if self._handler is None or not isinstance(self._handler.exception(), aiohttp.ClientOSError):
            return False
        return not self._length_is_told() and hdrs.TRANSFER_ENCODING not in self.headers

    def inside_ns(self) -> int:
        """Return the target's stamp, 0 where it has none or it is not one of the whole."""
        timings = self.headers.getall(_SERVER_TIMING, None)
        return inside_ns(timings) if timings and self._length_is_told() else 0

    def _length_is_told(self) -> bool:
        if self.method == hdrs.METH_HEAD or self.status in EMPTY_BODY_STATUS_CODES:
            return True
        return hdrs.CONTENT_LENGTH in self.headers and hdrs.TRANSFER_ENCODING not in self.headers


class _Connector(aiohttp.TCPConnector):
    """Counts connections as they are made, and notes which request each was made for.

    aiohttp's trace hooks could do that too, at a price for each request.
    """

    def __init__(self, wear: Wear, **options: Any) -> None:  # noqa: ANN401 - TCPConnector's own
        super().__init__(**options)
        self._wear = wear
        self.fresh: set[asyncio.Task[object] | None] = set()

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own
    ) -> ResponseHandler:
        connection = await super()._create_connection(req, traces, timeout)
        self._wear.connections_opened += 1
        self.fresh.add(asyncio.current_task())
        return connection


class AiohttpTransport:
    """An `AsyncTransport`. All of it belongs to the event loop in which `open` ran.

    A cancelled `send` closes its connection and passes the cancellation on. `close` breaks what is
    still in flight: those sends end as `protocol_error`.
    """

    def __init__(self) -> None:
        self.wear = Wear()

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        self._verdicts = Verdicts(plan)
        self._deadlines = Deadlines(asyncio.get_running_loop(), plan.timeout_ns)
        self._connector = _Connector(
            self.wear, limit=0, keepalive_timeout=KEEPALIVE_NS / NS_PER_S, ssl=client_context(plan) or True
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            request_class=_Request,
            response_class=_Response,
            # Above its threshold aiohttp rounds a time limit up to a whole second.
            timeout=aiohttp.ClientTimeout(
                connect=plan.connect_timeout_ns / NS_PER_S, ceil_threshold=math.inf
            ),
        )

    def prepare(self, request: Request) -> Prepared:
        """Parse the URL and build the headers; ASCII URLs go out as they are written."""
        headers = CIMultiDict(request.headers)
        headers.setdefault("User-Agent", USER_AGENT)
        options: dict[str, Any] = {"headers": headers, "allow_redirects": False}
        if request.body:
            options["data"] = request.body
        if request.body or request.method.upper() not in _Request.GET_METHODS:
            options["skip_auto_headers"] = ("Content-Type",)
        return Prepared(request.method, URL(request.url, encoded=request.url.isascii()), options)

    async def send(self, prepared: Prepared) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits."""
        task = asyncio.current_task()
        assert task is not None, "send runs in a task"
        response = None
        self._deadlines.watch(task)
        try:
            response = await self._session.request(prepared.method, prepared.url, **prepared.options)
            assert isinstance(response, _Response)
            content = response.content
            body_bytes = 0
            while not content.at_eof():
                body_bytes += len(await content.readany())
            if response.connection is not None:  # an upgrade, or an answer before the request's end
                response.close()
            if response.was_broken_off():
                return self._broken(task)
            return Reply(self._verdicts[response.status], response.status, body_bytes, response.inside_ns())
        except BaseException as error:
            if response is not None:
                response.close()
            reply = self._reply_to(error, task)
            if reply is None:
                raise
            return reply
        finally:
            self._deadlines.leave(task)
            if self._connector.fresh:
                self._connector.fresh.discard(task)

    async def close(self) -> None:
        """Close every connection."""
        self._deadlines.close()
        await self._session.close()

    def _reply_to(self, error: BaseException, task: asyncio.Task[object]) -> Reply | None:
        """Name the outcome of an exception; None where it is nobody's reply."""
        match error:
            case asyncio.CancelledError():
                return TIMED_OUT if self._deadlines.ran_out(task) else None
            case aiohttp.ServerTimeoutError():
                return TIMED_OUT
            case aiohttp.ClientConnectorError() | aiohttp.InvalidURL() | UnicodeError():
                self.wear.not_connected(error)
                return NOT_CONNECTED  # the last two: a host that is no address and no name
            case aiohttp.ClientError() | HttpProcessingError() | OSError():
                return self._broken(task)
        return None

    def _broken(self, task: asyncio.Task[object]) -> Reply:
        if task not in self._connector.fresh:
            self.wear.connections_lost += 1
        return BROKEN
