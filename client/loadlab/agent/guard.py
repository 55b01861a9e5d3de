"""Who may ask the agent, and for what: checked before anything of a request is acted on.

The port is on loopback, where every program of the machine and every page in a browser of it can reach it. A
page of another site is known by its Origin; one that had its own name point here (DNS rebinding) by its Host.
What changes something needs the token as soon as the port is open to more than loopback. On the unix socket
the file's permissions have decided already, and no browser reaches it.
"""

import hmac
import ipaddress
import re
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS")
_JSON = "application/json"
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - every address, which is no name of one
SERVICE = "client"
"""What the containers of the stack call the agent's."""


class Refusal(msgspec.Struct, frozen=True):
    """What is answered instead."""

    status: int
    sentence: str


class Guard:
    """The rules of one listening address."""

    def __init__(self, host: str, token: str | None) -> None:
        """Take the host that is listened on, as it was written, and the token if there is one."""
        self._loopback = is_loopback(host)
        self._names = frozenset({host.lower()} - _ANY | (set() if self._loopback else {SERVICE}))
        self._token = token.encode() if token else None
        self.needs_token = not self._loopback or self._token is not None

    def refusal(self, method: str, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """Say why a request is not answered, None where it is."""
        refused = self._misdirected(target, headers) or _foreign(headers)
        if refused is not None or method in _SAFE:
            return refused
        return _cross_site(headers) or self._unauthorised(headers) or _no_json(headers)

    def _misdirected(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        hosts = _all(headers, hdrs.HOST)
        if target.startswith("/") and len(hosts) == 1 and self._is_mine(hosts[0]):
            return None
        return Refusal(403, f"this agent does not answer to the name {', '.join(hosts)!r}")

    def _is_mine(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().strip("[]")
        return is_loopback(name) or name in self._names

    def _unauthorised(self, headers: Mapping[str, str]) -> Refusal | None:
        if not self.needs_token:
            return None
        if self._token is None:
            return Refusal(
                403,
                "this agent listens on more than loopback and has no token, so nothing can be started or"
                " stopped here: `make up` makes one, `make open` hands it to the page; or set LOADLAB_TOKEN",
            )
        scheme, _, given = headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        given_bytes = given.strip().encode(errors="surrogateescape")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given_bytes, self._token):
            return Refusal(401, "this needs the agent's token: `make open` opens the page with it")
        return None


class NoGuard:
    """The unix socket: whoever may open the file may do anything."""

    needs_token = False

    def refusal(self, _method: str, _target: str, _headers: Mapping[str, str]) -> Refusal | None:
        """Refuse nothing."""
        return None


def is_loopback(host: str) -> bool:
    """Tell whether a host, as it is written in an address, is this machine's loopback and nothing else."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _foreign(headers: Mapping[str, str]) -> Refusal | None:
    mine = f"http://{headers.get(hdrs.HOST)}".lower()
    for origin in _all(headers, hdrs.ORIGIN):
        if origin.lower() != mine:
            return Refusal(403, f"a page of {origin!r} may not use this agent")
    return None


def _cross_site(headers: Mapping[str, str]) -> Refusal | None:
    if headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none"):
        return None
    return Refusal(403, "a page of another site may not use this agent")


def _no_json(headers: Mapping[str, str]) -> Refusal | None:
    """Refuse what a browser sends for any page without asking: forms, and text that calls itself that."""
    if headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() == _JSON:
        return None
    return Refusal(415, f"what is posted must be {_JSON}")


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    every = getattr(headers, "getall", None)
    return list(every(name, [])) if every else [headers[name]] if name in headers else []
