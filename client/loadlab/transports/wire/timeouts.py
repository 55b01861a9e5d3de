"""All time limits of a transport by one coarse timer.

A request that may wait is watched: looked at when its limit could have passed, not before. What is asked
again and again, such as a kept connection, only moves its limit; when its turn comes it says when to look
next. So a request costs the wheel nothing, and a connection one look per limit.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S

GRAIN_NS = 10 * NS_PER_MS
"""A limit is kept at most two grains late, and never early."""


class Watched(Protocol):
    """Something with a time limit that may move on."""

    def look(self, now_ns: int) -> int | None:
        """Act if the limit has passed; return when to look again, or None for no more."""
        ...


class TimerWheel:
    """Turns as long as it is not stopped, and calls `turned` each time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, turned: Callable[[int], None]) -> None:
        self._loop = loop
        self._turned = turned
        self._spokes: dict[int, list[Watched]] = {}
        self.now_ns = MONOTONIC.now_ns()
        """The last turn's moment: one that costs nothing to ask for."""
        self._upto = self.now_ns // GRAIN_NS
        self._timer = loop.call_later(GRAIN_NS / NS_PER_S, self._turn)

    def watch(self, one: Watched, at_ns: int) -> None:
        """Look at it when that moment has passed."""
        spoke = max(at_ns // GRAIN_NS, self._upto) + 1
        self._spokes.setdefault(spoke, []).append(one)

    def stop(self) -> None:
        """Turn no more; nothing runs out any more."""
        self._timer.cancel()
        self._spokes.clear()

    def _turn(self) -> None:
        self._timer = self._loop.call_later(GRAIN_NS / NS_PER_S, self._turn)
        self.now_ns = now_ns = MONOTONIC.now_ns()
        first, self._upto = self._upto + 1, now_ns // GRAIN_NS
        for spoke in range(first, self._upto + 1):
            for one in self._spokes.pop(spoke, ()):
                again_ns = one.look(now_ns)
                if again_ns is not None:
                    self.watch(one, again_ns)
        self._turned(now_ns)
