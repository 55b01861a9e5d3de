"""One run as Prometheus sees it: sums that only grow, how the running stage stands, and those that ended."""

from typing import NamedTuple

from loadlab.fleet.last_second import LastSecond
from loadlab.fleet.live import Live
from loadlab.metrics.tally import Tally
from loadlab.results.result import StageResult
from loadlab.runs.ticks import offered_hz, phase
from loadlab.scenarios import scenario
from loadlab.workload.plan import Plan, Stage

IDLE = "idle"
STATES = (IDLE, "warm-up", "measuring", "draining")


class Now(NamedTuple):
    """How the running stage stands; all zeros between stages."""

    state: str = IDLE
    concurrency: int = 0
    in_flight: int = 0
    offered_hz: float = 0.0
    achieved_hz: float | None = 0.0
    """None: not known."""
    busy: tuple[float | None, ...] = ()
    loop_stall_ns: int = 0


class Watched:
    """What is known of one run, from its announcement until the next run's."""

    def __init__(self, run_id: str, plan: Plan, began_s: float) -> None:
        traits = scenario(plan.scenario).TRAITS
        self.run_id = run_id
        self.plan = plan
        self.began_s = began_s
        """Unix time, as `ended_s`: for people who look at a time axis; nothing is measured by it."""
        self.sees_flight = not traits.hides_flight
        self.workers = plan.processes if traits.sharded else 1
        self.now = Now()
        self.ended: dict[int, StageResult] = {}
        self.ended_s: dict[int, float] = {}
        self.verdict: str | None = None
        """The one name of the run's verdict, once it has one."""
        self._before = Tally.nothing(plan)
        """Of the stages that are over."""
        self._running: Tally | None = None
        self._stage: Stage | None = None
        self._last_second = LastSecond()

    @property
    def tally(self) -> Tally:
        """Everything so far."""
        return self._before if self._running is None else self._before.plus(self._running)

    def stage_began(self, index: int) -> None:
        """Note which stage it is that comes."""
        self.stop()
        self._stage = self.plan.stages[index]
        self.now = Now(concurrency=_users(self._stage))

    def observe(self, live: Live) -> None:
        """Take what was counted of the running stage so far."""
        self._running = Tally.of(self.plan, live.counted)
        self._last_second.take(live)
        offered = None
        if self._stage is not None:
            offered = offered_hz(self.plan, self._stage, live.now_ns - live.begin_ns)
        self.now = self.now._replace(
            state=phase(live),
            in_flight=live.in_flight,
            offered_hz=live.sent_hz if offered is None else offered,
            achieved_hz=self._last_second.achieved_hz(live),
            busy=live.busy,
            loop_stall_ns=live.loop_stall_max_ns,
        )

    def stage_ended(self, index: int, result: StageResult, at_s: float) -> None:
        """Make the stage's sums those of its result."""
        running = Tally.nothing(self.plan) if self._running is None else self._running
        self._running = running.ended(self.plan, result)
        self.ended[index] = result
        self.ended_s[index] = at_s
        self.stop()

    def stop(self) -> None:
        """Note that no load is made now; for a stage without a result, what was seen counts."""
        self._before = self.tally
        self._running = self._stage = None
        self._last_second = LastSecond()
        self.now = Now()


def _users(stage: Stage) -> int:
    """Return the users of a closed stage or the size of a batch; 0 of an open one, which has neither."""
    return stage.concurrency or stage.requests or 0
