"""A step's request: its target, its header lines and its body. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from loadlab.transports.content import Message
from loadlab.transports.outgoing import outgoing
from loadlab.workload.fields import header_problem, method_problem
from loadlab.workload.plan import Request
from loadlab.workload.url import origin_and_rest, origin_of, read_url, request_target

Pairs = Mapping[str, Any] | Iterable[tuple[str, Any]]
File = tuple[str, bytes] | tuple[str, bytes, str]
"""A file's name, its content and perhaps its type."""

_PLAIN: Final = re.compile(r"/[!\"$-~]*")
"""A path that is sent as it is written."""
_MOST_USUAL: Final = 256
_MOST_NAME: Final = 80
_FORM: Final = "application/x-www-form-urlencoded"


class Messages:
    """Makes the requests of one user's steps, all to one target."""

    def __init__(self, base: str, *, keeps: bool, headers: Mapping[str, str] | None = None) -> None:
        """Take the target's URL; `headers` go out with every request."""
        self.base = base.rstrip("/")
        url = read_url(base)
        self.origin = origin_of(url)
        """Scheme, host and port, as they stand before a path."""
        self._prefix = url.target.partition("?")[0].rstrip("/")
        self._keeps = keeps
        self._headers = dict(headers or {})
        self._usual: dict[str, tuple[str, Message, str]] = {}
        self._usual_cookie = ""
        self._usual_lines: tuple[tuple[str, str], ...] | None = None

    def target(self, path: str) -> str:
        """Return what a step's path is sent as; raise ValueError for what leads to another host."""
        if not _PLAIN.fullmatch(path):
            origin, rest = origin_and_rest(path) if "://" in path.partition("?")[0] else ("", path)
            if origin and origin_of(read_url(origin)) != self.origin:
                raise ValueError(f"{path!r} leads to another host than the target, {self.origin}")
            if origin:
                return request_target(rest)
            path = request_target(path)
        return self._prefix + path

    def get(self, path: str, cookie: str) -> tuple[Message, str]:
        """Return a GET without headers of its own, and the name of such a step."""
        known = self._usual.get(path)
        if known is not None and known[0] == cookie:
            return known[1], known[2]
        if len(self._usual) >= _MOST_USUAL:
            self._usual.clear()
        target = self.target(path)
        if cookie != self._usual_cookie or self._usual_lines is None:
            self._usual_cookie, self._usual_lines = cookie, self.made("GET", "/", cookie).lines
        message = Message("GET", target, self._usual_lines, b"", not self._keeps)
        self._usual[path] = cookie, message, default_name("GET", path)
        return self._usual[path][1:]

    def made(
        self,
        method: str,
        target: str,
        cookie: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        kind: str = "",
    ) -> Message:
        """Return any request; `kind` is its body's Content-Type, which `headers` may override."""
        given = dict(self._headers)
        if kind:
            given["Content-Type"] = kind
        for name, value in (headers or {}).items():
            given = {each: kept for each, kept in given.items() if each.lower() != name.lower()}
            given[name] = value
        if cookie and not any(name.lower() == "cookie" for name in given):
            given["Cookie"] = cookie
        problems = [header_problem(name, value, "headers") for name, value in given.items()]
        problems.append(method_problem(method, "method"))
        for problem in filter(None, problems):
            raise ValueError(problem)
        request = Request(method=method, url=self.origin + target, headers=tuple(given.items()), body=body)
        out = outgoing(request, keeps=self._keeps)
        return Message(method, target, out.lines, body, out.closes)

    def again(self, message: Message, target: str, cookie: str) -> Message:
        """Return a request as it was, to another path and with the cookies of that."""
        lines = [line for line in message.lines if line[0].lower() != "cookie"]
        if cookie:
            lines.append(("Cookie", cookie))
        return message._replace(target=target, lines=tuple(lines))


def default_name(method: str, path: str) -> str:
    """Return the name of a step that has none of its own: method and path, without the query."""
    return f"{method} {path.partition('?')[0]}"[:_MOST_NAME]


def with_params(path: str, params: Pairs) -> str:
    """Return a path with these parameters behind its query."""
    query = urlencode(_listed(params), doseq=True)
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def body_of(
    data: bytes | str | None, json: object, form: Pairs | None, files: Mapping[str, File] | None
) -> tuple[bytes, str]:
    """Return a body and its Content-Type from the one of them that is given; `form` and `files` go together.

    Raises ValueError where several are given.
    """
    if sum(given is not None for given in (data, json, form or files or None)) > 1:
        raise ValueError("data, json and form exclude each other: a request has one body")
    if files:
        from urllib3 import encode_multipart_formdata  # noqa: PLC0415 - few journeys send files

        plain = _listed(form or ())
        body, kind = encode_multipart_formdata(
            [*((name, str(value)) for name, value in plain), *files.items()]
        )
        return body, kind
    if form is not None:
        return urlencode(_listed(form), doseq=True).encode(), _FORM
    if json is not None:
        return msgspec.json.encode(json), "application/json"
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    return data or b"", ""


def _listed(pairs: Pairs) -> list[tuple[str, Any]]:
    return list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)
