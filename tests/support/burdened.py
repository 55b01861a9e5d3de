"""A client with work of its own in its loop, run as a script: `burdened.py BASE WORKLOAD [SCENARIO]` prints
the result.

Workers import the script that started them, as multiprocessing has it; so a transport that is registered here
is one in the workers, too, and nothing of the lab is changed.
"""

import sys
import tempfile
import time
from pathlib import Path

from loadlab import transports
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import encode
from loadlab.targets.no_target import NoTarget
from loadlab.targets.sink import SinkHost
from loadlab.transports.aiohttp_client import AiohttpTransport
from loadlab.transports.null import NullTransport
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.live import plan_for, run_plan

WORK_NS = NS_PER_MS


def work():
    """Use a millisecond of CPU, as parsing a reply or checking a signature would."""
    until_ns = time.thread_time_ns() + WORK_NS
    while time.thread_time_ns() < until_ns:
        pass


class BurdenedAiohttp(AiohttpTransport):
    async def send(self, prepared):
        work()
        return await super().send(prepared)


class BurdenedNull(NullTransport):
    def begin(self, prepared, replied, sent_ns):
        work()
        return super().begin(prepared, replied, sent_ns)

    async def send(self, prepared):
        work()
        return await super().send(prepared)


transports._WHERE["burdened-aiohttp"] = f"{Path(__file__).stem}:BurdenedAiohttp"
transports._WHERE["burdened-null"] = f"{Path(__file__).stem}:BurdenedNull"

OPEN = {"workload": Workload.OPEN, "stages": (Stage(rate_hz=5_000),), "max_in_flight": 10_000}
CLOSED = {"workload": Workload.CLOSED, "stages": (Stage(concurrency=8),)}


def main(base, workload, scenario="task"):
    plan = plan_for(
        scenario,
        transport=f"burdened-{base}",
        duration_ns=1_500 * NS_PER_MS,
        warmup_ns=300 * NS_PER_MS,
        drain_ns=NS_PER_S,
        **{"open": OPEN, "closed": CLOSED}[workload],
    )
    host = SinkHost() if base == "aiohttp" else NoTarget(None)
    with tempfile.TemporaryDirectory() as folder:
        result = run_plan(plan, Path(folder), host=host).result
    sys.stdout.buffer.write(encode(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
