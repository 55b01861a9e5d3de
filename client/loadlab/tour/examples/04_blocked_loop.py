"""A blocking call inside coroutines, and the same call in threads.

    python 04_blocked_loop.py [URL]

The URL is that of 00_server.py unless you give another.
"""

import asyncio
import sys
from time import perf_counter

import requests

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
START = perf_counter()


def say(event: str) -> None:
    """Print what happens, and how many seconds after the start."""
    line = f"{perf_counter() - START:7.3f} s  {event}\n"
    sys.stdout.write(line)  # print() writes twice, and another thread may come between


def get(number: int) -> None:
    say(f"{number} sent")
    requests.get(URL, timeout=60)
    say(f"{number} done")


async def in_the_loop(number: int) -> None:
    get(number)


async def in_a_thread(number: int) -> None:
    await asyncio.to_thread(get, number)


async def main() -> None:
    for way in (in_the_loop, in_a_thread):
        began = perf_counter()
        calls = [way(number) for number in range(1, 6)]
        await asyncio.wait([asyncio.create_task(call) for call in calls])
        print(f"Cost time: {perf_counter() - began:.3f} s  {way.__name__}")


if __name__ == "__main__":
    asyncio.run(main())
