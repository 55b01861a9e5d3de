"""The target's beginning and end, as its starter sees them: ready, failed, or stopped."""

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_CHECK_S = 0.02


class StartError(Exception):
    """The target could not start; the message is one sentence for the person who started it."""


class ConfigError(StartError):
    """A gunicorn config asks for what the lab can't serve."""


def in_one_line(error: BaseException) -> str:
    """Say what kind of error it was and how its message begins, without a full stop."""
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first}".rstrip(":. ")


@contextmanager
def private_directory() -> Iterator[Path]:
    """Give a temporary directory that its maker removes, and not the workers forked from it."""
    path = Path(tempfile.mkdtemp(prefix="loadlab-target-"))
    owner = os.getpid()
    try:
        yield path
    finally:
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)


class BootBoard:
    """Where workers, each a process of its own, leave word on how their boot went: files in a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._reason = directory / "boot-failure"
        directory.mkdir()

    def booted(self) -> None:
        """Say that the calling process is ready to serve."""
        (self._directory / str(os.getpid())).touch()

    def replaced(self) -> None:
        """Say that the calling process ends because it has answered as many requests as gunicorn lets it."""
        self._replaced(os.getpid()).touch()

    def failed(self, error: BaseException) -> None:
        """Say why the calling process can't serve."""
        self._reason.write_text(in_one_line(error), encoding="utf-8")

    def has_booted(self, pid: int) -> bool:
        """Whether that process has become ready."""
        return (self._directory / str(pid)).exists()

    def was_replaced(self, pid: int) -> bool:
        """Whether that process ended as gunicorn's `max_requests` has it."""
        return self._replaced(pid).exists()

    def forget(self, pid: int) -> None:
        """Drop what a process said that is gone, because its number may come back."""
        (self._directory / str(pid)).unlink(missing_ok=True)
        self._replaced(pid).unlink(missing_ok=True)

    def reason(self) -> str | None:
        """Give the reason that a worker left, if one did."""
        return self._reason.read_text(encoding="utf-8") if self._reason.exists() else None

    def _replaced(self, pid: int) -> Path:
        return self._directory / f"{pid}.replaced"


def announce(file: Path, *, url: str, metrics_url: str) -> None:
    """Write where the target is, whole or not at all; raise OSError if that can't be written."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_text(
        json.dumps({"url": url, "metrics_url": metrics_url, "pid": os.getpid()}) + "\n", encoding="utf-8"
    )
    part.replace(file)


def stop_with_stdin() -> None:
    """Stop this process (SIGTERM) when its standard input ends, which it does however the starter dies."""

    def watch() -> None:
        # Read by descriptor: a buffered reader would hold a lock that a fork could copy.
        while os.read(descriptor, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, ValueError):  # started with standard input closed: it has ended already
        os.kill(os.getpid(), signal.SIGTERM)
        return
    threading.Thread(target=watch, name="stop-with-stdin", daemon=True).start()
