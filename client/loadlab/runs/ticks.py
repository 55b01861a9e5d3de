"""From what the supervisor sees of a stage to its progress events, about twice a second."""

import asyncio
from collections.abc import Awaitable, Callable

from loadlab.fleet.last_second import LastSecond
from loadlab.fleet.live import Live
from loadlab.recording.sample import Outcome
from loadlab.results.events import Tick
from loadlab.targets.target_metrics import Reading, read
from loadlab.workload.plan import Plan, Stage

_MOST_SLOTS = 2**31
"""More than this no target has, whatever its metrics say."""
_LOOK_S = 1.0
"""How often the target is asked for its threads: as often as Prometheus asks it."""


class Ticks:
    """Tells how a stage stands."""

    def __init__(self, index: int, plan: Plan, stage: Stage, metrics_url: str | None) -> None:
        self._index = index
        self._plan = plan
        self._stage = stage
        self._metrics_url = metrics_url
        self._target: Reading | None = None
        self._last_second = LastSecond()

    async def look(self, reading: Callable[[str], Awaitable[Reading | None]] = read) -> None:
        """Read the target's threads once a second, until cancelled; nothing of one that tells none."""
        while self._metrics_url is not None:
            self._target = await reading(self._metrics_url)
            await asyncio.sleep(_LOOK_S)

    def tick(self, live: Live) -> Tick:
        """Return how the stage stands; may be called in another thread than the rest."""
        at_ns = live.now_ns - live.begin_ns
        self._last_second.take(live)
        p50_ns, p95_ns, p99_ns = self._last_second.quantiles(0.5, 0.95, 0.99)
        return Tick(
            index=self._index,
            phase=phase(live),
            fraction=self._fraction(at_ns, live.finished),
            at_ns=at_ns,
            finished=live.finished,
            rate_hz=self._last_second.achieved_hz(live),
            offered_hz=offered_hz(self._plan, self._stage, at_ns),
            in_flight=live.in_flight,
            p50_ns=p50_ns,
            p95_ns=p95_ns,
            p99_ns=p99_ns,
            errors=sum(live.counted.counts) - live.counted.count(Outcome.OK),
            errors_hz=self._last_second.errors_hz(live),
            dropped=live.counted.count(Outcome.DROPPED),
            client_cpu=live.busy,
            busy_threads=self._told("target_busy_threads"),
            slots=self._slots(),
            thread_queue=self._told("target_thread_queue"),
        )

    def _slots(self) -> int | None:
        workers, threads = self._told("target_workers"), self._told("target_threads")
        slots = round(workers * threads) if workers and threads else 0
        return slots if 0 < slots <= _MOST_SLOTS else None

    def _told(self, name: str) -> float | None:
        target = self._target  # which `look` may replace meanwhile
        return None if target is None else target.get(name)

    def _fraction(self, at_ns: int, finished: int) -> float:
        if self._plan.duration_ns is not None:
            return min(1.0, at_ns / (self._plan.warmup_ns + self._plan.duration_ns))
        return min(1.0, finished / (self._stage.requests or 1))


def phase(live: Live) -> str:
    """Name the part of the stage that it is in: warm-up, measuring or draining."""
    window = live.counted.window
    if live.now_ns < window.start_ns:
        return "warm-up"
    if window.end_ns is not None and live.now_ns >= window.end_ns:
        return "draining"
    return "measuring"


def offered_hz(plan: Plan, stage: Stage, at_ns: int) -> float | None:
    """Return the rate at which an open stage's requests are due then; None of any other workload."""
    return plan.arrivals(stage).rate_hz(at_ns) if plan.workload.traits.has_schedule else None
