"""A target that stands still for a moment, as one does whose machine swaps or moves."""

import asyncio
import contextlib
import os
import signal
from typing import NamedTuple

from loadlab.clock import MONOTONIC, NS_PER_S


class Pause(NamedTuple):
    """When the processes stood still, by this process's clock."""

    from_ns: int
    to_ns: int

    @property
    def length_ns(self) -> int:
        """How long."""
        return self.to_ns - self.from_ns


async def pause(group: int, length_ns: int) -> Pause:
    """Stop a process group with SIGSTOP for about so long; return how long it was.

    However this ends, the group goes on, unless this process is killed outright.
    """
    try:
        from_ns = _signalled(group, signal.SIGSTOP)
        await asyncio.sleep(length_ns / NS_PER_S)
    finally:
        to_ns = _signalled(group, signal.SIGCONT)
    return Pause(from_ns, to_ns)


def _signalled(group: int, number: signal.Signals) -> int:
    """Send a signal and return when, halfway between before and after; a group that is gone hears nothing."""
    before_ns = MONOTONIC.now_ns()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
    return (before_ns + MONOTONIC.now_ns()) // 2
