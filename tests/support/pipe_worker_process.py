"""The process behind a `pipe_worker`: messages on standard input and output, on a clock that is ahead."""

import asyncio
import ctypes
import os
import sys
from pathlib import Path

ROUND_TRIPS = 16
"""How often the parent asks for the clock, with an empty message, before it says what the task is."""
LENGTH_BYTES = 4
_NEW_TIME, _NEW_USER = 0x80, 0x10000000


def set_clock_ahead(by_s: int) -> None:
    """Put this process and those it starts into a time namespace (time_namespaces(7)); raise OSError.

    CLOCK_MONOTONIC is ahead there. To be called before there is a second thread.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_TIME) and libc.unshare(_NEW_TIME | _NEW_USER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/timens_offsets").write_text(f"monotonic {by_s} 0")
    with Path("/proc/self/ns/time_for_children").open() as namespace:
        if libc.setns(namespace.fileno(), _NEW_TIME):
            raise OSError(ctypes.get_errno(), "setns")


class PipeLine:
    """The `Line` of `fleet.worker`: a pipe each way, and before each message its length."""

    def __init__(self) -> None:
        self._input, self._output = os.dup(0), os.dup(1)
        os.dup2(2, 1)  # whatever is printed is no message

    def fileno(self) -> int:
        return self._input

    def recv_bytes(self) -> bytes:
        return self._read(int.from_bytes(self._read(LENGTH_BYTES)))

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = os.read(self._input, size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def send_bytes(self, message: bytes) -> None:
        left = memoryview(len(message).to_bytes(LENGTH_BYTES) + message)
        while left:
            left = left[os.write(self._output, left) :]


def main(ahead_s: int) -> None:
    """Tell the clock, then run the shard."""
    if ahead_s:
        set_clock_ahead(ahead_s)
    # Not before: numpy starts threads.
    from loadlab.clock import MONOTONIC
    from loadlab.fleet.worker import own_group, run_shard
    from loadlab.system.event_loop import new_event_loop

    own_group()
    line = PipeLine()
    for _ in range(ROUND_TRIPS):
        line.recv_bytes()
        line.send_bytes(MONOTONIC.now_ns().to_bytes(8))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run_shard(line))


if __name__ == "__main__":
    main(int(sys.argv[1]))
