"""One response, from its first byte to its last, without I/O.

Whatever comes in ends in exactly one reply: `feed` returns it with the last byte, or `end` when the
connection ended. Interim responses are passed over. What is not HTTP is a `protocol_error` as soon as it
shows. Bytes behind the end are surplus: the response stands, its connection must not be used again.
"""

import re
from typing import Final

from loadlab.recording.sample import Reply
from loadlab.transports.status_outcomes import TLS_ALERT, Verdicts, malformed
from loadlab.transports.wire.chunks import Chunks
from loadlab.transports.wire.heads import END_OF_HEAD, MOST_BYTES, Head, MalformedError, read_head

_BEGINNING: Final = b"HTTP/1."
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


class Reader:
    """Reads the response to one request; an answer to HEAD is `bodiless`."""

    def __init__(self, verdicts: Verdicts, *, bodiless: bool) -> None:
        self._verdicts = verdicts
        self._bodiless = bodiless
        self._begun = bytearray()
        """What has come of a head that is not whole: grown in place, so that reading it is linear."""
        self._raw: bytes | None = b""
        """The head as it came; None after an interim one."""
        self._head: Head | None = None
        self._chunks = Chunks()
        self._body_bytes = 0
        self.keeps = False
        """Whether the connection may serve another request."""
        self.unexpected_bytes = False
        """Whether bytes came that belong to no response."""

    def feed(self, data: bytes) -> Reply | None:
        """Read on; return the reply if the response has ended. Not to be called after that."""
        try:
            return self._read_heads(data) if self._head is None else self._read_body(self._head, data, 0)
        except MalformedError as error:
            return malformed(str(error))

    def end(self) -> Reply | None:
        """Return the reply where the end of the connection is the answer's end, too; None where it is not."""
        head = self._head
        if head is None or head.chunked or head.body_bytes is not None:
            return None
        return self._reply(head)

    @property
    def location(self) -> str:
        """Where the answer leads, empty where it is no redirect."""
        return "" if self._head is None else self._head.location

    def lesson(self) -> tuple[bytes, int] | None:
        """Return a head that fixes all of its response, and how long both are; None where it does not."""
        head, raw = self._head, self._raw
        if head is None or not raw or not head.keeps or head.body_bytes is None:
            return None
        return raw, len(raw) + head.body_bytes

    def _read_heads(self, data: bytes) -> Reply | None:
        begun = self._begun
        seen = len(begun)
        begun += data
        at = 0
        while (end := begun.find(END_OF_HEAD, max(at, seen - 3)) + 4) > 3:
            raw = bytes(begun[at:end])
            head = read_head(raw, bodiless=self._bodiless)
            at = end
            if head.status >= 200:
                self._head = head
                self._raw = None if self._raw is None else raw
                return self._read_body(head, data, end - seen)
            self._raw = None
        del begun[:at]
        _check_beginning(begun, max(seen - at - 1, 0))
        return None

    def _read_body(self, head: Head, data: bytes, at: int) -> Reply | None:
        end: int | None = None
        if head.chunked:
            end = self._chunks.feed(data, at)
            self._body_bytes = self._chunks.body_bytes
        else:
            self._body_bytes += len(data) - at
            if head.body_bytes is not None and self._body_bytes >= head.body_bytes:
                end = len(data) - (self._body_bytes - head.body_bytes)
                self._body_bytes = head.body_bytes
        if end is None:
            return None
        self.unexpected_bytes = end < len(data)
        self.keeps = head.keeps and not self.unexpected_bytes
        return self._reply(head)

    def _reply(self, head: Head) -> Reply:
        return Reply(self._verdicts[head.status], head.status, self._body_bytes, head.inside_ns)


def _check_beginning(begun: bytearray, new: int) -> None:
    """Give up what can't become a head any more, so that nothing waits for its end; looks from `new` on."""
    if begun.startswith(TLS_ALERT):
        raise MalformedError("it speaks TLS")
    if not _BEGINNING.startswith(begun[: len(_BEGINNING)]):
        raise MalformedError("another protocol")
    if len(begun) > MOST_BYTES:
        raise MalformedError("an endless head")
    if _BARE_LF.search(begun, new):
        raise MalformedError("a line that ends without CR")
