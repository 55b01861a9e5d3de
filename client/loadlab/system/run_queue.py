"""How long the thread that makes the load was ready to run and had no core."""

import contextlib
import os


class RunQueueTime:
    """The main thread's account (proc(5), schedstat); it stays open, being read four times a second."""

    def __init__(self) -> None:
        pid = os.getpid()
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(f"/proc/{pid}/task/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)

    def ns(self) -> int | None:
        """Return how long since the thread started, in nanoseconds; None where the system does not tell."""
        if self._file is None:
            return None
        try:
            return int(os.pread(self._file, 64, 0).split()[1])
        except (OSError, ValueError, IndexError):
            return None
