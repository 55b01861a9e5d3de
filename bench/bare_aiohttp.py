"""What a tuned session of aiohttp does here, on uvloop, with fifty tasks and one counter.

Prints requests per second and the CPU time of one, in µs.
"""

import asyncio
import sys
import time

import aiohttp
import uvloop
from yarl import URL

CONNECTIONS = 50


async def main(url: URL, seconds: float) -> None:
    counted = 0
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
    ) as session:
        end = time.monotonic() + seconds
        used = time.process_time()

        async def user() -> None:
            nonlocal counted
            while time.monotonic() < end:
                async with session.get(url) as response:
                    await response.read()
                counted += 1

        await asyncio.gather(*(user() for _ in range(CONNECTIONS)))
        used = time.process_time() - used
    print(counted / seconds, used / counted * 1e6)


if __name__ == "__main__":
    uvloop.run(main(URL(sys.argv[1]), float(sys.argv[2])))
