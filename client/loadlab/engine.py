"""A run from its first stage to its last: drives the fleet, reads the target, tells what happens.

Everything that is measured is kept, whatever ends the run: the target's loss, Ctrl-C, an error of our own.
"""

import asyncio
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from loadlab import environment, machine
from loadlab.analysis import audit, trust
from loadlab.analysis.summary import stage_result
from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.events import Event, RunBegan, RunEnded, StageBegan, StageEnded, Tick
from loadlab.fleet.supervisor import Carried, Control, Live, carry
from loadlab.histogram import quantile_ns
from loadlab.hosts import Host, Target
from loadlab.hosts.metrics import REQUESTS, Reading, read
from loadlab.plan import Plan, Stage, Traits
from loadlab.recorder import Window
from loadlab.result import Check, RunResult, StageResult
from loadlab.sample import Outcome

Tell = Callable[[Event], None]


class Run:
    """One run of one plan against a target that is up."""

    def __init__(
        self,
        *,
        run_id: str,
        plan: Plan,
        traits: Traits,
        host: Host,
        target: Target,
        control: Control,
        tell: Tell,
    ) -> None:
        self._control = control
        self._run_id = run_id
        self._plan = plan
        self._traits = traits
        self._host = host
        self._target = target
        self._tell = tell
        self._stages: list[StageResult] = []
        self._checks: list[Check] = []
        self._cores = environment.cpus()
        self._unaccounted = 0
        self._lost: str | None = None

    async def carry(self) -> RunResult:
        """Carry every stage and return the result; raises nothing that the result can tell."""
        started = _utc()
        failure = None
        self._tell(RunBegan(self._run_id, self._target.where, self._plan))
        try:
            for index, stage in enumerate(self._plan.stages):
                if self._control.halted or self._lost:
                    break
                await self._stage(index, stage)
        except Exception:  # noqa: BLE001 - what was measured until then is kept, and the result tells it
            failure = traceback.format_exc()
        stages = tuple(self._stages)
        checks = (*audit.checks(stages, self._unaccounted, self._lost), *self._checks)
        result = RunResult(
            run_id=self._run_id,
            started_at=started,
            finished_at=_utc(),
            verdict=audit.verdict(checks, stages),
            interrupted=self._control.stopped,
            target_lost=self._lost,
            failure=failure,
            plan=self._plan,
            environment=environment.read(self._target.where),
            checks=checks,
            stages=stages,
        )
        self._tell(RunEnded(result))
        return result

    async def _stage(self, index: int, stage: Stage) -> None:
        self._tell(StageBegan(index))
        edges = Edges(self._target.metrics_url)
        await edges.before()
        progress = Progress(index, self._plan, stage, self._tell)
        guard = asyncio.create_task(self._guard(progress))
        try:
            carried = await carry(
                self._plan, stage, self._traits, self._control, begun=edges.follow, watch=progress.show
            )
        finally:
            guard.cancel()
        readings = await edges.after()
        result, checks = trust.judged(
            self._plan,
            self._traits,
            self._cores,
            stage_result(
                self._plan,
                stage,
                self._traits,
                carried,
                readings,
                around=await edges.around(carried.counted.sent),
                taken=edges.taken,
            ),
        )
        self._checks += checks
        self._unaccounted += _unaccounted(carried)
        self._stages.append(result)
        self._tell(StageEnded(index, result))
        if result.counts.errors or not result.counts.ok:
            self._lost = self._lost or await self._host.lost()

    async def _guard(self, progress: "Progress") -> None:
        """End the run when nothing is answered any more and the target can't be reached either."""
        while True:
            await asyncio.sleep(0.5)
            if progress.unanswered and (lost := await self._host.lost()):
                self._lost = lost
                self._control.halt()
                return


_COUNTED_NS = NS_PER_S // 2
"""How long a target may take to count a request whose last byte the client has."""


