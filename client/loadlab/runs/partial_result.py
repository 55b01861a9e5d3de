"""What is left of a run whose end is never told: the stages that had ended."""

import traceback

import msgspec

from loadlab.analysis import judge_run
from loadlab.analysis.text import with_text
from loadlab.clock import utc
from loadlab.errors import ClientError, LabError, LostAgentError
from loadlab.results.events import Event, RunBegan, RunEnded, StageEnded
from loadlab.results.result import RunResult, StageResult, Verdict
from loadlab.system.limits import lacking, limit_of
from loadlab.system.resources import shortage
from loadlab.workload.masking import Secrets


class PartialResult:
    """Keeps a run's events, in case its end never comes."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        """Take what no reason may hold."""
        self._secrets = secrets or Secrets()
        self._began: RunBegan | None = None
        self._began_at = ""
        self._ended: RunResult | None = None
        self._stages: list[StageResult] = []

    def tell(self, event: Event, at: str | None = None) -> None:
        """Keep what a result is made of; the event happens now, or at that moment."""
        match event:
            case RunBegan():
                self._began = event
                self._began_at = at or utc()
            case StageEnded(_, stage):
                self._stages.append(stage)
            case RunEnded(result):
                self._ended = result
            case _:
                pass

    def after(self, error: Exception, *, interrupted: bool) -> RunResult | None:
        """Return what was measured before this error ended the run; None where no stage had ended.

        An error after the run's last event is nothing to its result, unless it is unexpected. Of a run whose
        agent is lost, what is known of the stages is in the result, also where it is that none had ended;
        raises ClientError where its load had not begun.
        """
        resource = lacking(error)
        failure = None
        if isinstance(error, LabError):
            why = str(error)
        elif resource:
            why = shortage(resource, limit_of(resource))
        else:
            why, failure = "an error of loadlab's own came up", traceback.format_exc()
        which = self.result if isinstance(error, LostAgentError) else self.left
        left = self._ended or which(why, interrupted=interrupted)
        if left is None or failure is None:
            return left
        failed = msgspec.structs.replace(left, failure=left.failure or failure, verdict=Verdict.INVALID)
        return self._secrets.without(with_text(failed))

    def left(self, why: str, *, interrupted: bool) -> RunResult | None:
        """Return the stages that had ended, with why there are no more; None where there is none."""
        return self.result(why, interrupted=interrupted) if self._stages else None

    def result(self, why: str, *, interrupted: bool, finished_at: str | None = None) -> RunResult:
        """Return the stages that had ended; raise ClientError where the load had not begun."""
        why = self._secrets.masked(why)
        began = self._began
        if began is None:
            raise ClientError(f"{why}; the load had not begun, nothing was measured")
        stages = tuple(self._stages)
        check = judge_run.client_lost(f"{why} during the run: finished stages are kept, the rest is unknown")
        result = RunResult(
            run_id=began.run_id,
            command=began.command,
            label=began.label,
            app=began.app,
            started_at=self._began_at,
            finished_at=finished_at or utc(),
            verdict=Verdict.INVALID,
            interrupted=interrupted,
            target_lost=None,
            failure=None,
            plan=began.plan,
            environment=began.environment,
            checks=(check, *judge_run.checks(stages, 0)),
            stages=stages,
        )
        return with_text(result)
