"""Processes and tasks together, as a library offers it and as a load test needs it."""

import aiohttp
from aiomultiprocess import Pool

from loadlab.scenarios import scenario
from loadlab.tour import Step, calibrate, predict
from loadlab.tour.batches import MANY, batch
from loadlab.tour.lab import Lab


async def get(url: str) -> str:
    """Make one request in a session of its own."""
    async with aiohttp.request("GET", url) as response:
        return await response.text()


async def main(url: str) -> list[str]:
    """Map a hundred URLs."""
    async with Pool() as pool:
        bodies: list[str] = await pool.map(get, [url] * 100)
        return bodies


async def _carry(lab: Lab) -> None:
    served = await lab.main()
    pace = await calibrate.pace(lab, served)
    start_ns = await calibrate.pool_start_ns(lab, served, MANY)
    plan = lab.batch_plan("pool-map", MANY, processes=lab.processes)
    prediction = predict.mapped(plan, scenario("pool-map").TRAITS, pace, start_ns)
    await lab.compare(f"pool-map, {MANY} requests, {lab.processes} processes", prediction, plan, served)
    await batch(lab, served, "pool", MANY, processes=lab.processes, against=f", {lab.processes} processes")


STEP = Step(
    title="`Pool().map(get, urls)`, and the sharded pool beside it",
    idea=(
        "`Pool().map` starts processes and hands them every URL as a task of its own, at most 16 at a time"
        " for each, through queues that are polled. The lab's `pool` gives each process its share once and"
        " starts the clock when all are ready."
    ),
    code=(get, main),
    remember=(
        "A pool is for work, not for waiting: it pays for its start, and its limit of tasks per process adds"
        " rounds. Give each process one long task and let it share the waiting among its own."
    ),
    carry=_carry,
)
