"""What the steps work with: targets that are up, plans that are run, rows that come of it."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.errors import TargetError
from loadlab.fleet.stop import Control
from loadlab.results.events import Event, Tick
from loadlab.results.events import Tell as Follow
from loadlab.results.result import StageResult
from loadlab.runs.probe import probe
from loadlab.scenarios import scenario
from loadlab.system import environment
from loadlab.targets import Host, Target
from loadlab.targets.child_process import Pause
from loadlab.targets.local import LocalHost
from loadlab.targets.sink import SinkHost
from loadlab.tour.events import Measured, Noted, Predicted, Prediction, Row, Tell
from loadlab.tour.predict import Pace
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

THREADS = 64
_MOST_PROCESSES = 4
_LONGEST_ROUNDS = 30
"""More rounds than any step waits for, so that no request runs into its time limit."""
_CALM_NS = 200 * NS_PER_MS
"""Of a window, before its target stands still."""
_KEEP_ALIVE_S = 10
"""Longer than any step lets a target stand still: it would then close connections that a request waits in."""


class Served:
    """A target that is up for one or more steps."""

    def __init__(self, host: LocalHost | SinkHost, target: Target, slots: int | None) -> None:
        self.host = host
        self.target = target
        self.slots = slots
        self.pace: Pace | None = None
        """Once it has been measured."""


class Lab:
    """The tour's workbench; leaving it stops every target."""

    def __init__(self, delay_ns: int, tell: Tell) -> None:
        self.delay_ns = delay_ns
        self.cores = environment.cpus()
        self.processes = min(_MOST_PROCESSES, max(2, round(self.cores)))
        """Of the steps that take several."""
        self.number = 0
        """Of the step that is on."""
        self.rows: list[Row] = []
        self.tell = tell
        self._main: Served | None = None
        self._control: Control | None = None
        self._keep_logs = False

    async def __aenter__(self) -> Self:
        """Begin; targets are started when a step needs them."""
        self._stack = AsyncExitStack()
        self._logs = Path(tempfile.mkdtemp(prefix="loadlab-tour-"))
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop what is up; the targets' output is kept where a sentence names it."""
        await self._stack.__aexit__(type(error) if error else None, error, None)
        if not self._keep_logs:
            shutil.rmtree(self._logs, ignore_errors=True)

    def give_up(self) -> bool:
        """End the measurement that is on without waiting for it; tell whether there was one to end."""
        if self._control is None or self._control.quitted:
            return False
        self._control.stop()
        self._control.stop()
        return True

    def note(self, text: str) -> None:
        """Tell a figure that predictions will be made of."""
        self.tell(Noted(text))

    async def main(self) -> Served:
        """Return the target of most steps, gunicorn with 64 threads; it stays up until the end."""
        if self._main is None:
            options = {"--threads": str(THREADS), "--keep-alive": str(_KEEP_ALIVE_S)}
            self._main = await self._stack.enter_async_context(self.serving(options))
        return self._main

    @asynccontextmanager
    async def serving(self, options: dict[str, str]) -> AsyncIterator[Served]:
        """Serve a target with these options of `loadlab_target` beside the others."""
        name = options.get("--server") or f"{options['--threads']}-threads"
        host = LocalHost(self._logs / f"{name}.log", {**options, "--delay": self.delay_text})
        slots = None if options.get("--server") == "flask" else int(options["--threads"])
        async with _stopping(host):
            yield Served(host, await host.start(), slots)

    @asynccontextmanager
    async def sink(self) -> AsyncIterator[Served]:
        """Run the lab's own sink."""
        host = SinkHost()
        async with _stopping(host):
            yield Served(host, await host.start(), None)

    @property
    def delay_text(self) -> str:
        """The delay as the target reads it."""
        return f"{self.delay_ns / 1000:.3f}us"

    def batch_plan(self, name: str, requests: int, *, processes: int = 1, path: str = "/") -> Plan:
        """Return the plan of a batch, with time limits that no delay of the tour's can reach."""
        patience_ns = 10 * NS_PER_S + _LONGEST_ROUNDS * self.delay_ns
        return Plan(
            scenario=name,
            transport=scenario(name).TRAITS.transports[0].name,
            workload=Workload.BATCH,
            target="http://127.0.0.1",
            requests=(Request(url=path),),
            stages=(Stage(requests=requests),),
            timeout_ns=patience_ns,
            connect_timeout_ns=patience_ns,
            drain_ns=patience_ns + NS_PER_S,
            processes=processes,
        )

    async def carry(self, plan: Plan, served: Served, tell: Follow = lambda _: None) -> StageResult:
        """Carry a plan of one stage as `loadlab run` does; raise LabError where nothing came of it.

        `tell` hears the run's own events.
        """
        self._control = Control()
        try:
            result = await probe(plan, served.host, served.target, self._control, tell)
        except TargetError:
            self._keep_logs = True
            raise
        finally:
            self._control = None
        return result.stages[0]

    async def carry_paused(self, plan: Plan, served: Served, length_ns: int) -> tuple[StageResult, Pause]:
        """Carry a plan, and let the target stand still for so long soon after the window's start."""
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def follow(event: Event) -> None:
            if isinstance(event, Tick) and not begun.done():
                begun.set_result(MONOTONIC.now_ns() - event.at_ns)

        async def pause() -> Pause:
            from_ns = await begun + plan.warmup_ns + _CALM_NS
            await asyncio.sleep(max(0, from_ns - MONOTONIC.now_ns()) / NS_PER_S)
            return await served.host.pause(length_ns)

        pausing = asyncio.create_task(pause())
        try:
            stage = await self.carry(plan, served, follow)
        finally:
            if not pausing.done():
                pausing.cancel()
                await asyncio.wait([pausing])
        return stage, pausing.result()

    async def compare(self, label: str, prediction: Prediction, plan: Plan, served: Served) -> None:
        """Tell the prediction, carry the plan, tell what came out."""
        self.tell(Predicted(label, prediction))
        stage = await self.carry(plan, served)
        self.measured(label, prediction, stage.window_ns, errors=stage.counts.errors)

    def measured(self, label: str, prediction: Prediction, took_ns: int, *, errors: int = 0) -> None:
        """Put a measurement beside its prediction."""
        row = Row(
            number=self.number,
            label=label,
            predicted_ns=prediction.ns,
            measured_ns=took_ns,
            errors=errors,
        )
        self.rows.append(row)
        self.tell(Measured(row))


@asynccontextmanager
async def _stopping(host: Host) -> AsyncIterator[None]:
    """Stop a target in the end; at once where the tour was interrupted, for it answers nobody any more."""
    try:
        yield
    except BaseException:
        await host.stop(at_once=True)
        raise
    await host.stop()
