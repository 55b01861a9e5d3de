"""The result folder of a run: made before the load, written whole or not at all."""

import os
import secrets
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from loadlab.errors import LabError, UsageError
from loadlab.result import RunResult, decode, encode

RESULT = "result.json"
TARGET_LOG = "target.log"
ERROR = "error.txt"


class Folder:
    """`<parent>/<run_id>/`."""

    def __init__(self, parent: Path, scenario: str) -> None:
        """Name the run and make its folder; raise UsageError where it can't be written."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.run_id = f"{stamp}-{scenario}-{secrets.token_hex(2)}"
        self.path = parent / self.run_id
        try:
            self.path.mkdir(parents=True)
            (self.path / TARGET_LOG).touch()
        except OSError as error:
            raise UsageError(
                f"--out: {parent} cannot be written ({error.strerror}); name a folder that can be"
            ) from None

    @property
    def log(self) -> Path:
        """Where a target of our own writes."""
        return self.path / TARGET_LOG

    def write(self, result: RunResult) -> Path:
        """Write `result.json` whole; where the disk refuses, keep it elsewhere and say so."""
        data = encode(result)
        try:
            return _write_whole(self.path / RESULT, data)
        except OSError as error:
            kept = self._write_elsewhere(data)
            raise LabError(
                f"{self.path / RESULT} could not be written ({error.strerror}); the result is kept in {kept}"
            ) from error

    def write_error(self, text: str) -> Path:
        """Keep an internal error's traceback."""
        path = self.path / ERROR
        path.write_text(text)
        return path

    def discard(self) -> None:
        """Remove the folder of a run that never began."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write_elsewhere(self, data: bytes) -> Path:
        return _write_whole(Path(tempfile.mkdtemp(prefix=f"{self.run_id}-"), RESULT), data)


def read(path: Path) -> RunResult:
    """Read a result file, or the one in a result folder; raise UsageError where there is none."""
    path = path / RESULT if path.is_dir() else path
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a result of this version: {error}") from None


def _write_whole(path: Path, data: bytes) -> Path:
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return path
