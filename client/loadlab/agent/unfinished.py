"""What is kept of a run while it goes on, so that an agent that is killed loses no stage that had ended.

The file is locked by the agent that writes it. The lock ends with that process, however it ends: until then
no other agent of the same folder takes the run for lost.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from loadlab.clock import utc
from loadlab.results.events import Event, RunBegan, StageEnded
from loadlab.results.result import encode
from loadlab.results.run_folder import RESULT, write_whole
from loadlab.runs.partial_result import PartialResult
from loadlab.system.files import decode_json, open_private, read_bounded

FILE = "unfinished.jsonl"
_WHY = "the agent ended"


class Began(msgspec.Struct, tag=True, frozen=True):
    """The first line."""

    at: str
    event: RunBegan


_LINE: msgspec.json.Decoder[Began | StageEnded] = msgspec.json.Decoder(Began | StageEnded)


class Unfinished:
    """The file of one run. A disk that refuses it costs the run nothing."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._file: IO[bytes] | None = None

    def tell(self, event: Event) -> None:
        """Keep what a result is made of."""
        with suppress(OSError):
            match event:
                case RunBegan():
                    self._file = open_private(self._path)
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._write(Began(utc(), event))
                case StageEnded():
                    self._write(event)

    def over(self) -> None:
        """Remove it: the result is kept."""
        if self._file is not None:
            self._path.unlink(missing_ok=True)
            self._file.close()

    def _write(self, line: Began | StageEnded) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()


def recover(results: Path) -> list[str]:
    """Write the results of runs whose agent was killed, as far as they had come; return their names."""
    return [path.parent.name for path in sorted(results.glob(f"*/{FILE}")) if _recovered(path)]


def _recovered(path: Path) -> bool:
    with suppress(OSError, msgspec.DecodeError), open(path, opener=_without_waiting) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        result = path.with_name(RESULT)
        if not result.exists():
            write_whole(result, _left_of(path))
        path.unlink()
        return True
    return False


def _ended(lines: Iterable[bytes]) -> Iterator[StageEnded]:
    """Give the ends of stages; a line that was cut off or damaged costs no other line."""
    for line in lines:
        with suppress(msgspec.DecodeError):
            if line.endswith(b"\n") and isinstance(ended := decode_json(line, _LINE), StageEnded):
                yield ended


def _without_waiting(path: str, flags: int) -> int:
    """Open a file also where it is a pipe without a writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _left_of(path: Path) -> bytes:
    lines = read_bounded(path).splitlines(keepends=True)
    began = decode_json(lines[0] if lines else b"", _LINE)
    if not isinstance(began, Began):
        raise msgspec.DecodeError("it does not begin with the run")
    left = PartialResult()
    left.tell(began.event, began.at)
    for ended in _ended(lines[1:]):
        left.tell(ended)
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    return encode(left.result(_WHY, interrupted=False, finished_at=last))
