"""The first "if": the server resists any pressure."""

import asyncio
from asyncio import create_task

import aiohttp

from loadlab.tour import Step
from loadlab.tour.batches import MANY, batch
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab

_THREADS = 8


async def main(url: str) -> None:
    """Start a hundred and wait for all of them."""
    async with aiohttp.ClientSession() as session:
        tasks = [create_task(get(session, url)) for _ in range(100)]
        await asyncio.wait(tasks)


async def _carry(lab: Lab) -> None:
    async with lab.serving({"--workers": "1", "--threads": str(_THREADS)}) as served:
        await batch(lab, served, "task", MANY, against=f", {_THREADS} threads")
    async with lab.serving({"--server": "flask"}) as served:
        await batch(lab, served, "task", MANY, against=", a thread each")


STEP = Step(
    title="The first “if”: the server resists any pressure",
    idea=(
        "A hundred tasks send at once, but gunicorn with 1 worker and 8 threads handles eight requests at a"
        " time and lets the others queue. Flask's own server starts a thread for every connection, so none"
        " of them waits for another."
    ),
    code=(get, main),
    remember=(
        "The client's concurrency gains nothing beyond workers × threads of the server; it only makes the"
        " queue longer. A server without a limit just moves it: every thread costs CPU and memory."
    ),
    carry=_carry,
)
