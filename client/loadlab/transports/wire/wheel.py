"""All time limits of a transport by one coarse timer.

Whoever may wait is watched: looked at when its limit could have passed, not before. What is asked again
and again, such as a kept connection, only moves its limit; when its turn comes it says when to look next.
So a request costs the wheel nothing, and a connection one look per limit.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

GRAIN_S = 0.01
"""A limit is kept at most two grains late, and never early by more than the loop's own millisecond."""


class Watched(Protocol):
    """Something with a time limit that may move on."""

    def look(self, now_s: float) -> float | None:
        """Act if the limit has passed; return when to look again, or None for no more."""
        ...


class Wheel:
    """Turns as long as it is not stopped, and calls `turned` each time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, turned: Callable[[float], None]) -> None:
        self._loop = loop
        self._turned = turned
        self._spokes: dict[int, list[Watched]] = {}
        self.now_s = loop.time()
        """The loop's time at the last turn: a moment that costs nothing to ask for."""
        self._upto = int(self.now_s / GRAIN_S)
        self._timer = loop.call_later(GRAIN_S, self._turn)

    def watch(self, one: Watched, at_s: float) -> None:
        """Look at it when that moment has passed."""
        spoke = max(int(at_s / GRAIN_S), self._upto) + 1
        self._spokes.setdefault(spoke, []).append(one)

    def stop(self) -> None:
        """Turn no more; nothing runs out any more."""
        self._timer.cancel()
        self._spokes.clear()

    def _turn(self) -> None:
        self.now_s = now_s = self._loop.time()
        self._timer = self._loop.call_later(GRAIN_S, self._turn)
        first, self._upto = self._upto + 1, int(now_s / GRAIN_S)
        for spoke in range(first, self._upto + 1):
            for one in self._spokes.pop(spoke, ()):
                again_s = one.look(now_s)
                if again_s is not None:
                    self.watch(one, again_s)
        self._turned(now_s)
