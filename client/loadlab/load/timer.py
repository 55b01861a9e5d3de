"""Calling at a moment: an event loop's timers are as coarse as a millisecond, due moments are exact."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Protocol

from loadlab.clock import NS_PER_S, Clock

_COARSE_NS = 1_500_000
"""A loop's own timer may be that late: so much of a wait is spent awake where there is no better one."""
_SHORT_NS = 50_000
"""A wait that is shorter is spent awake: to fall asleep and wake again takes about as long."""

Callback = Callable[[], None]


class Timer(Protocol):
    """Calls a function, at one moment at a time."""

    @property
    def spun_ns(self) -> int:
        """CPU time spent awake only to be on time: no work, and no sign that the process is busy."""
        ...

    def call_at(self, due_ns: int, callback: Callback) -> None:
        """Have `callback` called once, at this moment of the clock or as soon after it as the loop can.

        Never from within this call; a moment that has passed is the loop's next turn. It takes the place of
        a moment that was set before and has not come.
        """
        ...

    def close(self) -> None:
        """Call no more, and give back what it took of the system."""
        ...


class IdleTurnEstimate:
    """What a turn of the loop takes that has nothing to do: the rest is work, such as reading replies."""

    def __init__(self) -> None:
        self._shortest_ns = 0.0

    def part_of(self, turn_ns: int, *, whole: bool) -> int:
        """Return how much of a turn was spent for nothing; of one that is not `whole` nothing is learnt.

        An empty turn takes about as long as the shortest of late, of which each turn forgets a thousandth: a
        processor may get slower. One that takes more than half as long again had work in it.
        """
        if whole:
            self._shortest_ns = min(turn_ns, self._shortest_ns * 1.001) if self._shortest_ns else turn_ns
        return turn_ns if turn_ns <= 1.5 * self._shortest_ns else round(self._shortest_ns)


class SpinTimer:
    """Calls by looking at the clock in each turn of the loop, which thereby never sleeps."""

    def __init__(self, clock: Clock) -> None:
        self._now_ns = clock.now_ns
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._due_ns = self._looked_ns = 0
        self._callback: Callback | None = None
        self._turned = False
        self._empty = IdleTurnEstimate()
        self.spun_ns = 0

    def call_at(self, due_ns: int, callback: Callback) -> None:
        """Set it."""
        self._due_ns = due_ns
        self._callback = callback
        self._looked_ns = self._now_ns()
        self._turned = False
        if self._handle is None:
            self._handle = self._loop.call_soon(self._turn)

    def close(self) -> None:
        """Call no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = self._callback = None

    def _turn(self) -> None:
        now_ns = self._now_ns()
        if self._looked_ns < self._due_ns:
            self.spun_ns += self._empty.part_of(now_ns - self._looked_ns, whole=self._turned)
        if now_ns < self._due_ns:
            self._looked_ns = now_ns
            self._turned = True
            self._handle = self._loop.call_soon(self._turn)
            return
        self._handle = None
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class CoarseTimer:
    """Sleeps on the loop's own timer and spends the last of the wait awake."""

    def __init__(self, clock: Clock) -> None:
        self._now_ns = clock.now_ns
        self._spinning = SpinTimer(clock)
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None

    @property
    def spun_ns(self) -> int:
        """CPU time spent awake only to be on time."""
        return self._spinning.spun_ns

    def call_at(self, due_ns: int, callback: Callback) -> None:
        """Set it."""
        self.close()
        asleep_ns = due_ns - self._now_ns() - _COARSE_NS
        if asleep_ns > 0:
            asleep_s = asleep_ns / NS_PER_S
            self._handle = self._loop.call_later(asleep_s, self._spinning.call_at, due_ns, callback)
        else:
            self._spinning.call_at(due_ns, callback)

    def close(self) -> None:
        """Call no more; nothing was taken."""
        self._spinning.close()
        if self._handle is not None:
            self._handle.cancel()


class _Itimerspec(ctypes.Structure):
    """`struct itimerspec`: an interval, which stays 0, and the moment; a moment of 0 is none."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class KernelTimer:
    """A kernel timer on CLOCK_MONOTONIC as a file that the loop watches: exact, and asleep until then.

    timerfd_create(2); Python has it as os.timerfd_create only from 3.13 on. The file is never read: to set
    the timer to the next moment, or to none, makes it silent until then.
    """

    _MONOTONIC, _NONBLOCK, _CLOEXEC, _ABSOLUTE = 1, 0o4000, 0o2000000, 1

    def __init__(self, clock: Clock) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.timerfd_create(self._MONOTONIC, self._NONBLOCK | self._CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._now_ns = clock.now_ns
        self._spinning = SpinTimer(clock)
        self._settime = libc.timerfd_settime
        self._moment = _Itimerspec()
        self._moment_at = ctypes.byref(self._moment)
        self._due_ns = 0
        self._callback: Callback | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._on_due)

    @property
    def spun_ns(self) -> int:
        """CPU time spent awake only to be on time."""
        return self._spinning.spun_ns

    def call_at(self, due_ns: int, callback: Callback) -> None:
        """Set it."""
        if due_ns - self._now_ns() < _SHORT_NS:
            if self._callback is not None:
                self._silence()
            self._spinning.call_at(due_ns, callback)
            return
        self._spinning.close()
        self._due_ns = due_ns
        self._callback = callback
        self._set(due_ns)

    def close(self) -> None:
        """Close the timer."""
        self._spinning.close()
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _set(self, moment_ns: int) -> None:
        self._moment.value_s, self._moment.value_ns = divmod(moment_ns, NS_PER_S)
        self._settime(self._file, self._ABSOLUTE, self._moment_at, None)

    def _silence(self) -> None:
        self._callback = None
        self._set(0)

    def _on_due(self) -> None:
        if self._callback is None or self._now_ns() < self._due_ns:
            return  # what the loop was told of is a moment before: the timer was set anew in this very turn
        callback, self._callback = self._callback, None
        try:
            callback()
        finally:
            if self._callback is None:
                self._silence()


def new_timer(clock: Clock, *, exact: bool = sys.platform == "linux") -> Timer:
    """Return the best that the platform has; `exact` timers tell the machine's own monotonic time only."""
    return KernelTimer(clock) if exact else CoarseTimer(clock)
