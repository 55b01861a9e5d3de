"""What the client's metrics cost: a copy of the sums, a scrape, and a scrape while workers take every core.

The load is `pool` over the `null` transport with a worker for each core, so the parent that answers the
scrapes has to wait for one. Times in milliseconds, of the parent's event loop.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable

import numpy as np

from loadlab.fleet.live import Live
from loadlab.fleet.stop import Control
from loadlab.metrics import Metrics
from loadlab.recording.recorder import Recorder
from loadlab.recording.tape import COLUMNS, PIECE
from loadlab.recording.window import Window
from loadlab.results.events import StageBegan, StageEnded
from loadlab.results.result import RunResult
from loadlab.runs.runners import run_at
from loadlab.system.environment import cpus
from loadlab.targets.no_target import NoTarget
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

NS_PER_S = 1_000_000_000
SCRAPE_S = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of load")
    parser.add_argument("--stages", type=int, default=64, help="of the sweep whose end is scraped")
    given = parser.parse_args()
    workers = max(1, round(cpus()))
    plan = plan_of(workers, 1, given.seconds)
    result, scrapes = asyncio.run(under_load(plan))
    rate_hz = result.stages[0].throughput_hz
    print(f"{'':<44}{'median':>9}{'longest':>9}   ms")
    show(f"a scrape at {rate_hz:,.0f} requests/s, {workers} workers", scrapes)

    metrics = Metrics()
    metrics.begin(result.run_id, plan_of(workers, given.stages, given.seconds))
    metrics.tell(StageBegan(0))
    live = at_rest(workers)
    show("a copy of the sums, twice a second", timed(lambda: metrics.observe(live)))
    show("a scrape of the first stage", timed(metrics.expose))
    ends = []
    for index in range(given.stages):
        metrics.tell(StageBegan(index))
        ends += timed(lambda index=index: metrics.tell(StageEnded(index, result.stages[0])), times=1)
    show(f"the end of each of {given.stages} stages", ends)
    show(f"a scrape after {given.stages} stages", timed(metrics.expose))
    print(f"{len(metrics.expose()[0]):,} bytes")


def plan_of(workers: int, stages: int, seconds: int) -> Plan:
    return Plan(
        scenario="pool",
        transport="null",
        workload=Workload.CLOSED,
        target="http://null/",
        requests=(Request(url="http://null/"),),
        stages=tuple(Stage(concurrency=16 * workers) for _ in range(stages)),
        duration_ns=seconds * NS_PER_S,
        processes=workers,
    )


async def under_load(plan: Plan) -> tuple[RunResult, list[float]]:
    """Carry the plan and scrape it; return how long each scrape took that came in its measured window."""
    metrics = Metrics()
    metrics.begin("a-run", plan)
    scrapes: list[float] = []

    async def scrape() -> None:
        while True:
            await asyncio.sleep(SCRAPE_S)
            if b'state="measuring",transport="null",workload="closed"} 1' in metrics.expose(scraper=False)[0]:
                scrapes.extend(timed(metrics.expose, times=1))

    scraper = asyncio.ensure_future(scrape())
    result = await run_at(NoTarget(None), plan, "a-run", Control(), metrics.tell, observe=metrics.observe)
    scraper.cancel()
    return result, scrapes


def at_rest(workers: int) -> Live:
    """Return a stage that has counted a million requests."""
    random = np.random.default_rng(1)
    rows = np.zeros((1_000_000, COLUMNS), dtype=np.int64)
    rows[:, 2] = random.lognormal(17, 1, len(rows))
    rows[:, 4] = 200
    counted = Recorder(Window(0))
    for start in range(0, len(rows), PIECE):
        counted.fold(rows[start : start + PIECE])
    return Live(
        counted=counted,
        fresh=counted,
        sent=len(rows),
        finished=len(rows),
        in_flight=0,
        busy=(0.5,) * workers,
        loop_stall_max_ns=0,
        begin_ns=0,
        now_ns=NS_PER_S,
    )


def timed(call: Callable[[], object], *, times: int = 200) -> list[float]:
    """Return how long each call took, in milliseconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1e3)
    return took


def show(name: str, took: list[float]) -> None:
    print(f"{name:<44}{statistics.median(took):>9.3f}{max(took):>9.3f}")


if __name__ == "__main__":
    main()
