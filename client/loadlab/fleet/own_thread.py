"""A coroutine in a thread of its own, which ends with it, while its caller's loop goes on.

So what the thread asks for itself (`scheduling.lower_priority`) is its own, and is over when the work is: a
target that the process starts afterwards has its usual priority.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Value = TypeVar("Value")
Work = Coroutine[Any, Any, Value]


def in_own_thread(work: Callable[Given, Work[Value]]) -> Callable[Given, Work[Value]]:
    """Have each call of `work` run in a loop and a thread of its own.

    A caller who is cancelled cancels it and sees it end.
    """

    @functools.wraps(work)
    async def run_apart(*args: Given.args, **kwargs: Given.kwargs) -> Value:
        begun: Future[asyncio.Task[Any]] = Future()

        async def whole() -> Value:
            task = asyncio.current_task()
            assert task is not None
            begun.set_result(task)
            return await work(*args, **kwargs)

        thread = ThreadPoolExecutor(1, thread_name_prefix="stage")
        over = asyncio.wrap_future(thread.submit(lambda: asyncio.run(whole())))
        thread.shutdown(wait=False)
        try:
            await asyncio.wait([over])  # unlike a shield it complains of nothing when the caller is cancelled
        except asyncio.CancelledError:
            await _cancel(asyncio.wrap_future(begun), over)
            raise
        return over.result()

    return run_apart


async def _cancel(begun: asyncio.Future[asyncio.Task[Any]], over: asyncio.Future[Any]) -> None:
    """Cancel what runs in its own thread and wait for its end; when cancelled once more, do not wait."""
    either: list[asyncio.Future[Any]] = [begun, over]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not over.done():
        task = begun.result()
        with suppress(RuntimeError):  # the loop is closed: the task has just ended
            task.get_loop().call_soon_threadsafe(task.cancel)
        await asyncio.wait([over])
    if not over.cancelled():
        over.exception()  # or asyncio would complain that it was never retrieved


def call_in_loop(function: Callable[Given, None]) -> Callable[Given, Awaitable[None]]:
    """Return what calls `function` in the running loop, for another thread, which waits for its end."""
    loop = asyncio.get_running_loop()

    async def call(*args: Given.args, **kwargs: Given.kwargs) -> None:
        function(*args, **kwargs)

    async def from_other_thread(*args: Given.args, **kwargs: Given.kwargs) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(*args, **kwargs), loop))

    return from_other_thread
