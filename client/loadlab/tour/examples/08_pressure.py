"""A hundred tasks at the same time; every twentieth prints what it does.

    python 08_pressure.py [URL]

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
    tell = say if number % 20 == 0 else lambda _: None
    tell(f"{number} sent")
    async with session.get(URL) as response:
        await response.text()
    tell(f"{number} done")


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        calls = [get(session, number) for number in range(1, 101)]
        await asyncio.wait([asyncio.create_task(call) for call in calls])


if __name__ == "__main__":
    asyncio.run(main())
    print(f"Cost time: {perf_counter() - START:.3f} s")
