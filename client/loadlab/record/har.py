"""Reads a HAR file, as browsers save one from their network panel (HAR 1.2)."""

import email.message
import email.parser
import email.policy
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import UsageError
from loadlab.record.exchange import Answer, Exchange, Pairs, Part, plain_mime
from loadlab.system.files import decode_json

MOST_ENTRIES = 10_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORM = "application/x-www-form-urlencoded"
_NO_TIME = datetime.fromtimestamp(0, UTC)


class _Pair(msgspec.Struct):
    name: str
    value: str | None = None


class _Param(msgspec.Struct, rename="camel"):
    name: str
    value: str | None = None
    file_name: str | None = None


class _PostData(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    text: str | None = None
    params: list[_Param] | None = None


class _Request(msgspec.Struct, rename="camel"):
    method: str
    url: str
    headers: list[_Pair] = []
    post_data: _PostData | None = None


class _Content(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    text: str | None = None
    encoding: str | None = None


class _Response(msgspec.Struct, rename="camel"):
    status: int = 0
    headers: list[_Pair] = []
    content: _Content = msgspec.field(default_factory=_Content)
    redirect_url: str | None = msgspec.field(default=None, name="redirectURL")


class _Entry(msgspec.Struct, rename="camel"):
    request: _Request
    response: _Response = msgspec.field(default_factory=_Response)
    started_date_time: datetime = _NO_TIME
    time: float | None = None
    kind: str | None = msgspec.field(default=None, name="_resourceType")


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


_HAR = msgspec.json.Decoder(_Har)
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<alone>\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)


def exchanges(data: bytes, place: str) -> tuple[Exchange, ...]:
    """Return what a HAR file holds, in the order of time; raise UsageError that begins with `place`."""
    try:
        entries = decode_json(_whole(data.removeprefix(_BYTE_ORDER_MARK)), _HAR).log.entries
    except msgspec.DecodeError as error:
        raise UsageError(f"{place} is not a HAR file: {error}") from None
    if len(entries) > MOST_ENTRIES:
        raise UsageError(f"{place} holds {len(entries):,} requests, and {MOST_ENTRIES:,} are the most")
    return tuple(sorted(map(_exchange, entries), key=lambda each: each.begun_ns))


def _whole(data: bytes) -> bytes:
    """Replace halves of surrogate pairs, which browsers write where a text was cut, and which are no text."""
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match["alone"] else match[0], data)


def _exchange(entry: _Entry) -> Exchange:
    begun = entry.started_date_time
    since = (begun if begun.tzinfo else begun.replace(tzinfo=UTC)) - _NO_TIME
    begun_ns = (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000
    took_ns = round(max(entry.time or 0.0, 0.0) * NS_PER_MS)
    data = entry.request.post_data or _PostData()
    mime = plain_mime(data.mime_type)
    parts = tuple(_parts(data)) if mime == "multipart/form-data" else ()
    body = "" if parts else data.text or ""
    if not body and mime == _FORM:
        body = urlencode([(each.name, each.value or "") for each in data.params or ()], errors="replace")
    return Exchange(
        method=entry.request.method,
        url=entry.request.url,
        headers=_pairs(entry.request.headers),
        body=body,
        mime=mime,
        parts=parts,
        begun_ns=begun_ns,
        ended_ns=begun_ns + took_ns,
        answer=_answer(entry.response),
        kind=(entry.kind or "").lower(),
    )


def _answer(response: _Response) -> Answer | None:
    if response.status <= 0:  # it was blocked, or given up
        return None
    content = response.content
    text = content.text or ""
    if content.encoding == "base64":
        try:
            text = b64decode(text).decode(errors="replace")
        except (Base64Error, ValueError):
            text = ""
    headers = _pairs(response.headers)
    if response.redirect_url and not any(name.lower() == "location" for name, _ in headers):
        headers += (("Location", response.redirect_url),)
    return Answer(response.status, headers, plain_mime(content.mime_type), text)


def _pairs(pairs: list[_Pair]) -> Pairs:
    return tuple((each.name, each.value or "") for each in pairs)


def _parts(data: _PostData) -> Iterator[Part]:
    """Give the fields of a multipart form: those that were listed, else those of its text."""
    if data.params:
        for each in data.params:
            yield Part(each.name, each.value or "", each.file_name)
        return
    head = f"Content-Type: {' '.join((data.mime_type or '').split())}\n\n"
    raw = (head + (data.text or "")).encode(errors="replace")
    parser = email.parser.BytesParser(_class=email.message.Message, policy=email.policy.compat32)
    for part in parser.parsebytes(raw).walk():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        file, value = part.get_filename(), part.get_payload(decode=True)
        plain = value.decode(errors="replace") if isinstance(value, bytes) and file is None else ""
        yield Part(name, plain, file)
