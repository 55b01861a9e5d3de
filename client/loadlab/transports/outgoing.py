"""A request as it goes out, the same on every transport: where to, its target, its header lines."""

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from loadlab.workload.plan import Request
from loadlab.workload.url import Url, read_url

_EXPECT_NO_BODY = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")
"""Of any other method an empty body is said to be empty (RFC 9110, section 8.6)."""


class Outgoing(NamedTuple):
    """What a transport sends. `lines` are all header lines, in their order; a value is sent as UTF-8."""

    method: str
    url: Url
    lines: tuple[tuple[str, str], ...]
    body: bytes
    closes: bool
    """Whether it gives its connection up."""


def outgoing(request: Request, *, keeps: bool = True) -> Outgoing:
    """Return the request as given, with what HTTP/1.1 needs and a name for who asks.

    Unless its connection is one that the lab `keeps`, it has the header that gives it up.
    Raises ValueError for what would be more than one request, which no plan without problems holds.
    """
    url = read_url(request.url)
    given = {name.lower() for name, _ in request.headers}
    implied = [(name, value) for name, value in _implied(request, url, given) if name.lower() not in given]
    lines = (*implied, *request.headers)
    closes = _asks_to_close(request)
    if not (keeps or closes):
        lines, closes = (*lines, ("Connection", "close")), True
    if any(sign in text for line in ((request.method,), *lines) for text in line for sign in "\r\n\0"):
        raise ValueError(f"a header of {request.method} {url.target} breaks its line")
    return Outgoing(request.method, url, lines, request.body, closes)


def _implied(request: Request, url: Url, given: set[str]) -> list[tuple[str, str]]:
    """Return the header lines that hold where none of their name is given."""
    lines = [("Host", url.authority), ("User-Agent", "loadlab")]
    if url.userinfo:  # RFC 7617, as UTF-8
        credentials = unquote_to_bytes(url.userinfo if ":" in url.userinfo else f"{url.userinfo}:")
        lines.append(("Authorization", f"Basic {b64encode(credentials).decode()}"))
    if (request.body or request.method not in _EXPECT_NO_BODY) and "transfer-encoding" not in given:
        lines.append(("Content-Length", str(len(request.body))))
    return lines


def _asks_to_close(request: Request) -> bool:
    """Tell whether the request itself gives its connection up."""
    return any(
        name.lower() == "connection" and "close" in value.lower().replace(" ", "").split(",")
        for name, value in request.headers
    )
