"""A hundred URLs mapped over a pool of processes, and the same with the tasks of one event loop.

    python 10_pool_map.py [URL]

The URL is that of 00_server.py unless you give another.
"""

import asyncio
import sys
from time import perf_counter

import aiohttp
from aiomultiprocess import Pool

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"


async def get(url: str) -> str:
    async with aiohttp.request("GET", url) as response:
        return await response.text()


async def with_pool(urls: list[str]) -> None:
    async with Pool() as pool:
        await pool.map(get, urls)


async def with_tasks(urls: list[str]) -> None:
    await asyncio.gather(*(get(url) for url in urls))


async def main() -> None:
    for way in (with_pool, with_tasks):
        began = perf_counter()
        await way([URL] * 100)
        print(f"Cost time: {perf_counter() - began:.3f} s  {way.__name__}")


if __name__ == "__main__":
    asyncio.run(main())
