"""Work that takes long, off the event loop."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")


async def in_thread(work: Callable[_Given, _Value], *args: _Given.args, **kwargs: _Given.kwargs) -> _Value:
    """Return what the work returns, done in a thread; where there is no memory for one, done here."""
    done = partial(work, *args, **kwargs)
    try:
        running = asyncio.get_running_loop().run_in_executor(None, done)
    except RuntimeError:
        return done()
    return await running
