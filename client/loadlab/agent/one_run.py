"""One run of the agent: from being asked for to its last event, whatever ends it.

If the metrics are scraped, the load waits for a scrape before it begins, so that every series is known at 0.
The end is announced once the final values have been scraped.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from loadlab.agent.event_log import RunEvents
from loadlab.agent.unfinished import Unfinished
from loadlab.errors import Exit, LabError
from loadlab.fleet.live import Observe
from loadlab.fleet.stop import Control
from loadlab.metrics import Metrics
from loadlab.results.events import Event, Noted, Refused, RunBegan, RunEnded, Tell
from loadlab.results.result import Check, CheckOutcome, RunResult
from loadlab.results.run_folder import Folder
from loadlab.runs.partial_result import PartialResult
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.plan import Plan

SCRAPE_WITHIN_S = 5.0
_log = logging.getLogger("loadlab.agent")


RunPlan = Callable[[Plan, str, Control, Tell, Observe], Awaitable[RunResult]]
"""Carries a plan, as the run of this name, to its result; raises LabError where it can't begin."""


class AgentRun:
    """A run under way."""

    def __init__(
        self,
        run_id: str,
        plan: Plan,
        run_plan: RunPlan,
        *,
        events: RunEvents,
        metrics: Metrics,
        folder: Folder | None,
        most_s: float | None = None,
    ) -> None:
        """Take the run's name, what it does, its listener, and where its result is kept if it is kept here.

        It is stopped when its load has gone on for `most_s`.
        """
        self.run_id = run_id
        self.plan = plan
        self.since = datetime.now(UTC).isoformat(timespec="seconds")
        self._run_plan = run_plan
        self._partial = PartialResult(secrets_of(plan))
        self._events = events
        self._metrics = metrics
        self._folder = folder
        self._unfinished = None if folder is None else Unfinished(folder.path)
        self._most_s = most_s
        self._end: asyncio.TimerHandle | None = None
        self._control = Control()
        self._entered = False
        self._began = False
        self._unscraped: list[str] = []
        self._scrape: asyncio.Task[bool] | None = None
        self._task = asyncio.create_task(self._run(), name=run_id)

    @property
    def over(self) -> bool:
        """Whether its last event has been told."""
        return self._task.done()

    def stop(self) -> None:
        """Drain and keep; when asked again, do not wait. Before the load has begun, give it up."""
        self._control.stop()
        if self._scrape is not None:
            self._scrape.cancel()
        if self._entered and not self._began:
            self._task.cancel()

    def give_up(self) -> None:
        """End at once, if it has not: nothing waits for it any more."""
        if not self.over:
            self.stop()
            self.stop()

    async def ended(self) -> None:
        """Wait until its last event has been told."""
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        self._entered = True
        last: RunEnded | Refused
        run_id = self.run_id
        try:
            if self._control.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 - asked to stop before this task had its first turn
            last = RunEnded(await self._carried())
        except asyncio.CancelledError:
            last = Refused(
                "interrupted before the load began; nothing was measured", Exit.INTERRUPTED, run_id
            )
        except LabError as error:
            last = self._left_after(error) or Refused(str(error), error.exit, run_id)
        except Exception as error:  # noqa: BLE001 - the agent goes on, and the log tells it
            hidden = secrets_of(self.plan)
            _log.error("the run %s\n%s", self.run_id, hidden.masked(traceback.format_exc()))
            last = self._left_after(error) or Refused(
                "this is an error of loadlab's own; see the agent's log", Exit.INTERNAL, run_id
            )
        self._metrics.end()
        if isinstance(last, Refused) and self._folder is not None:
            self._folder.discard()
        self._events.tell(last)

    def _left_after(self, error: Exception) -> RunEnded | None:
        """Keep the stages that had ended before this error; None where there is none."""
        left = self._partial.after(error, interrupted=self._control.stopped)
        if left is None:
            return None
        self._keep(left)
        return RunEnded(left)

    async def _carried(self) -> RunResult:
        self._metrics.begin(self.run_id, self.plan)
        await self._scraped("before the load began")
        try:
            result = await self._run_plan(
                self.plan, self.run_id, self._control, self._tell, self._metrics.observe
            )
        finally:
            if self._end is not None:
                self._end.cancel()
        await self._scraped("after the load")
        if self._unscraped:
            result = msgspec.structs.replace(result, checks=(*result.checks, _check(self._unscraped)))
        self._keep(result)
        return result

    def _stop_in_time(self) -> None:
        if not self._control.stopped:  # a second stop would not wait for replies
            self._tell(Noted(f"stopped after {self._most_s} s, the longest that the agent lets a run take"))
            self.stop()

    def _tell(self, event: Event) -> None:
        self._metrics.tell(event)
        self._partial.tell(event)
        if isinstance(event, RunEnded):
            return  # told when its values have been scraped
        self._began = True
        if self._unfinished is not None:
            self._unfinished.tell(event)
        self._events.tell(event)
        if isinstance(event, RunBegan):
            if self._most_s is not None:
                self._end = asyncio.get_running_loop().call_later(self._most_s, self._stop_in_time)
            for sentence in self._unscraped:
                self._events.tell(Noted(sentence))

    async def _scraped(self, when: str) -> None:
        """Wait for a scrape, if there are scrapes at all and no stop is asked for."""
        if not self._metrics.scraper_seen or self._control.quitted:
            return
        self._scrape = scrape = asyncio.create_task(self._metrics.scraped(SCRAPE_WITHIN_S))
        try:
            await asyncio.wait([scrape])
        finally:
            scrape.cancel()
            self._scrape = None
        if scrape.cancelled() or not scrape.result():
            sentence = (
                f"Prometheus did not scrape the client {when}: its figures of this run may be incomplete"
            )
            self._unscraped.append(sentence)
            if self._began:
                self._events.tell(Noted(sentence))

    def _keep(self, result: RunResult) -> None:
        if self._folder is None or self._unfinished is None:
            return
        try:
            if result.failure is not None:
                self._folder.write_error(result.failure)
            self._folder.write(result)
            self._unfinished.over()
        except (LabError, OSError) as error:
            self._events.tell(Noted(f"the result is not kept: {error}"))


def _check(sentences: list[str]) -> Check:
    return Check(
        name="scraped",
        metric="scrapes missed",
        operator="==",
        limit=0,
        actual=len(sentences),
        unit="scrapes",
        outcome=CheckOutcome.UNTESTABLE,
        message="; ".join(sentences),
    )
