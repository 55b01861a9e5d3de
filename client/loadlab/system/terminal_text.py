"""Text of another's making as a terminal may get it: what acts on one is written as its escape. Pure.

That is every control character but the line feed and the tab (C0, DEL, C1), what turns the direction of
writing, line and paragraph separators, and lone surrogates. A JSON text has escapes of its own.
"""

import io
import re

_ACTING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional marks, embeddings, overrides, isolates
    "\u2028\u2029"  # separators, which some terminals break lines at
    "\ud800-\udfff"  # no characters: bytes of a name that is not UTF-8
)
_ACTS = re.compile(f"[{_ACTING}]")
_ACTS_IN_A_LINE = re.compile(f"[\n\t{_ACTING}]")


def escaped(text: str) -> str:
    r"""Return the text with what acts written as `\x1b` or `\u202e`; its lines stay."""
    return _ACTS.sub(_escape, text)


def one_line(text: str) -> str:
    """Return the text as one line, with what acts, its line feeds too, written as escapes."""
    return _ACTS_IN_A_LINE.sub(_escape, text)


def escaped_json(data: bytes) -> bytes:
    """Return a JSON text that means the same and holds nothing that acts."""
    return _ACTS.sub(_json_escape, data.decode()).encode()


class EscapingStream(io.TextIOWrapper):
    """A text stream that escapes what is written to it; what draws on a terminal writes to `unescaped`."""

    def write(self, text: str, /) -> int:
        """Write what is left of the text when nothing in it acts."""
        super().write(escaped(text))
        return len(text)

    @property
    def unescaped(self) -> "Unescaped":
        """The same stream for a program's own control sequences."""
        return Unescaped(self)


class Unescaped:
    """An `EscapingStream` for callers that escaped each text before they put control sequences around it."""

    def __init__(self, stream: EscapingStream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it as it is."""
        return io.TextIOWrapper.write(self._stream, text)

    def __getattr__(self, name: str) -> object:
        """Be the stream in everything else."""
        return getattr(self._stream, name)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()


def _json_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
