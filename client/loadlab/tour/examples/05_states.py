"""What a coroutine, a task and a future are: look at them while one request is made.

    python 05_states.py [URL]

The URL is that of 00_server.py unless you give another.
"""

import asyncio
import inspect
import sys
from time import perf_counter
from typing import Any

import aiohttp

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
START = perf_counter()


def say(event: str) -> None:
    """Print what happens, and how many seconds after the start."""
    print(f"{perf_counter() - START:7.3f} s  {event}")


seen: dict[str, Any] = {}


def look(where: str) -> None:
    """Print the state of the three, as far as they are there."""
    states = (state(seen.get(name)) for name in ("coroutine", "task", "future"))
    print(f"{where:<22}" + "".join(f"{each:<12}" for each in states).rstrip())


def state(thing: Any) -> str:
    if thing is None:
        return "-"
    if inspect.iscoroutine(thing):
        return inspect.getcoroutinestate(thing).removeprefix("CORO_").lower()
    return "finished" if thing.done() else "pending"


async def request() -> str:
    say("1 sent")
    async with aiohttp.request("GET", URL) as response:
        text = await response.text()
    say("1 done")
    return text


async def get() -> str:
    look("inside get()")
    return await request()


async def main() -> None:
    seen["coroutine"] = get()
    look("get() called")
    seen["task"] = asyncio.create_task(seen["coroutine"])
    look("task created")
    seen["future"] = asyncio.get_running_loop().create_future()
    await asyncio.sleep(0)
    look("get() waits")
    seen["future"].set_result(await seen["task"])
    look("result is set")


if __name__ == "__main__":
    print(f"{'':<22}coroutine   task        future")
    asyncio.run(main())
    print(f"Cost time: {perf_counter() - START:.3f} s")
