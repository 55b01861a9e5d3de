"""Five tasks at the same time, awaited in three ways.

    python 03_task.py [URL]

The URL is that of 00_server.py unless you give another.
"""

import asyncio
import sys
from time import perf_counter

import aiohttp

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
START = perf_counter()


def say(event: str) -> None:
    """Print what happens, and how many seconds after the start."""
    print(f"{perf_counter() - START:7.3f} s  {event}")


async def get(session: aiohttp.ClientSession, number: int) -> None:
    say(f"{number} sent")
    async with session.get(URL) as response:
        await response.text()
    say(f"{number} done")


async def with_wait(session: aiohttp.ClientSession) -> None:
    calls = [get(session, number) for number in range(1, 6)]
    await asyncio.wait([asyncio.create_task(call) for call in calls])


async def with_gather(session: aiohttp.ClientSession) -> None:
    await asyncio.gather(*(get(session, number) for number in range(1, 6)))


async def with_task_group(session: aiohttp.ClientSession) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(1, 6):
            group.create_task(get(session, number))


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        for way in (with_wait, with_gather, with_task_group):
            began = perf_counter()
            await way(session)
            print(f"Cost time: {perf_counter() - began:.3f} s  {way.__name__}")


if __name__ == "__main__":
    asyncio.run(main())