class Edges:
    """What the target and the machine tell at the two ends of the measured window, and around the stage."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._before: Reading | None = None
        self._first: Reading | None = None
        self._last: Reading | None = None
        self._accounts: list[machine.Account] = []
        self._following: list[asyncio.Task[None]] = []

    async def before(self) -> None:
        """Read while the stage has not begun: the first edge, unless a warm-up moves it."""
        self._before = self._first = await read(self._url)

    def follow(self, window: Window) -> None:
        """Read at the window's start, if there is a warm-up, and at its end, if it is known."""
        self._following.append(asyncio.create_task(self._account(window)))
        if self._url is None:
            return
        if window.start_ns > MONOTONIC.now_ns() + NS_PER_S // 10:
            self._following.append(asyncio.create_task(self._read_first(window.start_ns)))
        if window.end_ns is not None:
            self._following.append(asyncio.create_task(self._read_last(window.end_ns)))

    async def after(self) -> tuple[Reading | None, Reading | None]:
        """Return both readings; one whose moment has not come, as in a stage cut short, is taken now."""
        for task in self._following:
            task.cancel()
        if len(self._accounts) == 1:
            self._accounts.append(machine.account())
        return self._first, self._last or await read(self._url)

    async def around(self, sent: int) -> tuple[Reading | None, Reading | None]:
        """Return the readings before and after the stage, the latter once the target has counted so many."""
        after = await read(self._url)
        deadline_ns = MONOTONIC.now_ns() + _COUNTED_NS
        while (
            after is not None
            and self._before is not None
            and (after.get(REQUESTS) or 0) - (self._before.get(REQUESTS) or 0) < sent
            and MONOTONIC.now_ns() < deadline_ns
        ):
            await asyncio.sleep(0.02)
            after = await read(self._url)
        return self._before, after

    @property
    def taken(self) -> machine.Held:
        """What the machine took from the client in the window."""
        return machine.held(*self._accounts) if len(self._accounts) == 2 else machine.Held()

    async def _account(self, window: Window) -> None:
        await _until(window.start_ns)
        self._accounts.append(machine.account())
        if window.end_ns is not None:
            await _until(window.end_ns)
            self._accounts.append(machine.account())

    async def _read_first(self, at_ns: int) -> None:
        await _until(at_ns)
        self._first = await read(self._url) or self._first

    async def _read_last(self, at_ns: int) -> None:
        await _until(at_ns)
        self._last = await read(self._url)


class Progress:
    """Turns what the supervisor sees into ticks."""

    def __init__(self, index: int, plan: Plan, stage: Stage, tell: Tell) -> None:
        self._index = index
        self._plan = plan
        self._stage = stage
        self._tell = tell
        self._finished = 0
        self._at_ns = 0
        self._answered_at_ns = MONOTONIC.now_ns()
        self._answered = 0

    @property
    def unanswered(self) -> bool:
        """Whether requests end, but for a second or more none with a response."""
        waited_ns = MONOTONIC.now_ns() - self._answered_at_ns
        return waited_ns > NS_PER_S and self._finished > self._answered

    def show(self, live: Live) -> None:
        """Tell how the stage stands."""
        at_ns = live.now_ns - live.begin_ns
        window = live.counted.window
        if live.fresh.answered or not live.sent:
            self._answered_at_ns = live.now_ns
            self._answered = live.finished
        rate_hz = (live.finished - self._finished) / max(at_ns - self._at_ns, 1) * NS_PER_S
        self._finished, self._at_ns = live.finished, at_ns
        phase = "measuring"
        if live.now_ns < window.start_ns:
            phase = "warm-up"
        elif window.end_ns is not None and live.now_ns >= window.end_ns:
            phase = "draining"
        self._tell(
            Tick(
                index=self._index,
                phase=phase,
                fraction=self._fraction(at_ns, live.finished),
                finished=live.finished,
                rate_hz=rate_hz,
                in_flight=live.in_flight,
                p50_ns=quantile_ns(live.counted.latency, live.counted.late, 0.5),
                p99_ns=quantile_ns(live.counted.latency, live.counted.late, 0.99),
                errors=sum(live.counted.counts) - live.counted.count(Outcome.OK),
            )
        )

    def _fraction(self, at_ns: int, finished: int) -> float:
        if self._plan.duration_ns is not None:
            return min(1.0, at_ns / (self._plan.warmup_ns + self._plan.duration_ns))
        return min(1.0, finished / (self._stage.requests or 1))


def _unaccounted(carried: Carried) -> int:
    """Return the requests of shards that came to their end which were sent and have no outcome."""
    known = sum(lost.unknown for lost in carried.lost)
    return carried.counted.sent - carried.counted.finished - known


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0, at_ns - MONOTONIC.now_ns()) / NS_PER_S)


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
