"""A task beside the caller's loop, in a thread that ends with it.

So what the thread asks for itself (`turns.give_way`) is nobody else's, and is over when the task is: a target
that the process starts afterwards gives way to nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

Value = TypeVar("Value")
Begun = Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Value]]]
"""Known when the task has begun: its loop, and the task itself."""


async def aside(work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
    """Carry `work` in a loop and a thread of its own; who is cancelled here cancels it and sees it end."""
    begun: Begun[Value] = Future()

    async def whole() -> Value:
        begun.set_result((asyncio.get_running_loop(), asyncio.ensure_future(work())))
        return await begun.result()[1]

    thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
    over = asyncio.wrap_future(thread.submit(asyncio.run, whole()))
    thread.shutdown(wait=False)
    try:
        return await asyncio.shield(over)
    except asyncio.CancelledError:
        await _cancel(begun, over)
        raise


async def _cancel(begun: Begun[Value], over: asyncio.Future[Value]) -> None:
    """Cancel what is carried aside and wait for its end; when cancelled once more, do not wait."""
    under_way = asyncio.wrap_future(begun)
    either: list[asyncio.Future[Any]] = [under_way, over]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not over.done():
        loop, task = under_way.result()
        with suppress(RuntimeError):  # the loop is closed: the task has just ended
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait([over])
    if not over.cancelled():
        over.exception()  # or asyncio would complain that nobody has asked for it


def told_here(tell: Callable[[Value], None]) -> Callable[[Value], Awaitable[None]]:
    """Return what calls `tell` in the running loop, for somebody aside who waits until it has been told."""
    here = asyncio.get_running_loop()

    async def hear(value: Value) -> None:
        tell(value)

    async def from_aside(value: Value) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(hear(value), here))

    return from_aside
