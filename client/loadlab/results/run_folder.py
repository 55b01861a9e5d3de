"""The result folder of a run: made before the load, written whole or not at all."""

import contextlib
import os
import secrets
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadlab.errors import LabError, UsageError
from loadlab.results.result import READABLE_VERSIONS, RunResult, encode
from loadlab.system.files import make_private, open_private, read_json
from loadlab.workload.kept_plan import kept, secrets_of
from loadlab.workload.masked_log import masked_blocks
from loadlab.workload.masking import Secrets

RESULT = "result.json"
TARGET_LOG = "target.log"
ERROR = "error.txt"
MOST_LOG_BYTES = 64 << 20
"""Of a target's log that is searched for secrets, so much is kept: its end."""
_BLOCK = 1 << 16
_EARLIER_KEYS = {
    "flown_mean": "in_flight_by_stamps",
    "outlasted": "stamps_over_service",
    "outside_ns": "time_outside_target_ns",
    "wanted_ratio": "cpu_demand_ratio",
    "busiest_ratio": "cpu_peak_ratio",
}
"""Of a stage, or of its client: what results of version 1, and early ones of version 2, call a figure."""
_ANY_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Folder:
    """`<parent>/<run_id>/`."""

    def __init__(self, parent: Path, scenario: str) -> None:
        """Name the run and make its folder; raise UsageError where it can't be written."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.run_id = f"{stamp}-{scenario}-{secrets.token_hex(2)}"
        self.path = parent / self.run_id
        self._made: list[Path] = []
        try:
            self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            make_private(self.path)
            open_private(self.log).close()
        except OSError as error:
            self.discard()
            raise UsageError(
                f"--out: {parent} cannot be written ({error.strerror}); name a folder that can be"
            ) from None

    @property
    def log(self) -> Path:
        """Where a target of our own writes."""
        return self.path / TARGET_LOG

    def mask_log(self, hidden: Secrets) -> None:
        """Take out of the log what the target repeated there of secrets; of a long one keep the end."""
        if not hidden:
            return
        partial = self.log.with_suffix(".partial")
        try:
            with self.log.open("rb") as log, open_private(partial) as masked:
                over = max(0, log.seek(0, os.SEEK_END) - MOST_LOG_BYTES)
                log.seek(over)
                blocks = iter(lambda: log.read(_BLOCK), b"")
                if over:
                    masked.write(f"[the first {over:,} bytes are left out]\n".encode())
                masked.writelines(masked_blocks(blocks, hidden, beheaded=over > 0))
            partial.replace(self.log)
        except (OSError, MemoryError):
            partial.unlink(missing_ok=True)
            self.log.unlink(missing_ok=True)

    def write_log(self, data: bytes, hidden: Secrets) -> None:
        """Keep what a target wrote that is served elsewhere; nothing where the disk refuses."""
        with contextlib.suppress(OSError), open_private(self.log) as log:
            log.write(hidden.masked_bytes(data))

    def write(self, result: RunResult) -> Path:
        """Write `result.json` whole; where the disk refuses, keep it elsewhere and say so."""
        data = encode(result)
        try:
            return write_whole(self.path / RESULT, data)
        except OSError as error:
            kept = self._write_elsewhere(data)
            raise LabError(f"{self.path / RESULT} could not be written ({error.strerror}); {kept}") from error

    def write_error(self, text: str) -> str:
        """Keep an internal error's traceback; return where it is, or where it can't be kept the traceback."""
        path = self.path / ERROR
        try:
            with open_private(path) as file:
                file.write(text.encode(errors="surrogateescape"))
        except OSError:
            return f"these lines:\n{text}"
        return str(path)

    def discard(self) -> None:
        """Remove the folder of a run that never began, and what was made on the way to it."""
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in self._made[1:]:
            with contextlib.suppress(OSError):  # another run is in it by now
                folder.rmdir()

    def _write_elsewhere(self, data: bytes) -> str:
        """Keep a result where temporary files go; say what came of that."""
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{self.run_id}-"))
        except OSError as error:
            return f"nor kept in {tempfile.gettempdir()} ({error.strerror}): it is lost"
        try:
            return f"the result is kept in {write_whole(folder / RESULT, data)}"
        except OSError as error:
            folder.rmdir()
            return f"nor kept in {folder.parent} ({error.strerror}): it is lost"


def read(path: Path) -> RunResult:
    """Read a result file, or the one in a result folder; raise UsageError where there is none."""
    # A Path would raise where it can't be looked up.
    path = path / RESULT if os.path.isdir(path) else path  # noqa: PTH112
    try:
        result = msgspec.convert(_with_present_keys(read_json(path, _ANY_JSON)), RunResult)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a result of this version: {error}") from None
    if result.schema_version not in READABLE_VERSIONS:
        raise UsageError(
            f"{path} is not a result of this version: its schema_version is {result.schema_version},"
            f" not one of {', '.join(map(str, READABLE_VERSIONS))}"
        )
    # Those of an earlier version hold what they were carried with.
    hidden = secrets_of(result.plan)
    return msgspec.structs.replace(hidden.without(result), plan=kept(result.plan))


def _with_present_keys(found: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return what a result file holds with its figures under their present names."""
    stages = found.get("stages") if isinstance(found, dict) else None
    for stage in stages if isinstance(stages, list) else ():
        for part in (stage, stage.get("client"), stage.get("unknown")) if isinstance(stage, dict) else ():
            for earlier, present in _EARLIER_KEYS.items():
                if isinstance(part, dict) and earlier in part:
                    part[present] = part.pop(earlier)
    return found


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file so that no reader sees half a file, even with two writers at once; return its path."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        with open_private(partial) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return path
