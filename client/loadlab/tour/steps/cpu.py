"""The second "if": the delay of I/O is everything, and the client's own work nothing."""

import asyncio
from asyncio import create_task
from collections.abc import Iterator
from itertools import repeat

import aiohttp
from aiomultiprocess import Worker

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.tour import Step, calibrate, predict
from loadlab.tour.calibrate import USERS, steady_plan
from loadlab.tour.events import Predicted, Seen
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab
from loadlab.units import show_hz, show_ns

REQUESTS = 30_000
_STEADY_NS = 1500 * NS_PER_MS


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
        for processes, name in ((1, "task"), (lab.processes, "pool")):
            label = f"{name}, {REQUESTS:,} requests, {processes} process{'es' if processes > 1 else ''}"
            cost = await calibrate.cost(lab, served, processes)
            prediction = predict.immediate(REQUESTS, processes, lab.cores, cost)
            lab.tell(Predicted(label, prediction))
            # Fixed shares would end one process before the other, by how the system placed them.
            stage = await lab.carry(steady_plan(_STEADY_NS, processes=processes), served)
            seen = f"{USERS} tasks got {show_hz(stage.throughput_hz)} over {show_ns(stage.window_ns)}"
            lab.tell(Seen(f"{seen}, which makes for {REQUESTS:,}:"))
            took_ns = round(REQUESTS / stage.throughput_hz * NS_PER_S)
            lab.measured(label, prediction, took_ns, errors=stage.counts.errors)


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
