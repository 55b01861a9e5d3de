"""Waking at a moment: an event loop's timers are as coarse as a millisecond, due moments are exact."""

import asyncio
import ctypes
import os
import sys
from typing import Protocol

from loadlab.clock import NS_PER_S, Clock

_AWAKE_NS = 1_500_000
"""Where there is no better timer, the last of a wait is spent awake: a loop's timer may be that late."""
_TURN_NS = 30_000
"""A turn of the loop that takes less than this had nothing to do."""


class Alarm(Protocol):
    """Something to wait with, one wait at a time."""

    spun_ns: int
    """CPU time spent awake only to be on time: no work, and no sign that the process is busy."""

    async def until(self, due_ns: int) -> None:
        """Return at this moment of the clock, or as soon after it as the loop can."""
        ...

    def close(self) -> None:
        """Give back what it took of the system."""
        ...


class SpinningAlarm:
    """Sleeps on the loop's own timer and spends the last of the wait awake, giving the loop its turns."""

    def __init__(self, clock: Clock) -> None:
        self._now_ns = clock.now_ns
        self.spun_ns = 0

    async def until(self, due_ns: int) -> None:
        """Wait."""
        now_ns = self._now_ns()
        if due_ns - now_ns > _AWAKE_NS:
            await asyncio.sleep((due_ns - now_ns - _AWAKE_NS) / NS_PER_S)
            now_ns = self._now_ns()
        while now_ns < due_ns:
            await asyncio.sleep(0)
            before_ns, now_ns = now_ns, self._now_ns()
            if now_ns - before_ns < _TURN_NS:
                self.spun_ns += now_ns - before_ns

    def close(self) -> None:
        """Nothing was taken."""


class _Itimerspec(ctypes.Structure):
    """`struct itimerspec`: an interval, which stays 0, and the moment."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class TimerAlarm:
    """A kernel timer on CLOCK_MONOTONIC as a file that the loop watches: exact, and asleep until then.

    timerfd_create(2); Python has it as os.timerfd_create only from 3.13 on.
    """

    _MONOTONIC, _NONBLOCK, _CLOEXEC, _ABSOLUTE = 1, 0o4000, 0o2000000, 1

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.timerfd_create(self._MONOTONIC, self._NONBLOCK | self._CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._set = libc.timerfd_settime
        self._moment = _Itimerspec()
        self._moment_at = ctypes.byref(self._moment)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._ring)
        self._waiting: asyncio.Future[None] | None = None
        self.spun_ns = 0

    async def until(self, due_ns: int) -> None:
        """Wait; a moment that has passed is an alarm at once."""
        self._waiting = self._loop.create_future()
        self._moment.value_s, self._moment.value_ns = divmod(max(due_ns, 1), NS_PER_S)
        self._set(self._file, self._ABSOLUTE, self._moment_at, None)
        await self._waiting

    def close(self) -> None:
        """Close the timer."""
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _ring(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def alarm(clock: Clock, *, exact: bool = sys.platform == "linux") -> Alarm:
    """Return the best that the platform has; `exact` timers tell the machine's own monotonic time only."""
    return TimerAlarm() if exact else SpinningAlarm(clock)
