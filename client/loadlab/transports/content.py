"""What an answer holds, for those who look into it. Parsed when it is asked for, not before."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from loadlab.recording.sample import Reply

MOST_KEPT_BYTES: Final = 16 * 1024 * 1024
"""A longer body is read and counted to its end, but its user sees only so much."""
_END_OF_HEAD: Final = b"\r\n\r\n"
_SHORT: Final = 1024
"""Of a shorter answer the end of the head is not looked for: a body that looks like a header costs a look."""
_BLANKS: Final = (b" ", b"\t")
_FOLD: Final = re.compile(rb"\r\n[ \t]+")


class Message(NamedTuple):
    """A request of a session: its target is path and query, its lines are all header lines."""

    method: str
    target: str
    lines: tuple[tuple[str, str], ...]
    body: bytes
    closes: bool
    """Whether it gives its connection up."""


class Headers(Mapping[str, str]):
    """The header lines of an answer, as bytes; one is found without reading the others."""

    __slots__ = ("_head", "_small")

    def __init__(self, head: bytes) -> None:
        """Take a whole head, from its status line to the blank line."""
        self._head = head
        self._small = head.lower()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """Return a header's value, the first of several; the default, and never None, where there is none."""
        sought = _sought(name)
        at = self._small.find(sought) + len(sought)
        if at < len(sought):
            return default
        end = self._head.find(b"\r\n", at)
        if self._head[end + 2 : end + 3] in _BLANKS:  # it goes on in the next line
            return self.all(name)[0]
        return self._head[at:end].strip().decode("latin-1")

    def __getitem__(self, name: str) -> str:
        """Return a header's value, the first of several; raise KeyError where there is none."""
        if not self._has(name):
            raise KeyError(name)
        return self.get(name)

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of all lines of this name, in their order."""
        if not self._has(name):
            return ()
        return tuple(value for each, value in self._lines() if each == name.lower())

    def __iter__(self) -> Iterator[str]:
        """Give the names in small letters, each once."""
        return iter(dict.fromkeys(name for name, _ in self._lines()))

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(list(iter(self)))

    def _has(self, name: str) -> bool:
        return _sought(name) in self._small

    def _lines(self) -> Iterator[tuple[str, str]]:
        for line in _FOLD.sub(b" ", self._head).split(b"\r\n")[1:]:
            name, colon, value = line.partition(b":")
            if colon:
                yield name.decode("latin-1").lower(), value.strip().decode("latin-1")


@lru_cache(256)
def _sought(name: str) -> bytes:
    return b"\n%b:" % name.lower().encode()


class Content(Protocol):
    """What came behind a request."""

    @property
    def headers(self) -> Headers:
        """The header lines."""
        ...

    @property
    def body(self) -> bytes:
        """The body, after transfer decoding."""
        ...

    @property
    def sets_cookies(self) -> bool:
        """Whether a header line sets a cookie."""
        ...

    @property
    def first_byte_ns(self) -> int:
        """How long after the request was sent the first byte came."""
        ...


class Session(Protocol):
    """Connections of one user's own, to the plan's target."""

    async def exchange(self, message: Message) -> tuple[Reply, Content | None]:
        """Send a request and read its answer; without a whole answer there is no content.

        As with `AsyncTransport.send` a failure is a reply and never a raise, and time limits are the plan's.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class ReadContent(NamedTuple):
    """An answer that was taken apart as it was read."""

    headers: Headers
    body: bytes
    first_byte_ns: int

    @property
    def sets_cookies(self) -> bool:
        """Whether a header line sets a cookie."""
        return "set-cookie" in self.headers


class RawContent:
    """An answer as it came over the wire, which was found to be valid HTTP before."""

    __slots__ = ("_headers", "_raw", "first_byte_ns")

    def __init__(self, raw: bytes, first_byte_ns: int) -> None:
        while raw.startswith(b"1", 9):  # an interim answer: "HTTP/1.1 100 Continue"
            raw = raw[raw.index(_END_OF_HEAD) + 4 :]
        self._headers: Headers | None = None
        self._raw = raw
        self.first_byte_ns = first_byte_ns

    @property
    def headers(self) -> Headers:
        """The header lines."""
        if self._headers is None:
            self._headers = Headers(self._raw[: self._body_from()])
        return self._headers

    @property
    def body(self) -> bytes:
        """The body, after transfer decoding."""
        if "transfer-encoding" not in self.headers:
            return self._raw[self._body_from() :]
        import httptools  # noqa: PLC0415 - this module is imported where little memory may be

        parts = _Parts()
        httptools.HttpResponseParser(parts).feed_data(self._raw)
        return b"".join(parts.of_body)

    @property
    def sets_cookies(self) -> bool:
        """Whether a header line sets a cookie."""
        raw = self._raw
        return b"\nset-cookie:" in (raw if len(raw) < _SHORT else raw[: self._body_from()]).lower()

    def _body_from(self) -> int:
        return self._raw.index(_END_OF_HEAD) + 4


class _Parts:
    def __init__(self) -> None:
        self.of_body: list[bytes] = []

    def on_body(self, part: bytes) -> None:
        self.of_body.append(part)
