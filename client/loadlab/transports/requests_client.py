"""requests as it is used in threads: one session and one connection per instance, nothing retried.

Its timeouts are made to hold for the whole request in `bounded_http`. urllib3 notices a kept-alive
connection that the server has closed before it sends on it, and opens another one; one that was idle for
longer than `KEEPALIVE_NS` is closed here. Each shows as one more of `connections_opened`.
"""

from collections.abc import Mapping
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPHeaderDict
from urllib3.exceptions import HTTPError
from urllib3.util import SKIP_HEADER

from loadlab.clock import NS_PER_S
from loadlab.plan import Plan, Request
from loadlab.sample import Reply
from loadlab.transports import Wear
from loadlab.transports.bounded_http import HttpPool, HttpsPool, TimeLimit
from loadlab.transports.implied import implied_headers
from loadlab.transports.stamps import SERVER_TIMING, inside_ns
from loadlab.transports.trust import client_context
from loadlab.transports.verdicts import BROKEN, NOT_CONNECTED, TIMED_OUT, Verdicts

_PIECE_BYTES = 64 * 1024


class _Session(requests.Session):
    """A session that looks at no redirect: requests parses one even where it does not follow it."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - requests' own
        return None


class _Adapter(HTTPAdapter):
    """One limited connection for each host, trusting whom the system trusts."""

    def __init__(self, plan: Plan, limit: TimeLimit, wear: Wear) -> None:
        super().__init__(max_retries=0)
        self._context = client_context(plan)
        self._shared: dict[str, Any] = {"limit": limit, "wear": wear, "address": plan.address}
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,  # noqa: ARG002, FBT001 - requests' own
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
        cert: tuple[str, str] | str | None = None,  # noqa: ARG002
    ) -> HTTPConnectionPool:
        assert request.url is not None
        parts = urlsplit(request.url)
        pool = self._pools.get((parts.scheme, parts.netloc))
        if pool is None:
            pool = self._pools[parts.scheme, parts.netloc] = self._pool(
                parts.scheme, parts.hostname or "", parts.port
            )
        return pool

    def _pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        if scheme == "https":
            return HttpsPool(host, port, ssl_context=self._context, **self._shared)
        return HttpPool(host, port, **self._shared)

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Leave it to the context: requests would trust certifi's list besides."""

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


def _no_auth(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no header for the credentials of a URL; `implied_headers` has one."""
    return prepared


class RequestsTransport:
    """A `BlockingTransport`. Of one thread: one request at a time."""

    def __init__(self) -> None:
        self.wear = Wear()

    def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan; no connection is made yet."""
        self._verdicts = Verdicts(plan)
        self._limit = TimeLimit(plan.connect_timeout_ns, plan.timeout_ns)
        self._timeout_s = (plan.connect_timeout_ns / NS_PER_S, plan.timeout_ns / NS_PER_S)
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(plan, self._limit, self.wear)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def prepare(self, request: Request) -> requests.PreparedRequest:
        """Build the request once; ASCII URLs go out as they are written."""
        prepared = requests.Request(request.method, request.url, data=request.body, auth=_no_auth).prepare()
        if request.url.isascii():
            prepared.url = request.url
        headers = HTTPHeaderDict()
        for name, value in request.headers:
            headers.add(name, value)  # a name may come twice, which requests' own dictionary can't hold
        for name, value in implied_headers(request).items():
            headers.setdefault(name, value)
        headers.setdefault("Accept-Encoding", SKIP_HEADER)
        for name, value in prepared.headers.items():
            headers.setdefault(name, value)
        prepared.headers = headers  # type: ignore[assignment]
        return prepared

    def send(self, prepared: requests.PreparedRequest) -> Reply:
        """Send one request and read its response to the end, within the plan's time limits."""
        response = None
        self._limit.start()
        try:
            response = self._session.send(
                prepared, stream=True, allow_redirects=False, timeout=self._timeout_s, proxies={}
            )
            timings = response.raw.headers.getlist(SERVER_TIMING)
            told_ns = inside_ns(timings) if timings and response.raw.length_remaining is not None else 0
            pieces = response.raw.stream(_PIECE_BYTES, decode_content=False)
            body_bytes = sum(len(piece) for piece in pieces)
            response.raw.release_conn()
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            if response is not None:
                response.close()
            return self._failure(error)
        status = response.status_code
        return Reply(self._verdicts[status], status, body_bytes, told_ns)

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _failure(self, error: Exception) -> Reply:
        """Name the outcome by how far the request came, which the many exceptions say less clearly."""
        if self._limit.is_over():
            return TIMED_OUT
        if self._limit.connecting:
            self.wear.not_connected(error)
            return NOT_CONNECTED
        if self._limit.reused:
            self.wear.connections_lost += 1
        return BROKEN
