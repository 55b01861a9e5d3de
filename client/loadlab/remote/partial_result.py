"""What is left of a run when what carried it is lost: the stages that it had finished."""

from loadlab.analysis import judge_run
from loadlab.clock import utc
from loadlab.errors import ClientError
from loadlab.results.result import About, RunResult, StageResult, Verdict
from loadlab.system.environment import Environment
from loadlab.targets import App
from loadlab.workload.kept_plan import kept, secrets_of
from loadlab.workload.plan import Plan


class Salvage:
    """Keeps what is told of a run, for the case that its end never is."""

    def __init__(self, run_id: str, plan: Plan, about: About) -> None:
        """Take the run's name, what it was to do, and what its person knows it by."""
        self._about = about
        self._app: App | None = None
        self._run_id = run_id
        self._plan = kept(plan)
        self._secrets = secrets_of(plan)
        self._began: str | None = None
        self.stages: list[StageResult] = []

    def began(self, app: App | None, at: str | None = None) -> None:
        """Take note that the load begins, now or at another moment, and what is loaded."""
        self._app = app
        self._began = at or utc()

    def result(
        self, why: str, environment: Environment, *, interrupted: bool, finished_at: str | None = None
    ) -> RunResult:
        """Return the stages that were finished; raise ClientError where the load had not begun."""
        why = self._secrets.masked(why)
        if self._began is None:
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
            environment=environment,
            checks=(check, *judge_run.checks(stages, 0)),
            stages=stages,
        )
