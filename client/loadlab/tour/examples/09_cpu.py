"""Thousands of requests that are answered at once: on one event loop, then on two.

    python 09_cpu.py [URL [REQUESTS]]

The URL is that of 00_server.py unless you give another. Start that server with `python 00_server.py 0`.
"""

import asyncio
import sys
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter

import aiohttp

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 8_000


async def user(session: aiohttp.ClientSession, requests: int) -> None:
    for _ in range(requests):
        async with session.get(URL) as response:
            await response.text()


async def users(requests: int) -> None:
    async with aiohttp.ClientSession() as session:
        shares = [requests // 40] * 40
        await asyncio.gather(*(user(session, share) for share in shares))


def one_loop(requests: int) -> None:
    asyncio.run(users(requests))


def two_loops(requests: int) -> None:
    with ProcessPoolExecutor(2) as processes:
        list(processes.map(one_loop, [requests // 2] * 2))


if __name__ == "__main__":
    for way in (one_loop, two_loops):
        began = perf_counter()
        way(REQUESTS)
        print(f"Cost time: {perf_counter() - began:.3f} s  {way.__name__}")
