"""What a journey sees of an answer. It is parsed when it is asked for, not before."""

import re
from typing import Any

import msgspec

from loadlab.journeys.forms import fields
from loadlab.system.files import decode_json
from loadlab.transports.content import Content, Headers

_ANY = msgspec.json.Decoder()
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9._-]+)", re.IGNORECASE)


class Reply:
    """A whole answer: its status, headers and body."""

    __slots__ = ("_content", "_fields", "_text", "name", "status")

    def __init__(self, name: str, status: int, content: Content) -> None:
        self.name = name
        """The step's name."""
        self.status = status
        self._content = content
        self._text: str | None = None
        self._fields: dict[str, str] | None = None

    def __repr__(self) -> str:
        """Show what was asked and the status."""
        return f"<Reply {self.status} to {self.name}>"

    @property
    def headers(self) -> Headers:
        """The header lines; names in any case: `reply.headers["Location"]`, `reply.headers.get("etag")`."""
        return self._content.headers

    @property
    def body(self) -> bytes:
        """The body as bytes, after transfer decoding."""
        return self._content.body

    @property
    def first_byte_ns(self) -> int:
        """How long after the request was sent the first byte of the answer came."""
        return self._content.first_byte_ns

    @property
    def text(self) -> str:
        """The body as text, by the charset that its Content-Type names, otherwise UTF-8."""
        if self._text is None:
            self._text = self._decoded()
        return self._text

    def _decoded(self) -> str:
        named = _CHARSET.search(self.headers.get("content-type", ""))
        try:
            return self.body.decode(named[1] if named else "utf-8", errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")

    def json(self) -> Any:  # noqa: ANN401 - whatever the app sends
        """Return the body read as JSON; raise ValueError where it is none."""
        try:
            return decode_json(self.body, _ANY)
        except msgspec.DecodeError as error:
            raise ValueError(f"{self.name} answered no JSON: {error}") from None

    def field(self, name: str) -> str:
        """Return the value of an input of a form, or of a meta tag; raise LookupError where there is none."""
        found = self._fields = fields(self.text) if self._fields is None else self._fields
        if name not in found:
            there = ", ".join(sorted(found)) or "no input or meta tag with a name"
            raise LookupError(f"{self.name} has no field {name!r}; it has {there}")
        return found[name]

    def find(self, pattern: str) -> str:
        """Return the first match of a regular expression, its first group where it has one.

        Raises LookupError where nothing matches.
        """
        match = re.search(pattern, self.text)
        if match is None:
            raise LookupError(f"nothing in {self.name} matches {pattern!r}")
        return match[1] if match.re.groups else match[0]
