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
from loadlab.remote.partial_result import Salvage
from loadlab.results.events import Event, RunBegan, StageEnded
from loadlab.results.result import NAMELESS, About, StageResult, encode
from loadlab.results.run_folder import RESULT, write_whole
from loadlab.system import environment
from loadlab.system.environment import Environment
from loadlab.system.files import decode_json, open_private, read_bounded
from loadlab.targets import App
from loadlab.workload.kept_plan import KeptPlan

FILE = "unfinished.jsonl"
_WHY = "the agent ended"


class Began(msgspec.Struct, tag=True, frozen=True):
    """The first line: what a result needs besides the stages."""

    run_id: str
    at: str
    plan: KeptPlan
    environment: Environment
    about: About = NAMELESS
    app: App | None = None


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
                case RunBegan(run_id, where, plan, command, label, app):
                    about = About(command=command, label=label)
                    self._file = open_private(self._path)
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._write(Began(run_id, utc(), plan, environment.read(where), about, app))
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


def salvage(results: Path) -> list[str]:
    """Write the results of runs whose agent was killed, as far as they had come; return their names."""
    return [path.parent.name for path in sorted(results.glob(f"*/{FILE}")) if _salvaged(path)]


def _salvaged(path: Path) -> bool:
    with suppress(OSError, msgspec.DecodeError), open(path, opener=_without_waiting) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        result = path.with_name(RESULT)
        if not result.exists():
            write_whole(result, _left_of(path))
        path.unlink()
        return True
    return False


def _stages(lines: Iterable[bytes]) -> Iterator[StageResult]:
    """Give the stages that had ended; a line that was cut off or damaged costs no other line."""
    for line in lines:
        with suppress(msgspec.DecodeError):
            if line.endswith(b"\n") and isinstance(ended := decode_json(line, _LINE), StageEnded):
                yield ended.result


def _without_waiting(path: str, flags: int) -> int:
    """Open a file also where it is a pipe without a writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _left_of(path: Path) -> bytes:
    lines = read_bounded(path).splitlines(keepends=True)
    began = decode_json(lines[0] if lines else b"", _LINE)
    if not isinstance(began, Began):
        raise msgspec.DecodeError("it does not begin with the run")
    left = Salvage(began.run_id, began.plan, began.about)
    left.began(began.app, began.at)
    left.stages += _stages(lines[1:])
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
    return encode(left.result(_WHY, began.environment, interrupted=False, finished_at=last))
