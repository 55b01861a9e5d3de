"""The gain: tasks that wait together."""

import asyncio
from asyncio import create_task

import aiohttp

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab


async def main(url: str) -> None:
    """Start five and wait for all of them."""
    async with aiohttp.ClientSession() as session:
        tasks = [create_task(get(session, url)) for _ in range(5)]
        await asyncio.wait(tasks)


async def _carry(lab: Lab) -> None:
    await few(lab, "task")


STEP = Step(
    title="Five tasks with `asyncio.wait`, against the same target",
    idea=(
        "Each task sends its request and gives the loop back, so the next one can send its own."
        " All five replies are waited for at the same time, by one thread."
    ),
    code=(get, main),
    remember=(
        "N waiting calls take the time of one - if the server resists any pressure, and if the client's own"
        " part of a call is nothing. The two ifs come below."
    ),
    carry=_carry,
)
