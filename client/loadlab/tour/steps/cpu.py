"""The second "if": the delay of I/O is everything, and the client's own work nothing."""

import asyncio
from asyncio import create_task
from collections.abc import Iterator
from itertools import repeat

import aiohttp
from aiomultiprocess import Worker

from loadlab.tour import calibrate, predict
from loadlab.tour.calibrate import USERS, closed_plan
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab
from loadlab.tour.step import Step

REQUESTS = 30_000


async def user(session: aiohttp.ClientSession, todo: Iterator[str]) -> None:
    """Make requests until there are no more to make."""
    for url in todo:
        await get(session, url)


async def one_loop(url: str, requests: int) -> None:
    """Make so many requests with 64 tasks on one loop."""
    todo = repeat(url, requests)
    async with aiohttp.ClientSession() as session:
        tasks = [create_task(user(session, todo)) for _ in range(64)]
        await asyncio.wait(tasks)


async def main(url: str, requests: int = 30_000) -> None:
    """Share them between two processes."""
    share = (url, requests // 2)
    loops = [Worker(target=one_loop, args=share) for _ in range(2)]
    await asyncio.gather(*loops)


async def _carry(lab: Lab) -> None:
    async with lab.sink() as served:
        cost = await calibrate.cost(lab, served)
        for processes, name in ((1, "task"), (lab.processes, "pool")):
            share = f", {processes} processes" if processes > 1 else f", {USERS} tasks"
            prediction = predict.immediate(REQUESTS, processes, lab.cores, cost)
            plan = closed_plan(REQUESTS, processes=processes)
            await lab.compare(f"{name}, {REQUESTS:,} requests{share}", prediction, plan, served)


STEP = Step(
    title="The second “if”: the client's own part is nothing",
    idea=(
        "When replies come at once there is no waiting to share, only work, and one event loop works on one"
        " core. Thousands of immediate requests leave it out of CPU; more processes use more cores, as long"
        " as there are some and the server leaves them free."
    ),
    code=(get, user, one_loop, main),
    remember=(
        "Tasks share waiting, processes share work. How much they gain is decided by the cores, and by what"
        " the other end needs of them: on one core it is nothing."
    ),
    carry=_carry,
    example=lambda url: main(url, 400),
)
