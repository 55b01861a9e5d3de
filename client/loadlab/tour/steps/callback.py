"""What a coroutine's `await` is made of."""

import asyncio
from asyncio import create_task

import aiohttp

from loadlab.tour import Step
from loadlab.tour.batches import few
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab


async def main(url: str) -> list[str]:
    """Let a callback take each result."""
    bodies: list[str] = []
    async with aiohttp.ClientSession() as session:
        tasks = [create_task(get(session, url)) for _ in range(5)]
        for one in tasks:
            one.add_done_callback(lambda task: bodies.append(task.result()))
        await asyncio.wait(tasks)
    return bodies


async def _carry(lab: Lab) -> None:
    await few(lab, "callback")


STEP = Step(
    title="A callback on a task",
    idea=(
        "A future calls back when its result is there; an `await` is nothing but such a callback that resumes"
        " a coroutine. The lab's `callback` scenario lets each reply's callback send the next request, so no"
        " coroutine resumes in between."
    ),
    code=(get, main),
    remember="Callbacks wait together exactly as tasks do; tasks are only easier to read.",
    carry=_carry,
)
