"""What a coroutine object, a task and a future are: looked at while the loop runs."""

import asyncio
from collections.abc import Callable

import aiohttp

from loadlab.clock import MONOTONIC
from loadlab.errors import TargetError
from loadlab.scenarios import scenario
from loadlab.tour import Step, calibrate, predict
from loadlab.tour.events import Predicted, Seen
from loadlab.tour.lab import Lab
from loadlab.tour.states import HEAD, Watched


async def get(url: str, seen: Watched) -> str:
    """Make one request and be looked at from the inside."""
    seen.look("inside get()")
    async with aiohttp.request("GET", url) as response:
        return await response.text()


async def main(url: str, seen: Watched) -> str:
    """Make the three, and wait for the last."""
    seen.coroutine = get(url, seen)
    seen.task = asyncio.create_task(seen.coroutine)
    seen.future = asyncio.get_running_loop().create_future()
    keep = seen.future.set_result
    seen.task.add_done_callback(lambda task: keep(task.result()))
    return await seen.future


async def _carry(lab: Lab) -> None:
    served = await lab.main()
    plan = lab.batch_plan("task", 1)
    prediction = predict.batch(plan, scenario("task").TRAITS, await calibrate.pace(lab, served))
    label = "a task, 1 request"
    lab.tell(Predicted(label, prediction))
    lab.tell(Seen(HEAD))
    began_ns = MONOTONIC.now_ns()
    await watch(served.target.url, lambda line: lab.tell(Seen(line)))
    lab.measured(label, prediction, MONOTONIC.now_ns() - began_ns)


async def watch(url: str, say: Callable[[str], None]) -> str:
    """Run the code of this step and say what is seen; raise TargetError where its request fails."""
    seen = Watched(MONOTONIC, say)
    running = asyncio.create_task(main(url, seen))
    looking = asyncio.create_task(seen.keep_looking())
    try:
        await asyncio.sleep(0)  # main() runs up to its first await, and makes the three
        await asyncio.wait([seen.task])
        if error := seen.task.exception():
            raise TargetError(f"the target did not answer: {error}") from error
        return await running
    finally:
        looking.cancel()
        running.cancel()


STEP = Step(
    title="What a coroutine, a task and a future are",
    idea=(
        "Calling a coroutine function runs nothing: it returns an object that still has everything to do."
        " A task hands that object to the event loop, which runs it whenever it can go on; a future only"
        " holds the place of a result."
    ),
    code=(get, main),
    remember=(
        "A coroutine is a call that has not happened yet, a task is a call that the loop drives, and a future"
        " is a result that is not there yet. `await` is where the loop may do something else."
    ),
    carry=_carry,
    example=lambda url: watch(url, lambda _: None),
)
