"""Whether the target is still there, from the evidence of its answers; who asks it directly asks twice.

1. A target of the lab's own whose process, or container, has ended ends the run at once.
2. As long as answers come, nothing connects to the target: the workers' own account of one stage is the
   evidence, from the barrier on.
3. One that does not speak what its URL says, such as TLS whose certificate is not trusted, ends the run, too.
4. A target that is away for a while does not end a stage. `--stop-when-lost` does, after that time of
   failures, or of waiting for requests that hang. So does half a minute of failures in a stage that nothing
   else would end, because a number of requests ends it.
5. The same half minute ends such a stage where this machine lacks what the requests, or a look at the target,
   take. That is the client's loss and not the target's.
6. Where it is still away at a stage's end, and a second later, no later stage starts.
"""

import asyncio
from contextlib import suppress

from loadlab.analysis.outages import away_at_the_end
from loadlab.clock import NS_PER_S
from loadlab.fleet.live import Live
from loadlab.fleet.stop import Control
from loadlab.results.result import StageResult
from loadlab.scenarios import scenario
from loadlab.system.limits import limit_of
from loadlab.system.resources import Resource, shortage
from loadlab.targets import ByUrl, Host
from loadlab.targets.addresses import ShortageError
from loadlab.units import show_ns
from loadlab.workload.masking import masked_url
from loadlab.workload.plan import Plan

_LOOK_S = 0.25
_SILENT_NS = NS_PER_S
_AGAIN_S = 1.0
_ENDLESS_NS = 30 * NS_PER_S
"""Of a stage that a number of requests ends: users whose requests fail at once would take hours over them."""


class TargetWatch:
    """Watches one run's target. `lost` says what happened to it, None while it is there."""

    def __init__(self, host: Host, plan: Plan, control: Control) -> None:
        self._host = host
        self._plan = plan
        self._control = control
        self._silent_ns = self._waited_ns = self._lacking_ns = 0
        self._lacks: Resource | None = None
        self._tells_flight = not scenario(plan.scenario).TRAITS.hides_flight
        self._is_matched = False
        self.lost: str | None = None
        self.lacking: str | None = None
        """What this machine lacked, where that ended a stage."""
        self.fits = True
        """Whether it speaks what its URL says, as far as that was asked."""

    def hear(self, live: Live) -> None:
        """Take note of how the stage stands."""
        self._silent_ns = live.silent_ns
        self._waited_ns = live.waited_ns if self._tells_flight else 0
        self._lacking_ns, self._lacks = live.lacking_ns, live.lacks

    async def during_stage(self) -> None:
        """End the stage when the target's process has ended, or it was away for too long; until cancelled."""
        self._silent_ns = self._waited_ns = self._lacking_ns = 0
        while self.lost is None and self.lacking is None:
            await asyncio.sleep(_LOOK_S)
            silent = self._silent_ns >= _SILENT_NS
            self.lost = (
                await self._host.ended(silent=silent)
                or (await self._mismatched() if silent else None)
                or await self._away_for_too_long()
            )
            if self._is_endless and self._lacks is not None and self._lacking_ns >= _ENDLESS_NS:
                self._fall_short(shortage(self._lacks, limit_of(self._lacks)), self._lacking_ns)
        self._control.halt()

    async def after_stage(self, stage: StageResult) -> None:
        """Find out whether a later stage has a target, where this one ended without answers."""
        away = not self._control.stopped and away_at_the_end(stage)
        if self.lost is None:
            self.lost = await self._host.ended(silent=away)
        if self.lost is None and away:
            self.lost = await self._mismatched()
        if self.lost is None and away:
            with suppress(ShortageError):
                self.lost = await self._asked_twice()

    async def _mismatched(self) -> str | None:
        """Ask once in a run whether the target speaks what its URL says: that does not change."""
        if self._is_matched or not isinstance(self._host, ByUrl):
            return None
        self._is_matched = True
        mismatch = await self._host.mismatch()
        self.fits = mismatch is None
        return mismatch

    async def _away_for_too_long(self) -> str | None:
        limit_ns = self._plan.stop_when_lost_ns or (_ENDLESS_NS if self._is_endless else None)
        if limit_ns is None or self._unanswered_ns < limit_ns:
            return None
        try:
            why = await self._asked_twice()
        except ShortageError as error:  # of this side: it says nothing of the target
            if self._is_endless and self._unanswered_ns >= _ENDLESS_NS:
                self._fall_short(str(error), self._unanswered_ns)
            return None
        if self._unanswered_ns < limit_ns:  # it has answered meanwhile
            return None
        if why is None and self._plan.stop_when_lost_ns is not None:
            self._control.give_up()
            why = f"{masked_url(self._plan.target)} accepts connections and answers nothing"
        return why and f"{why}; no request was answered for {show_ns(self._unanswered_ns)}"

    @property
    def _unanswered_ns(self) -> int:
        """For how long nothing was answered. Requests that only wait count where the plan names a time."""
        waited_ns = 0 if self._plan.stop_when_lost_ns is None else self._waited_ns
        return max(self._silent_ns, waited_ns)

    def _fall_short(self, what: str, unanswered_ns: int) -> None:
        self.lacking = f"{what}; no request was answered for {show_ns(unanswered_ns)}"

    @property
    def _is_endless(self) -> bool:
        """Whether nothing but a number of requests ends a stage."""
        return self._plan.duration_ns is None

    async def _asked_twice(self) -> str | None:
        """Return why the target can't be reached, at two attempts; None where it can."""
        if await self._host.lost() is None:
            return None
        await asyncio.sleep(_AGAIN_S)
        return await self._host.lost()
