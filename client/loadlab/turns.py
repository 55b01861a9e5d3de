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
from contextlib import suppress

from loadlab.clock import NS_PER_MS, NS_PER_S, Clock

_STEPS = 10
"""Of nice. Where others want the core all the time, about a tenth of it is left."""
_SHORT_NS = 100_000
"""The shortest turn that the kernel gives."""
_INTERPRETER_S = 50e-6
"""About what a thread takes to wake: it need not be shorter, and a loop's turn may be as short."""
_LATE_NS = 5 * NS_PER_MS
"""A guest that is as late as that has not got the interpreter: a core alone is had sooner."""
_STAY_S = 0.005
"""A guest's turn ends when it rests, and after this."""
_AGAIN_NS = 50 * NS_PER_MS
"""From one turn that a guest is given until the next, where it did not come to rest."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The system call's number; glibc has a function for it only from 2.41 on."""


def pass_on_soon() -> None:
    """Have whichever thread of this process has the interpreter pass it on soon to one that waits for it.

    CPython's thread asks for it when it has waited for an interval, 5 ms by default, in which nobody released
    it. For loops only: of many threads that wait each would wake as often as that.
    """
    sys.setswitchinterval(_INTERPRETER_S)


class Guest:
    """A thread beside a loop, which lets it in when it has waited for the interpreter for too long.

    A loop that never sleeps releases the interpreter in each of its turns, for less than a thread takes to
    wake. Each release starts the interval anew after which the other would ask for it (`take_gil` in
    CPython's ceval_gil.h): where a turn is about as short as the interval, the other waits for seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wakes_ns = 1 << 62
        self._rests = threading.Event()

    def rest_until(self, moment_ns: int) -> None:
        """Say, as the guest, that nothing is done now, and that it will be awake again at this moment."""
        self._wakes_ns = moment_ns
        self._rests.set()

    async def let_in(self) -> None:
        """Have the loop see, every few milliseconds, whether the guest waits, and let it in until it rests.

        Not for longer than a loop can miss: a guest may also be held by something else.
        """
        while True:
            await asyncio.sleep(_LATE_NS / NS_PER_S)
            self._rests.clear()  # before it is seen: a guest that rests from here on keeps nobody waiting
            now_ns = self._clock.now_ns()
            if now_ns - self._wakes_ns > _LATE_NS:
                self._wakes_ns = now_ns + _AGAIN_NS
                self._rests.wait(_STAY_S)


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


def give_way() -> None:
    """Let others go first for as long as this thread lives; on Linux, where nice is each thread's own.

    There is no way back without a privilege (sched(7)), and what the thread starts afterwards gives way, too.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(_STEPS)


def take_short_turns() -> None:
    """Have this thread run soon after it wakes, for no more of the core than before; from Linux 6.12 on.

    Who asks for shorter turns than the one that runs gets the core from it as soon as its share allows it
    (EEVDF, Documentation/scheduler/sched-eevdf.rst). Older kernels take no notice, and what the thread starts
    afterwards does as it does.
    """
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return  # somebody has chosen another policy
    attr = _SchedAttr(
        size=ctypes.sizeof(_SchedAttr),
        policy=os.SCHED_OTHER,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime_ns=_SHORT_NS,
    )
    ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attr), 0)
