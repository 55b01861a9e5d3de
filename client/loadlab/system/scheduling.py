"""Whose turn it is where several threads want one core, or one interpreter.

A worker may share its core with its parent and with its own reporter, which have time; its loop has none.
What is asked of the kernel needs no privilege, and a run is right without it: requests are late more often
then, and the run says so. The reporter does not give way: a thread that is kept from its core while it has
the interpreter keeps the loop waiting, too.
"""

import asyncio
import ctypes
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from loadlab.clock import NS_PER_MS, Clock

_STEPS = 10
"""Of nice. Where others want the core all the time, about a tenth is left."""
_SHORT_NS = 100_000
"""The shortest turn that the kernel gives."""
_INTERPRETER_S = 50e-6
"""About what a thread takes to wake: it need not be shorter, and a loop's turn may be as short."""
_LOOK_S = 0.01
"""How often a loop looks after its reporter."""
_LATE_NS = 5 * NS_PER_MS
"""A reporter that is as late as that while the loop is busy has not got the interpreter."""
_BUSY = 0.8
"""Of the time on its core: a loop that sleeps now and then leaves the interpreter free for long enough."""
_STAY_S = 0.005
"""The reporter's turn ends when it rests, and after this."""
_AGAIN_NS = 50 * NS_PER_MS
"""From a turn in which the reporter did not come to rest until the next: something else may hold it."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The system call's number; glibc has a function for it only from 2.41 on."""


def set_switch_interval() -> None:
    """Have whichever thread of this process has the interpreter be asked for it soon by one that waits.

    CPython's thread asks when it has waited for an interval, 5 ms by default, in which it was not released
    (where a loop does, see `ReporterTurn`). For loops only: of many threads each would wake as often.
    """
    sys.setswitchinterval(_INTERPRETER_S)


class ReporterTurn:
    """Gives the other thread of a loop its turn, when it has waited for the interpreter for too long.

    A loop that never sleeps releases the interpreter in each of its turns, for less than a thread takes to
    wake. Each release starts the interval anew after which the other would ask for it (`take_gil` in
    CPython's ceval_gil.h): where a turn is about as long as the interval, the other may wait for a second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wakes_ns = 1 << 62
        self._rests = threading.Event()

    def rest_until(self, moment_ns: int) -> None:
        """Say, as the reporter, that nothing is done now, and that it will be awake again at this moment."""
        self._wakes_ns = moment_ns
        self._rests.set()

    async def yield_to_reporter(self, worked_ns: Callable[[], int] = time.thread_time_ns) -> None:
        """Have the loop look, every now and then, whether the reporter waits, and stop for it until it rests.

        Only a loop that is always at work stops, as `worked_ns` tells: another leaves the interpreter free,
        and what keeps the reporter then is that it has no core. And never for long: other things may hold it.
        """
        now_ns = self._clock.now_ns
        not_before_ns = 0
        while True:
            from_ns, worked_before_ns = now_ns(), worked_ns()
            await asyncio.sleep(_LOOK_S)
            self._rests.clear()  # before it is looked at: who rests from here on keeps no one waiting
            at_ns = now_ns()
            busy = worked_ns() - worked_before_ns > _BUSY * (at_ns - from_ns)
            late = at_ns - self._wakes_ns > _LATE_NS
            if busy and late and at_ns >= not_before_ns and not self._rests.wait(_STAY_S):
                not_before_ns = at_ns + _AGAIN_NS


class _SchedAttr(ctypes.Structure):
    """`struct sched_attr` in its first version, sched_setattr(2)."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def lower_priority() -> None:
    """Let others go first for as long as this thread lives; on Linux, where nice is each thread's own.

    There is no way back without a privilege (sched(7)), and what the thread starts afterwards gives way, too.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(_STEPS)


def request_short_slice() -> None:
    """Have this thread run soon after it wakes, for no more of the core than before; from Linux 6.12 on.

    Who asks for shorter turns than the one that runs gets the core from it as soon as its share allows it
    (EEVDF, Documentation/scheduler/sched-eevdf.rst). Older kernels take no notice, and what the thread starts
    afterwards does as it does.
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return  # another policy was chosen
    attr = _SchedAttr(
        size=ctypes.sizeof(_SchedAttr),
        policy=os.SCHED_OTHER,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime_ns=_SHORT_NS,
    )
    ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attr), 0)
