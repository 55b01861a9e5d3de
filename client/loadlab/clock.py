"""Time, injected: everything that measures takes a `Clock` and never asks the system itself."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000


class Clock(Protocol):
    """A clock that never goes back, in integer nanoseconds.

    Its zero is arbitrary but the same in every process of one machine, so a moment that one
    process names is the same moment in another.
    """

    def now_ns(self) -> int:
        """Return the present moment."""
        ...


class MonotonicClock:
    """The machine's CLOCK_MONOTONIC."""

    now_ns = staticmethod(time.monotonic_ns)


MONOTONIC = MonotonicClock()


def utc(ago_ns: int = 0) -> str:
    """Return the present moment, or one so long ago, as results write it: nothing is measured by it."""
    moment = datetime.now(UTC) - timedelta(microseconds=ago_ns / 1_000)
    return moment.isoformat(timespec="milliseconds")
