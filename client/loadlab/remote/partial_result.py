"""What is left of a run whose end is never told: the stages that had ended."""

import traceback

import msgspec

from loadlab.analysis import judge_run
from loadlab.clock import utc
from loadlab.errors import ClientError, LabError
from loadlab.results.events import Event, RunBegan, RunEnded, StageEnded
from loadlab.results.result import NAMELESS, About, RunResult, StageResult, Verdict
from loadlab.system import environment
from loadlab.system.environment import Environment
from loadlab.system.limits import lacking, limit_of
from loadlab.system.resources import shortage
from loadlab.targets import App
from loadlab.workload.kept_plan import kept, secrets_of
from loadlab.workload.plan import Plan


class Salvage:
    """Keeps what is told of a run, for the case that its end never is."""

    def __init__(self, run_id: str, plan: Plan, about: About = NAMELESS) -> None:
        """Take the run's name, what it was to do, and what its person knows it by."""
        self._about = about
        self._app: App | None = None
        self._run_id = run_id
        self._plan = kept(plan)
        self._secrets = secrets_of(plan)
        self._began: str | None = None
        self._environment: Environment | None = None
        self._ended: RunResult | None = None
        self.stages: list[StageResult] = []

    def tell(self, event: Event) -> None:
        """Take note of what a result is made of."""
        match event:
            case RunBegan():
                self.began(event.app)
                self._plan, self._about = event.plan, About(command=event.command, label=event.label)
                # Not when it is needed: by then there may be no file left for it.
                self._environment = environment.read(event.where)
            case StageEnded():
                self.stages.append(event.result)
            case RunEnded():
                self._ended = event.result
            case _:
                pass

    def began(self, app: App | None, at: str | None = None) -> None:
        """Take note that the load begins, now or at another moment, and what is loaded."""
        self._app = app
        self._began = at or utc()

    def after(self, error: Exception, *, interrupted: bool) -> RunResult | None:
        """Return what was measured before this error ended the run; None where no stage had ended.

        An error after the run's last event is nothing to its result, unless nobody foresaw it.
        """
        resource = lacking(error)
        failure = None
        if isinstance(error, LabError):
            why = str(error)
        elif resource:
            why = shortage(resource, limit_of(resource))
        else:
            why, failure = "an error of loadlab's own came up", traceback.format_exc()
        left = self._ended or self.left(why, interrupted=interrupted)
        if left is None or failure is None:
            return left
        return self._secrets.without(
            msgspec.structs.replace(left, failure=left.failure or failure, verdict=Verdict.INVALID)
        )

    def left(self, why: str, *, interrupted: bool) -> RunResult | None:
        """Return the stages that had ended, with why there are no more; None where there is none."""
        return self.result(why, interrupted=interrupted) if self.stages else None

    def result(
        self,
        why: str,
        measured_with: Environment | None = None,
        *,
        interrupted: bool,
        finished_at: str | None = None,
    ) -> RunResult:
        """Return the stages that had ended; raise ClientError where the load had not begun.

        `measured_with` is for who tells no `RunBegan`.
        """
        why = self._secrets.masked(why)
        found = measured_with or self._environment
        if self._began is None or found is None:
            raise ClientError(f"{why}; the load had not begun, nothing was measured")
        stages = tuple(self.stages)
        check = judge_run.client_lost(
            f"{why} while the run went on: stages that were finished are kept, the rest is unknown"
        )
        return RunResult(
            run_id=self._run_id,
            command=self._about.command,
            label=self._about.label,
            app=self._app,
            started_at=self._began,
            finished_at=finished_at or utc(),
            verdict=Verdict.INVALID,
            interrupted=interrupted,
            target_lost=None,
            failure=None,
            plan=self._plan,
            environment=found,
            checks=(check, *judge_run.checks(stages, 0)),
            stages=stages,
        )
