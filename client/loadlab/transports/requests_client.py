"""requests as it is used in threads: one session and one connection per instance, nothing retried.

Its timeouts are made to hold for the whole request in `bounded_http`. A kept connection that the server has
closed, or that was idle for longer than the plan's `idle_limit_ns`, is replaced before a request goes out.
Each shows as one more of `connections_opened`.
"""

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER

from loadlab.clock import NS_PER_S
from loadlab.recording.sample import REDIRECTS, Reply
from loadlab.system.resources import causes
from loadlab.transports.bounded_http import (
    Answer,
    HttpPool,
    HttpsPool,
    Keeping,
    MalformedAnswerError,
    TimeLimit,
)
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.outgoing import Outgoing, outgoing
from loadlab.transports.standing import unseen_ns
from loadlab.transports.status_outcomes import TLS_ALERT, Verdicts, cut_off, malformed, timed_out, unexpected
from loadlab.transports.tls import client_context
from loadlab.workload.plan import Plan, Request
from loadlab.workload.url import Url


class _Session(requests.Session):
    """A session that looks at no redirect: requests parses one even where it does not follow it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' own
        return None


class _Adapter(HTTPAdapter):
    """One limited connection for each host, trusting whom the system trusts."""

    def __init__(self, plan: Plan, limit: TimeLimit, stats: ConnectionStats) -> None:
        super().__init__(max_retries=0)
        self._context = client_context(plan)
        self._shared: dict[str, Any] = {"limit": limit, "stats": stats, "address": plan.address}
        self._shared["keeping"] = Keeping(plan.idle_limit_ns, unseen_ns(plan))
        self._limit = limit
        self._pools: dict[tuple[bool, str, int], HTTPConnectionPool] = {}

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,  # noqa: ARG002, FBT001 - requests' own
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
        cert: tuple[str, str] | str | None = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        assert isinstance(request, _Prepared)
        url = request.outgoing.url
        pool = self._pools.get((url.tls, url.host, url.port))
        if pool is None:
            pool = self._pools[url.tls, url.host, url.port] = self._pool(url)
        return pool

    def request_url(
        self,
        request: requests.PreparedRequest,
        proxies: Mapping[str, str] | None,  # noqa: ARG002 - requests' own
    ) -> str:
        """Have target and header lines written as they are; requests and urllib3 would each change them."""
        assert isinstance(request, _Prepared)
        self._limit.target, self._limit.lines = request.outgoing.url.target, request.lines
        return "/"

    def _pool(self, url: Url) -> HTTPConnectionPool:
        if url.tls:
            return HttpsPool(url.host, url.port, ssl_context=self._context, **self._shared)
        return HttpPool(url.host, url.port, **self._shared)

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Leave it to the context: requests would trust certifi's list besides."""

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Lines(Mapping[str, bytes | str]):
    """Header lines as they are given: a name may come twice, which requests' own dictionary can't hold.

    A value is bytes: http.client writes those as they are, and to urllib3 none means `SKIP_HEADER`.
    """

    def __init__(self, lines: tuple[tuple[str, str], ...]) -> None:
        self._lines: list[tuple[str, bytes | str]] = [(name, value.encode()) for name, value in lines]
        if not any(name.lower() == "accept-encoding" for name, _ in lines):
            self._lines.append(("Accept-Encoding", SKIP_HEADER))

    def __getitem__(self, name: str) -> bytes | str:
        for key, value in self._lines:
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def items(self) -> Any:  # noqa: ANN401 - a view that holds a name twice
        return self._lines


class _Prepared(requests.PreparedRequest):
    """A request that requests has nothing left to do for. Threads may share one."""

    def __init__(self, made: Outgoing) -> None:
        super().__init__()
        self.outgoing = made
        self.method = made.method
        self.url = f"{'https' if made.url.tls else 'http'}://{made.url.authority}/"
        self.headers = CaseInsensitiveDict(made.lines)
        self.lines = _Lines(made.lines)
        self.body = made.body or None


class RequestsTransport:
    """A `BlockingTransport`. Of one thread: one request at a time."""

    def __init__(self) -> None:
        self.stats = ConnectionStats()

    def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        self._verdicts = Verdicts(plan)
        self._keeps = plan.keep_alive
        self._limit = TimeLimit(plan.connect_timeout_ns, plan.timeout_ns)
        self._timeout_s = (plan.connect_timeout_ns / NS_PER_S, plan.timeout_ns / NS_PER_S)
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(plan, self._limit, self.stats)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def prepare(self, request: Request) -> _Prepared:
        """Build the request; its target and header lines are those of every transport."""
        return _Prepared(outgoing(request, keeps=self._keeps))

    def send(self, prepared: _Prepared) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits."""
        response = None
        self._limit.start(keeps=not prepared.outgoing.closes)
        try:
            response = self._session.send(
                prepared, stream=True, allow_redirects=False, timeout=self._timeout_s, proxies={}
            )
            answer = response.raw._original_response  # noqa: SLF001 - what requests takes cookies from
            assert isinstance(answer, Answer), "the pools make no others"
            body_bytes = answer.count_body()
            response.raw.release_conn()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's failure
            if response is not None:
                response.close()
            return self._failure(error, tls=prepared.outgoing.url.tls)
        self._count_closed()
        status = response.status_code
        if status in REDIRECTS and (location := response.headers.get("Location")):
            self.stats.redirected(location)
        return Reply(self._verdicts[status], status, body_bytes, answer.head.inside_ns)

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _count_closed(self) -> None:
        """Count the connection of a whole answer where it was not kept, by whom and why it was closed."""
        limit, closed = self._limit, self.stats.closed
        if limit.exceeded:
            self.stats.unexpected_bytes += 1
            closed.protocol_error += 1
        elif not limit.keeps:
            closed.not_kept += 1
        elif not limit.kept:
            closed.peer += 1

    def _failure(self, error: Exception, *, tls: bool) -> Reply:
        """Name the outcome by how far the request came, which the many exceptions say less clearly."""
        limit = self._limit
        if limit.is_over():
            return self.stats.broke(timed_out(connected=not limit.connecting), kept=False)
        if limit.connecting:
            return self.stats.not_connected(error, tls=tls)
        if reply := self.stats.lacked(error):
            return reply
        foreseen = isinstance(error, requests.RequestException | HTTPError | HTTPException | OSError)
        reply = _broken(error, limit) if foreseen else unexpected(error)
        return self.stats.broke(reply, kept=limit.reused)


def _broken(error: Exception, limit: TimeLimit) -> Reply:
    """Return what became of a request whose connection stood, by what http.client and urllib3 say."""
    led_to_it = list(causes(error))
    if any(isinstance(each, ConnectionError) and each.errno is not None for each in led_to_it):
        return cut_off(kept=limit.reused, heard=bool(limit.beginning), reset=True)
    if limit.beginning == TLS_ALERT:
        return malformed("it speaks TLS")
    # What http.client says of a line or a chunk that the stream's end cut is no complaint about the server.
    if limit.ended and not any(isinstance(each, MalformedAnswerError) for each in led_to_it):
        return cut_off(kept=limit.reused, heard=bool(limit.beginning), reset=False)
    return malformed(" ".join(f"{type(each).__name__}: {each}" for each in led_to_it))
