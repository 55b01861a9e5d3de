"""Measures ceilings: against nothing on the null transport, against the lab's own sink on the others.

A row that was short of cores is measured once more, and the better of the two counts. A core that is taken
away for a moment makes a ceiling too low, and nothing makes it too high.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

from loadlab.analysis.ceilings import ceiling
from loadlab.calibration.plans import Row, plan
from loadlab.errors import ClientError
from loadlab.fleet.stop import Control
from loadlab.results.ceilings_file import Ceiling, Limit
from loadlab.results.result import RunResult
from loadlab.runs.probe import probe
from loadlab.targets import Host, Target
from loadlab.targets.no_target import NoTarget
from loadlab.targets.sink import SinkHost
from loadlab.transports import contacts_target
from loadlab.workload.capacity import Capacity
from loadlab.workload.plan import Plan


class _Up(NamedTuple):
    host: Host
    target: Target


Probe = Callable[[Plan, Host, Target, Control], Awaitable[RunResult]]


class Calibrator:
    """Measures rows; one sink serves all of them."""

    def __init__(self, duration_ns: int, control: Control, probe: Probe = probe) -> None:
        self._duration_ns = duration_ns
        self._control = control
        self._probe = probe
        self._room = Capacity.here()

    async def measure(
        self, rows: tuple[Row, ...], begun: Callable[[int], None], ended: Callable[[int, Ceiling], None]
    ) -> tuple[Ceiling, ...]:
        """Measure all rows; raise LabError where one of them can't be, or the control asks to stop.

        `begun` gets the index of each row, `ended` the index and the ceiling.
        """
        found = []
        async with AsyncExitStack() as stack:
            nowhere = await stack.enter_async_context(_up(NoTarget(None)))
            sink = None
            for index, row in enumerate(rows):
                begun(index)
                needs_sink = contacts_target(row.transport)
                if needs_sink and sink is None:
                    sink = await stack.enter_async_context(_up(SinkHost()))
                found.append(await self._measure(row, sink if sink and needs_sink else nowhere))
                ended(index, found[-1])
        return tuple(found)

    async def _measure(self, row: Row, up: _Up) -> Ceiling:
        first = await self._once(row, up)
        if first.limit is not Limit.CORES:
            return first
        return max(first, await self._once(row, up), key=lambda each: each.rate_hz)

    async def _once(self, row: Row, up: _Up) -> Ceiling:
        planned = plan(row, self._duration_ns, up.target.url, self._room)
        result = await self._probe(planned, up.host, up.target, self._control)
        stage = result.stages[0]
        if stage.counts.errors:
            raise ClientError(
                f"{row}: {stage.counts.errors:,} of {stage.counts.scheduled:,} requests did not end well, so"
                " this is no ceiling; nothing is kept"
            )
        return ceiling(planned, stage, result.checks, datetime.now(UTC).isoformat(timespec="seconds"))


@asynccontextmanager
async def _up(host: Host) -> AsyncIterator[_Up]:
    try:
        yield _Up(host, await host.start())
    finally:
        await host.stop()
