"""Who may ask the agent, and for what: checked before anything of a request is acted on.

The port is on loopback, where every program of the machine, and every page in its browser, can reach it. A
page of another site is known by its Origin and by what the browser says of the request (Sec-Fetch-Site). One
that had its own name point here (DNS rebinding) is known by its Host. Everything but what is open needs the
token. On the unix socket the file's permissions have decided already, and no browser reaches it.
"""

import hmac
import re
from collections.abc import Mapping

import msgspec
from aiohttp import hdrs

from loadlab.targets.address_scope import is_loopback, is_unspecified

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS")
_JSON = "application/json"
_MOST_NAME = 300
"""Characters of a Host or an Origin: a DNS name has 253 at most."""
MOST_TOKEN = 256
"""Characters of a token."""
SERVICE = "client"
"""What the containers of the stack call the agent's."""


class Refusal(msgspec.Struct, frozen=True):
    """What is answered instead."""

    status: int
    sentence: str


class Guard:
    """The rules of one listening address."""

    def __init__(self, address: str, token: str | None, *, named: str | None = None) -> None:
        """Take the address that is listened on, the token if there is one, and what it was called."""
        self._token = token.encode() if token else None
        names = {name.lower() for name in (address, named) if name and not is_unspecified(name)}
        self._names = frozenset(names if is_loopback(address) else names | {SERVICE})

    def refusal(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        *,
        is_open: bool = False,
        is_page: bool = False,
    ) -> Refusal | None:
        """Say why a request is not answered, None where it is.

        `is_open`: reading it needs no token; `is_page`: it is `/`, which a link elsewhere may open.
        """
        refused = (
            self._misdirected(target, headers) or _foreign(headers) or _cross_site(headers, is_page=is_page)
        )
        if refused is not None:
            return refused
        if method in _SAFE:
            return None if is_open else self._unauthorised(headers)
        return self._unauthorised(headers) or _no_json(headers)

    def _misdirected(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        hosts = _all(headers, hdrs.HOST)
        if target.startswith("/") and len(hosts) == 1 and self._is_mine(hosts[0]):
            return None
        return Refusal(403, f"this agent does not answer to the name {', '.join(map(_shown, hosts))}")

    def _is_mine(self, host: str) -> bool:
        match = _HOST.fullmatch(host) if len(host) <= _MOST_NAME else None
        if match is None:
            return False
        name = match[1].lower().strip("[]")
        return is_loopback(name) or name in self._names

    def _unauthorised(self, headers: Mapping[str, str]) -> Refusal | None:
        if self._token is None:
            return Refusal(
                403,
                "this agent listens on more than loopback and has no token, so nothing can be read, started"
                " or stopped here: `make up` makes one and `make open` hands it on; or set LOADLAB_TOKEN",
            )
        authorization = headers.get(hdrs.AUTHORIZATION, "")
        if len(authorization) <= len("Bearer ") + MOST_TOKEN:
            scheme, _, given = authorization.partition(" ")
            given_bytes = given.strip().encode(errors="surrogateescape")
            if hmac.compare_digest(given_bytes, self._token) and scheme.lower() == "bearer":
                return None
        return Refusal(
            401,
            "this needs the agent's token: open the address that `loadlab agent` printed, or use `make open`"
            " where the stack is up",
        )


class NoGuard:
    """The unix socket: a process that may open the file may do anything."""

    def refusal(
        self,
        _method: str,
        _target: str,
        _headers: Mapping[str, str],
        *,
        is_open: bool = False,  # noqa: ARG002 - as in Guard
        is_page: bool = False,  # noqa: ARG002 - as in Guard
    ) -> Refusal | None:
        """Refuse nothing."""
        return None


def _foreign(headers: Mapping[str, str]) -> Refusal | None:
    mine = f"http://{headers.get(hdrs.HOST)}".lower()
    for origin in _all(headers, hdrs.ORIGIN):
        if len(origin) > _MOST_NAME or origin.lower() != mine:
            return Refusal(403, f"a page of {_shown(origin)} may not use this agent")
    return None


def _cross_site(headers: Mapping[str, str], *, is_page: bool) -> Refusal | None:
    sites = _all(headers, "Sec-Fetch-Site")
    if all(site in ("same-origin", "none") for site in sites):
        return None
    opens = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    if is_page and opens:
        return None
    return Refusal(403, "a page of another site may not use this agent")


def _no_json(headers: Mapping[str, str]) -> Refusal | None:
    """Refuse what a browser sends for any page without asking: forms, and text that calls itself that."""
    if headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower() == _JSON:
        return None
    return Refusal(415, f"what is posted must be {_JSON}")


def _shown(name: str) -> str:
    return repr(name if len(name) <= _MOST_NAME else f"{name[:_MOST_NAME]}…")


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    every = getattr(headers, "getall", None)
    return list(every(name, [])) if every else [headers[name]] if name in headers else []
