"""Chunked bodies (RFC 9112, section 7.1): counted, checked, not kept.

A chunk's size is 1 to 16 hexadecimal digits, blanks may follow; extensions are skipped over; each line
ends with CRLF. Trailer lines are checked like those of a head.
"""

import re

from loadlab.transports.wire.heads import MOST_BYTES, MalformedError, check_trailer

_MOST_LINE = 8 * 1024
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")


class Chunks:
    """Reads one chunked body piece by piece; `body_bytes` is its length so far."""

    def __init__(self) -> None:
        self.body_bytes = 0
        self._left = 0
        """Bytes of the present chunk, its CRLF included, that have not come."""
        self._line = b""
        """The beginning of a line whose end has not come."""
        self._trailer: list[bytes] | None = None
        self._trailer_bytes = 0

    def feed(self, data: bytes, at: int) -> int | None:
        """Read on from there; return where the body ended, None where it goes on. Raises MalformedError."""
        end = len(data)
        while at < end:
            if self._left:
                at = self._skip(data, at)
                continue
            line_end = data.find(b"\n", at) + 1
            self._line += data[at : line_end or end]
            if len(self._line) > _MOST_LINE:
                raise MalformedError("an endless line between chunks")
            if not line_end:
                return None
            at = line_end
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n"):
                raise MalformedError("a line that ends without CR")
            if self._trailer is None:
                self._begin_chunk(line[:-2])
            elif self._ends_trailer(line):
                return at
        return None

    def _skip(self, data: bytes, at: int) -> int:
        """Pass over what has come of the present chunk, and check the CRLF behind it."""
        if self._left > 2:
            taken = min(self._left - 2, len(data) - at)
            self.body_bytes += taken
        else:
            part = data[at : at + self._left]
            if not b"\r\n"[2 - self._left :].startswith(part):
                raise MalformedError("a chunk that is longer than its size")
            taken = len(part)
        self._left -= taken
        return at + taken

    def _begin_chunk(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise MalformedError(f"a chunk size {line[:20]!r}")
        size = int(match[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailer = []

    def _ends_trailer(self, line: bytes) -> bool:
        assert self._trailer is not None, "lines before the last chunk are sizes"
        if line == b"\r\n":
            if self._trailer:
                check_trailer(b"".join(self._trailer))
            return True
        self._trailer.append(line)
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MOST_BYTES:
            raise MalformedError("an endless trailer")
        return False
