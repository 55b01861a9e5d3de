"""Looks at a coroutine, a task and a future while they live, and tells their states whenever one changes."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from loadlab.clock import Clock
from loadlab.units import show_ns

_HELD = ("coroutine", "task", "future")
_LOOK_EVERY_S = 0.001
_ABSENT = "–"

HEAD = f"{'at':>8}  {'looked':<18}" + "".join(f"{name:<11}" for name in _HELD).rstrip()


class Watched:
    """Holds the three by name; setting one is an occasion to look, and so is the moment when it is done."""

    coroutine: Coroutine[Any, Any, str]
    task: asyncio.Task[str]
    future: asyncio.Future[str]

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._now_ns = clock.now_ns
        self._say = say
        self._begin_ns = clock.now_ns()
        self._last: tuple[str, ...] = (_ABSENT,) * len(_HELD)

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in _HELD:
            self.look(f"{name} is set")
        if isinstance(value, asyncio.Future):
            value.add_done_callback(lambda _: self.look(f"{name} is done"))

    def look(self, where: str) -> None:
        """Say the states if one is not as it was when they were last said."""
        states = tuple(state_of(getattr(self, name, None)) for name in _HELD)
        if states == self._last:
            return
        self._last = states
        at = show_ns(self._now_ns() - self._begin_ns)
        self._say(f"{at:>8}  {where:<18}" + "".join(f"{state:<11}" for state in states).rstrip())

    async def keep_looking(self) -> None:
        """Look again and again from a task of its own, which runs whenever the loop is free."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self.look("the loop is free")


def state_of(thing: Coroutine[Any, Any, Any] | asyncio.Future[Any] | None) -> str:
    """Ask a coroutine, a task or a future for its state."""
    if thing is None:
        return _ABSENT
    if not isinstance(thing, asyncio.Future):
        return inspect.getcoroutinestate(thing).removeprefix("CORO_").lower()
    if not thing.done():
        return "pending"
    if thing.cancelled():
        return "cancelled"
    return "failed" if thing.exception() else "finished"
