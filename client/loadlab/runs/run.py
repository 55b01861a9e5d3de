"""A run from its first stage to its last: drives the fleet, reads the target, tells what happens.

Everything that is measured is kept, whatever ends the run: the target's loss, Ctrl-C, an error of our own.
"""

import asyncio
import traceback

from loadlab.analysis import ceilings, judge_run, judge_stage
from loadlab.analysis.summary import stage_result
from loadlab.analysis.text import text_of_stages, with_text
from loadlab.clock import MONOTONIC, utc
from loadlab.errors import ClientError
from loadlab.fleet.live import Live, Observe
from loadlab.fleet.local_worker import LocalWorker
from loadlab.fleet.own_thread import call_in_loop
from loadlab.fleet.stage_counts import StageCounts
from loadlab.fleet.stop import Control
from loadlab.fleet.supervisor import run_stage
from loadlab.fleet.worker_handle import NewWorker
from loadlab.results.events import Event, RunBegan, RunEnded, StageBegan, StageEnded, Tell, Tick
from loadlab.results.result import NAMELESS, About, Check, RunResult, StageResult, Verdict
from loadlab.runs.readings import WindowReadings
from loadlab.runs.target_watch import TargetWatch
from loadlab.runs.ticks import Ticks
from loadlab.system import environment
from loadlab.system.limits import lacking, limit_of
from loadlab.system.resources import shortage
from loadlab.targets import Host, Target
from loadlab.workload.kept_plan import kept, secrets_of
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits


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
        about: About = NAMELESS,
        observe: Observe | None = None,
        known: ceilings.Usable = ceilings.NOTHING,
        new_worker: NewWorker = LocalWorker,
    ) -> None:
        self._control = control
        self._run_id = run_id
        self._about = about
        self._plan = plan
        self._traits = traits
        self._target = target
        self._tell_all = tell
        self._kept = kept(plan)
        self._secrets = secrets_of(plan)
        self._observe = observe
        self._known = known
        self._new_worker = new_worker
        self._stages: list[StageResult] = []
        self._checks: list[Check] = []
        self._cores = environment.cpus()
        self._unaccounted = 0
        self._watch = TargetWatch(host, plan, control)

    async def run(self) -> RunResult:
        """Run every stage and return the result; raises nothing that the result can tell.

        Raises ClientError where this machine lacks what the first stage takes: then there is nothing to keep.
        """
        started = utc()
        failure = None
        about, app = self._about, self._target.app
        measured_with = environment.read(self._target.where)  # afterwards there may be no file left for it
        self._tell(RunBegan(self._run_id, measured_with, self._kept, about.command, about.label, app))
        try:
            for index, stage in enumerate(self._plan.stages):
                if self._control.halted or self._watch.lost:
                    break
                await self._stage(index, stage)
        except Exception as error:  # noqa: BLE001 - what was measured until then is kept, and told
            resource = lacking(error)
            if resource is None:
                failure = traceback.format_exc()
            else:
                short = shortage(resource, limit_of(resource))
                if not self._stages:
                    raise ClientError(f"the load could not begin: {short}") from None
                self._checks.append(judge_run.client_lost(f"{short}; finished stages are kept"))
        if self._watch.lacking is not None:
            self._checks.append(judge_run.client_lost(self._watch.lacking))
        stages = tuple(self._stages)
        stopped = self._control.stopped
        whole = judge_run.checks(
            stages, self._unaccounted, self._watch.lost, fits=self._watch.fits, stopped=stopped
        )
        checks = (*whole, *judge_run.undecided(self._checks), *self._checks)
        result = RunResult(
            run_id=self._run_id,
            command=about.command,
            label=about.label,
            app=app,
            gunicorn=self._target.gunicorn,
            started_at=started,
            finished_at=utc(),
            verdict=judge_run.verdict(checks, stages, stopped=stopped)
            if failure is None
            else Verdict.INVALID,
            interrupted=stopped,
            addresses=self._target.tried,
            target_lost=self._watch.lost,
            failure=failure,
            plan=self._kept,
            environment=measured_with,
            checks=checks,
            stages=stages,
            ceilings_unused=self._known.unused if ceilings.is_comparable(self._plan) else None,
        )
        result = self._secrets.without(with_text(result))
        self._tell_all(RunEnded(result))
        return result

    def _tell(self, event: Event) -> None:
        """Tell it without what the plan keeps secret."""
        self._tell_all(self._secrets.without(event))

    async def _stage(self, index: int, stage: Stage) -> None:
        self._tell(StageBegan(index))
        edges = WindowReadings(self._target.metrics_url)
        await edges.before()
        ticks = Ticks(index, self._plan, stage, self._target.metrics_url)
        beside = [asyncio.create_task(self._watch.during_stage()), asyncio.create_task(ticks.look())]

        begun, hear = call_in_loop(edges.follow), call_in_loop(self._hear)

        async def watch(live: Live) -> None:
            await hear(live, ticks.tick(live))

        try:
            counts = await run_stage(
                self._plan, stage, self._traits, self._control, self._new_worker, begun=begun, watch=watch
            )
        finally:
            for task in beside:
                task.cancel()
        readings = await edges.after()
        result, checks = judge_stage.judged(
            self._plan,
            self._traits,
            self._cores,
            stage_result(
                self._plan,
                stage,
                self._traits,
                counts,
                readings,
                # Where requests were given up the target may never count them, so nothing is waited for.
                around=await edges.around(0 if self._control.quitted else counts.counted.sent),
                began_at=utc(MONOTONIC.now_ns() - counts.window.start_ns),
                taken=edges.taken,
            ),
        )
        result = ceilings.with_ceiling(self._plan, result, self._known.ceilings)
        self._checks += checks
        self._unaccounted += _unaccounted(counts)
        self._stages.append(result)
        self._tell(StageEnded(index, result, text_of_stages(self._plan, self._stages)))
        await self._watch.after_stage(result)

    def _hear(self, live: Live, tick: Tick) -> None:
        self._watch.hear(live)
        if self._observe is not None:
            self._observe(live)
        self._tell(tick)


def _unaccounted(counts: StageCounts) -> int:
    """Return the requests of shards that came to their end which were sent and have no outcome."""
    known = sum(lost.unknown for lost in counts.lost)
    return counts.counted.sent - counts.counted.finished - known
