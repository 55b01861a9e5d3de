"""The process in which aiomultiprocess keeps its workers' results, made so that it ends with its parent.

As the library starts it, it outlives a parent that is killed, and so does the resource tracker it holds.
"""

import multiprocessing
import os
import signal
import threading
from multiprocessing.managers import SyncManager

from aiomultiprocess import core


def ensure() -> None:
    """Start it unless there is one; the library then finds it instead of starting its own."""
    if core._manager is None:  # noqa: SLF001 - the library has no other way in
        manager = SyncManager(ctx=core.get_context())
        # Ctrl-C reaches every process of the terminal: this one must not fall to it before it can ignore it.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            manager.start(initializer=_end_with_parent)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        core._manager = manager  # noqa: SLF001 - as above


def _end_with_parent() -> None:
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
