"""A command that runs one long stage with a kind of worker until it is interrupted, and says so."""

import asyncio
import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from loadlab.clock import NS_PER_S
from loadlab.system.stop_signals import Stops
from support.live import until, users_of
from support.worker_kinds import KINDS, Stage


async def tell_of_load(stage: Stage) -> None:
    """Write a line when every worker has reported."""
    await until(lambda: any(live.upto_ns for live in stage.lives))
    sys.stdout.write("loading\n")
    sys.stdout.flush()


async def main(kind: str, stops: Stops) -> None:
    """Run it, and halt it at each signal."""
    stage = Stage(
        KINDS[kind], users_of("pool", 4, 60 * NS_PER_S, transport="null", target="http://null/?delay=5ms")
    )
    stops.follow(asyncio.get_running_loop(), stage.control.stop)
    telling = asyncio.create_task(tell_of_load(stage))
    counts = await stage.run()
    telling.cancel()
    lost = [lost.why for lost in counts.lost]
    found = {"lost": lost, "stopped": counts.stopped, "finished": counts.counted.finished}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Stops()))
