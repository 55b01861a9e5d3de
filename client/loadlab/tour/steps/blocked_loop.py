"""Tasks do not help where a call blocks."""

import asyncio

import requests

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.lab import Lab


async def get(url: str) -> str:
    """Block the loop for the length of a request."""
    return requests.get(url, timeout=60).text  # noqa: ASYNC210 - the mistake that this step shows


async def main(url: str) -> None:
    """Make five tasks of it."""
    tasks = [asyncio.create_task(get(url)) for _ in range(5)]
    await asyncio.wait(tasks)


async def _carry(lab: Lab) -> None:
    await few(lab, "blocked-loop")


STEP = Step(
    title="A blocking call inside coroutines holds the loop",
    idea=(
        "`requests.get` never awaits, so the task that calls it keeps the loop until the reply is there."
        " The other four tasks are ready, and stand still."
    ),
    code=(get, main),
    remember=(
        "One blocking call stops every task of its loop. Use a library that awaits,"
        " or put the call into a thread with `asyncio.to_thread`."
    ),
    carry=_carry,
)
