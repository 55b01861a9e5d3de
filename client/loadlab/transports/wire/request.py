"""A kind of request as bytes, and where they go."""

from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from loadlab.plan import Request
from loadlab.transports.implied import implied_headers

_AS_WRITTEN = "".join(map(chr, range(0x21, 0x7F)))
_HAVE_A_BODY = ("POST", "PUT", "PATCH")
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """What connections are made to, and shared by."""

    tls: bool
    host: str
    port: int


def address(url: str) -> Address:
    """Return where a URL's requests go."""
    parts = urlsplit(url)
    return Address(parts.scheme == "https", parts.hostname or "", parts.port or _PORTS[parts.scheme])


def encode(request: Request) -> bytes:
    """Return the request as it goes out: as given, with what HTTP/1.1 needs and a name for who asks.

    ASCII URLs go out as they are written. Raises ValueError for a header that would break out of its line.
    """
    parts = urlsplit(request.url)
    lines = [f"{request.method} {_target(parts)} HTTP/1.1"]
    given = {name.lower() for name, _ in request.headers}
    lines += [f"{name}: {value}" for name, value in _implied(request, parts) if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if any(sign in line for line in lines for sign in "\r\n\0"):
        raise ValueError(f"a header of {request.method} {request.url} breaks its line")
    return "\r\n".join([*lines, "", ""]).encode() + request.body


def _implied(request: Request, parts: SplitResult) -> list[tuple[str, str]]:
    """Return the headers that hold where none of their name is given."""
    host = parts.netloc.rpartition("@")[2]
    if not host.isascii():
        host = host.replace(parts.hostname or "", (parts.hostname or "").encode("idna").decode())
    implied = [("Host", host), *implied_headers(request).items()]
    chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    if (request.body or request.method in _HAVE_A_BODY) and not chunked:
        implied.append(("Content-Length", str(len(request.body))))
    return implied


def _target(parts: SplitResult) -> str:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(target, safe=_AS_WRITTEN)
