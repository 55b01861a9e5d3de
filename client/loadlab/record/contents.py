"""What a request carries beyond its path: parameters, a body, and the headers that matter. Pure."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from loadlab.record.exchange import Exchange, Pairs, Part
from loadlab.system.files import decode_json
from loadlab.workload.fields import header_problem

MOST_RAW = 16 << 10
"""A longer body is not written into a journeys file."""
_MOST_DEEP = 40
_MOST_WHOLE = 1 << 64
_FORM = "application/x-www-form-urlencoded"
_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_OF_BROWSERS = re.compile(
    r"accept-(?:encoding|language|charset)|cache-control|pragma|cookie2?|host|origin|referer|user-agent|dnt"
    r"|upgrade(?:-insecure-requests)?|te|trailer|sec-.*|priority|purpose|if-(?:none-match|modified-since|range)|range"
    r"|save-data|keep-alive|connection|content-(?:length|type)|transfer-encoding|expect|proxy-.*|x-client-data"
    r"|device-memory|dpr|viewport-width|width|rtt|downlink|ect|x-forwarded-.*|forwarded|via|:.*"
)


class Form(NamedTuple):
    """Fields of a form; as multipart where there are files."""

    pairs: Pairs
    files: tuple[Part, ...] = ()


class Json(NamedTuple):
    """A JSON value, other than null."""

    value: Any


class Raw(NamedTuple):
    """Any other body, as text."""

    text: str


Body = Form | Json | Raw | None


def body_of(exchange: Exchange) -> Body:
    """Return the body, taken apart as far as its type says."""
    if exchange.parts:
        plain = tuple((part.name, part.value) for part in exchange.parts if part.file is None)
        return Form(plain, tuple(part for part in exchange.parts if part.file is not None))
    text = exchange.body
    if exchange.mime == _FORM and (pairs := _pairs(text)) is not None:
        return Form(pairs)
    if "json" in exchange.mime:
        try:
            value = decode_json(text.encode(), _JSON)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return Raw(text)
        return Json(value) if value is not None and _is_plain(value, 0) else Raw(text)
    return Raw(text) if text else None


def sent_as(body: Body) -> str:
    """Return the Content-Type that a journey's step has by itself for such a body."""
    match body:
        case Form(_, files):
            return "multipart/form-data" if files else _FORM
        case Json():
            return "application/json"
        case Raw():
            return "text/plain"
        case None:
            return ""


def query_of(query: str) -> tuple[str, Pairs]:
    """Return what stays in the path of a query, and its parameters."""
    if query and "=" not in query:
        return f"?{query}", ()
    return "", tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))


def headers_of(exchange: Exchange, body: Body) -> Iterator[tuple[str, str]]:
    """Give the headers that the app may look at and a user does not send by itself."""
    seen = set()
    for name, value in exchange.headers:
        small = name.lower()
        if small in seen or _OF_BROWSERS.fullmatch(small) or header_problem(name, value, ""):
            continue
        if small == "accept" and ("json" not in value.lower() or "html" in value.lower()):
            continue
        seen.add(small)
        yield name, value
    if body is not None and exchange.mime and exchange.mime != sent_as(body):
        kind = next(
            (value for name, value in exchange.headers if name.lower() == "content-type"), exchange.mime
        )
        if not header_problem("Content-Type", kind, ""):
            yield "Content-Type", kind


def _pairs(text: str) -> Pairs | None:
    """Return the fields of a form; None where it is none, as JSON that says it is one."""
    if text and "=" not in text:
        return None
    if text.lstrip()[:1] in ("{", "[", "<"):
        return None
    return tuple(parse_qsl(text, keep_blank_values=True, errors="replace"))


def _is_plain(value: Any, depth: int) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether a value can stand in Python source: Python's parser has limits."""
    match value:
        case dict() | list():
            each = value.values() if isinstance(value, dict) else value
            return depth < _MOST_DEEP and all(_is_plain(one, depth + 1) for one in each)
        case bool() | None:
            return True
        case int():
            return abs(value) < _MOST_WHOLE
        case _:
            return True
