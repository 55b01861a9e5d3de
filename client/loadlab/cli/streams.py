"""Standard output and error as every command has them: to write to them never fails, and acts on no terminal.

A stream may be closed, its disk full, its reader gone, its encoding poor. What it does not take is lost, and
that is judged once, when the command is over: what it measured never depends on what could be shown.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING

from loadlab.errors import Exit, first_of
from loadlab.system.terminal_text import EscapingStream, escaped_json
from loadlab.workload.masking import Secrets

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PLAIN = str.maketrans(
    {
        "–": "-",
        "·": "|",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "µ": "u",
        "…": "~",
        "│": "|",
        "├": "|",
        "┤": "|",
        "─": "-",
        "━": "-",
    }
)
"""One for one, so that columns stay below their heads."""


class _Raw(io.RawIOBase):
    """A file descriptor; after its first error it takes everything and keeps nothing."""

    def __init__(self, descriptor: int, closed: OSError | None) -> None:
        self._descriptor = descriptor
        self._closed = closed
        self.error: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write what can be written."""
        size = memoryview(data).nbytes
        if size and self._closed is not None:
            self.error = self._closed
        while self.error is None and size:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # another program has made it non-blocking
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.error = error
        return size

    def writable(self) -> bool:
        """Say so."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return os.isatty(self._descriptor)


class OutputGoneError(Exception):
    """There is no use in going on: what the command prints goes nowhere."""


class Output:
    """Standard output: whether it was lost, and whether the command has done its work all the same."""

    def __init__(self, raw: _Raw) -> None:
        self._raw = raw
        self.secrets = Secrets()
        """What is masked in the errors that end the command."""
        self.is_extra = False
        """Whether the command keeps, or serves, what matters somewhere else."""

    def check(self) -> None:
        """Raise OutputGoneError where nothing can be printed any more."""
        if self._raw.error is not None:
            raise OutputGoneError

    def judged(self, code: int) -> int:
        """Return the exit code of a command that is over, and say so where its output was lost.

        A reader that has gone has read what it wanted.
        """
        sys.stdout.flush()
        error = self._raw.error
        if error is not None and error.errno != errno.EPIPE:
            sys.stderr.write(f"loadlab: standard output can't be written ({error.strerror})\n")
            code = code if self.is_extra else first_of([Exit(code), Exit.USAGE])
        sys.stderr.flush()
        return code


def guard() -> Output:
    """Put the standard streams of this process under guard; return the one for output."""
    codecs.register_error("loadlab.plain", _plain)
    closed = [_closed(descriptor) for descriptor in range(3)]
    raw = _Raw(1, closed[1])
    sys.stdout = _text(raw, sys.stdout)
    sys.stderr = _text(_Raw(2, closed[2]), sys.stderr)
    return Output(raw)


def _closed(descriptor: int) -> OSError | None:
    """Fill the place of a closed descriptor, which a file or a connection would take; return the error."""
    try:
        os.fstat(descriptor)
    except OSError as error:
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - positional only
        return error
    return None


def say(text: str, *, error: bool = False) -> None:
    """Write a line to one of the standard streams; click would write around them where they are ASCII."""
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def write_json(data: bytes) -> None:
    """Write a JSON text to standard output."""
    sys.stdout.buffer.write(escaped_json(data))
    sys.stdout.flush()


def _text(raw: _Raw, before: object) -> io.TextIOWrapper:
    """Return the stream over this descriptor, written as the one before."""
    given = before if isinstance(before, io.TextIOWrapper) else None
    return EscapingStream(
        io.BufferedWriter(raw),
        encoding=given.encoding if given else "utf-8",
        errors="loadlab.plain",
        line_buffering=given.line_buffering if given else False,
        write_through=given.write_through if given else False,
    )


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what is nearest where an encoding lacks a character, or a file's name is no text."""
    assert isinstance(error, UnicodeEncodeError)
    missing = error.object[error.start : error.end].translate(_PLAIN)
    return missing.encode("ascii", "replace").decode("ascii"), error.end
