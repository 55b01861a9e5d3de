"""The head of a response: checked by httptools, and its framing read by the rules of RFC 9112, section 6.3.

A head is parsed when it is whole, with its folded lines unfolded as section 5.2 asks of a user agent.
httptools (llhttp, strict) checks every line; also refused are:

- versions other than 1.0 and 1.1, statuses below 100, and reasons with control characters;
- 101: nothing here asks for another protocol;
- transfer codings other than chunked: they may only be sent to whom offers them, and this client does not;
- more than `MOST_FIELDS` lines.
"""

import re
from typing import Final, NamedTuple

import httptools

from loadlab.recording.sample import REDIRECTS
from loadlab.transports.server_timing import inside_ns

END_OF_HEAD: Final = b"\r\n\r\n"
MOST_BYTES = 64 * 1024
MOST_FIELDS = 256

_FIRST_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?![ \t])")
"""A status line, and behind it no folded line: there is none before it to be folded with."""
_FOLD = re.compile(rb"\r\n[ \t]+")


class MalformedError(Exception):
    """Not a response as HTTP/1.1 has it."""


class Head(NamedTuple):
    """What a head says of the response and its connection."""

    status: int
    body_bytes: int | None
    """None where the length is not known beforehand."""
    chunked: bool
    keeps: bool
    """Whether the server keeps the connection."""
    inside_ns: int = 0
    """The target's own stamp, where this head tells all of the body's length."""
    location: str = ""
    """Where a redirect leads."""


class _Fields:
    """Collects what matters while httptools reads."""

    def __init__(self) -> None:
        self.count = 0
        self.length: int | None = None
        self.codings: list[bytes] = []
        self.options: list[bytes] = []
        self.timings: list[str] = []
        self.location = ""
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.count += 1
        match name.lower():
            case b"content-length":
                self.length = int(value)
            case b"transfer-encoding":
                self.codings += _tokens(value)
            case b"connection":
                self.options += _tokens(value)
            case b"server-timing":
                self.timings.append(value.decode("latin-1"))
            case b"location":
                self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.whole = True


def read_head(data: bytes, *, bodiless: bool = False) -> Head:
    """Read a head with the blank line that ends it; raise MalformedError. Answers to HEAD are `bodiless`."""
    if len(data) > MOST_BYTES:
        raise MalformedError("a head without measure")
    fields, version, status = _read(data)
    if status == 101:
        raise MalformedError("an upgrade that was not asked for")
    if fields.codings not in ([], [b"chunked"]):
        raise MalformedError(f"transfer codings {fields.codings}")
    chunked = bool(fields.codings)
    keeps = b"close" not in fields.options
    if version == "1.0":
        keeps = keeps and b"keep-alive" in fields.options and not chunked
    location = fields.location if status in REDIRECTS else ""
    if bodiless or status < 200 or status in (204, 304):
        return Head(
            status, 0, chunked=False, keeps=keeps, inside_ns=inside_ns(fields.timings), location=location
        )
    if not chunked and fields.length is None:
        keeps = False
    told_ns = 0 if fields.length is None else inside_ns(fields.timings)
    return Head(status, fields.length, chunked, keeps, told_ns, location)


def check_trailer(lines: bytes) -> None:
    """Check the lines behind the last chunk, each with its end; raise MalformedError."""
    _read(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n")


def _read(data: bytes) -> tuple[_Fields, str, int]:
    if not _FIRST_LINE.match(data):
        raise MalformedError("no status line")
    if b"\r\n " in data or b"\r\n\t" in data:
        data = _FOLD.sub(b" ", data)
    fields = _Fields()
    parser = httptools.HttpResponseParser(fields)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        raise MalformedError("an upgrade") from None
    except httptools.HttpParserError as error:
        raise MalformedError(str(error)) from None
    if not fields.whole:
        raise MalformedError("no end of the head")
    if fields.count > MOST_FIELDS:
        raise MalformedError(f"{fields.count} fields")
    return fields, parser.get_http_version(), parser.get_status_code()


def _tokens(value: bytes) -> list[bytes]:
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]
