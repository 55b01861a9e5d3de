"""How late the machine itself is: a process that only sleeps and looks at the clock, during a test.

A virtual machine may stand still for milliseconds whatever runs in it, and its hypervisor need not tell.
"""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

TICK_S = 0.002


class Witness:
    """Knows how late the machine was when it was last watched."""

    def __init__(self) -> None:
        self.late_ratio = 0.0
        """The part of its wakings that were later than the limit."""

    @contextlib.contextmanager
    def watching(self, limit_s: float) -> Iterator[None]:
        """Watch the machine meanwhile."""
        self.late_ratio = 0.0
        watching = subprocess.Popen(
            [sys.executable, __file__, str(limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield
        finally:
            told, _ = watching.communicate()  # the end of its input is the end of its watch
            self.late_ratio = float(told)


def watch(limit_s: float) -> float:
    """Sleep and wake until the input ends; return how often it was late, as a ratio."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    late = wakings = 0
    while not over.is_set():
        due_s = time.monotonic() + TICK_S
        time.sleep(TICK_S)
        late += time.monotonic() - due_s > limit_s
        wakings += 1
    return late / wakings if wakings else 0.0


if __name__ == "__main__":
    sys.stdout.write(str(watch(float(sys.argv[1]))))
