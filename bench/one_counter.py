"""The callback loop on `wire` without a record: one counter instead of moments, tape and folding.

The same transport, the same fifty chains, the same checks of every response; nothing is kept of a request
but that it was answered. Prints requests per second and the CPU time of one, in µs.
"""

import asyncio
import itertools
import sys
import time

import uvloop

from loadlab.recording.sample import Outcome, Reply
from loadlab.transports.wire.transport import WireTransport
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

CONNECTIONS = 50
WARMUP_S = 0.5


class Counter:
    """Goes on with each reply."""

    def __init__(self, transport: WireTransport, request: Request) -> None:
        self._begin = transport.begin
        self._feed = itertools.repeat(transport.prepare(request))
        self.counted = 0
        self.over = False

    def step(self) -> None:
        """Send the next request."""
        self._begin(next(self._feed), self.replied, time.monotonic_ns())

    def replied(self, reply: Reply) -> None:
        """Count a reply."""
        if reply.outcome is not Outcome.OK:
            sys.exit(f"a request ended as {reply.outcome.key}")
        self.counted += 1
        if not self.over:
            self._begin(next(self._feed), self.replied, time.monotonic_ns())


async def main(url: str, seconds: float) -> None:
    request = Request(url=url)
    stage = Stage(concurrency=CONNECTIONS)
    transport = WireTransport()
    await transport.open(
        Plan(
            scenario="callback",
            transport="wire",
            workload=Workload.CLOSED,
            target=url,
            requests=(request,),
            stages=(stage,),
        )
    )
    counter = Counter(transport, request)
    for _ in range(CONNECTIONS):
        counter.step()
    await asyncio.sleep(WARMUP_S)
    counted, cpu_s, at_s = counter.counted, time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    counted = counter.counted - counted
    cpu_s, span_s = time.process_time() - cpu_s, time.monotonic() - at_s
    counter.over = True
    await asyncio.sleep(0.1)
    await transport.close()
    print(counted / span_s, cpu_s / counted * 1e6)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], float(sys.argv[2])))
