"""Headers that hold where the plan gives none of their name; the same on every transport."""

from base64 import b64encode
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec.structs import replace

from loadlab.plan import Request


def implied_headers(request: Request) -> dict[str, str]:
    """Return who asks, and the credentials of the URL, if it has any (RFC 7617, as UTF-8)."""
    headers = {"User-Agent": "loadlab"}
    user, at, _host = urlsplit(request.url).netloc.rpartition("@")
    if at:
        credentials = unquote_to_bytes(user if ":" in user else f"{user}:")
        headers["Authorization"] = f"Basic {b64encode(credentials).decode()}"
    return headers


def asks_to_close(request: Request) -> bool:
    """Tell whether the request itself gives its connection up."""
    return any(
        name.lower() == "connection" and "close" in value.lower().replace(" ", "").split(",")
        for name, value in request.headers
    )


def closing(request: Request) -> Request:
    """Return the request with the header that gives its connection up, unless it has one already."""
    if asks_to_close(request):
        return request
    return replace(request, headers=(*request.headers, ("Connection", "close")))
