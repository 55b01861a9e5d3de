"""What a client doesn't see that waits for its answers.

    python 11_omission.py [URL]

The URL is that of 00_server.py unless you give another. Start that server with `python 00_server.py 0.005`.
While this program runs, stop the server for a second or two: press Ctrl-Z in its terminal, then type `fg`.
"""

import asyncio
import sys
from statistics import quantiles
from time import perf_counter

import aiohttp

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:5000/"
START = perf_counter()
PER_SECOND = 100
REQUESTS = 220


def say(number: int, due: float, sent: float, done: float) -> None:
    """Print of every fortieth request when it was due, sent and done, in seconds after the start."""
    if number % 40 == 0:
        for what, when in (("due", due), ("sent", sent), ("done", done)):
            print(f"{when - START:7.3f} s  {number} {what}")


async def get(session: aiohttp.ClientSession) -> None:
    async with session.get(URL) as response:
        await response.text()


async def on_schedule(
    session: aiohttp.ClientSession, places: asyncio.Semaphore, number: int
) -> tuple[float, float]:
    """Send a request when it is due and a place is free; return its time from due and from sending."""
    due = START + number / PER_SECOND
    await asyncio.sleep(due - perf_counter())
    async with places:
        sent = perf_counter()
        await get(session)
    done = perf_counter()
    say(number, due, sent, done)
    return done - due, done - sent


async def one_user(session: aiohttp.ClientSession) -> list[float]:
    """Send a request, wait for its answer, send the next; return their times."""
    times = []
    while perf_counter() < START + REQUESTS / PER_SECOND:
        sent = perf_counter()
        await get(session)
        times.append(perf_counter() - sent)
        await asyncio.sleep(1 / PER_SECOND)
    return times


def show(name: str, times: list[float]) -> float:
    """Print the median, the 90th percentile and the longest of the times; return the percentile."""
    tenths = quantiles(times, n=10, method="inclusive")
    print(f"{name:<30}" + "".join(f"{each * 1000:7.0f} ms" for each in (tenths[4], tenths[8], max(times))))
    return tenths[8]


async def main() -> None:
    places = asyncio.Semaphore(4)
    async with aiohttp.ClientSession() as session:
        user = asyncio.create_task(one_user(session))
        calls = [on_schedule(session, places, number) for number in range(REQUESTS)]
        from_due, from_sent = zip(*await asyncio.gather(*calls), strict=True)
        print(f"{'':<30}       p50       p90       max")
        show("one user, from sending", await user)
        show("schedule, from sending", list(from_sent))
        p90 = show("schedule, from due", list(from_due))
    print(f"Cost time: {p90:.3f} s  p90, from due")


if __name__ == "__main__":
    asyncio.run(main())
