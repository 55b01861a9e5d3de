"""Whose turn it is where several threads want one core, or one interpreter.

A worker may share its core with its parent and with its own reporter, which have time; its loop has none.
What is asked of the kernel needs no privilege, and a run is right without it: requests are late more often
then, and the run says so. The reporter does not give way: a thread that is kept from its core while it has
the interpreter keeps the loop waiting, too.
"""

import ctypes
import os
import platform
import sys
from contextlib import suppress

_STEPS = 10
"""Of nice. Where others want the core all the time, about a tenth of it is left."""
_SHORT_NS = 100_000
"""The shortest turn that the kernel gives."""
_INTERPRETER_S = 50e-6
"""About what a thread takes to wake: it need not be shorter, and a loop's turn may be as short."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The system call's number; glibc has a function for it only from 2.41 on."""


def pass_on_soon() -> None:
    """Have whichever thread of this process has the interpreter pass it on soon to one that waits for it.

    CPython's thread asks for it when it has waited for an interval in which nobody released it. A loop that
    never sleeps releases it in each of its turns, and takes it again before the other is awake: where a turn
    is shorter than the interval, 5 ms by default, the other waits for ever. For loops only: of many threads
    that wait each would wake as often as that.
    """
    sys.setswitchinterval(_INTERPRETER_S)


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
