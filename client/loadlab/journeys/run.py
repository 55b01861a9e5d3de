"""Users on their journeys: the loops of a stage whose load is journeys.

- closed: N users repeat journeys, each time another one by weight, with the plan's pause between.
- open: journeys arrive by the schedule; each takes a user that is not on a journey, or a new one.
- batch: N users, one journey each, all at the barrier.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator

from loadlab.errors import Exit, LabError
from loadlab.journeys.data import Rows, read_rows
from loadlab.journeys.declare import Act
from loadlab.journeys.journeys_file import Journeys, load
from loadlab.journeys.message import Messages
from loadlab.journeys.steps import StageOverError, Steps, Unmeasured
from loadlab.journeys.user import StepFailed, User
from loadlab.load.backing_off import BackingOff
from loadlab.load.loop import settle
from loadlab.load.open_schedule import InFlightLimit, open_load
from loadlab.load.open_tasks import OpenTasks
from loadlab.load.pacing import Pace
from loadlab.load.shard import Shard
from loadlab.recording.journeys import JourneyEvent, Kind
from loadlab.system.scheduling import set_switch_interval
from loadlab.transports import session_transport
from loadlab.workload.mix import mixed

Barrier = Callable[[], Awaitable[None]]


_SETUPS_AT_ONCE = 16
"""Users that are set up side by side, and so many requests at most: the load has not begun."""
NOT_BEGUN = "journeys not begun"
"""The name of arrivals that found no place, or came too late."""
_TEARDOWN_S = 5.0
_WITHOUT_A_STEP_S = 0.01
"""How long a user pauses after a journey that sent nothing."""


class SetupFailedError(LabError):
    """A user could not be set up, so nothing of what it would do can be measured."""

    exit = Exit.TARGET


class Traveller:
    """A user and its steps."""

    def __init__(self, shard: Shard, steps: Steps, user: User, journeys: Journeys) -> None:
        self._shard = shard
        self._journeys = journeys
        self._backing_off = BackingOff()
        self.steps = steps
        self.user = user

    async def aside(self, acts: Iterable[Act]) -> None:
        """Do something before or after the load, which is not measured."""
        user, steps = self.user, self.steps
        user.sender = Unmeasured(self._shard, steps.session)
        try:
            for act in acts:
                await act(user)
        except StepFailed as error:
            raise SetupFailedError(f"could not set its users up: {error}") from error
        finally:
            user.sender = steps

    async def once(self, name: str, before: Iterable[Act] = ()) -> None:
        """Go on one journey and count how it ended; a new user does first what stands `before`."""
        shard, steps = self._shard, self.steps
        begun_ns = steps.due_ns
        sent_before = shard.sent
        steps.checks.clear()
        kind, why, trace = Kind.CUT, "", ""
        try:
            for act in before:
                await act(self.user)
            await self._journeys.acts[name](self.user)
        except StageOverError:
            pass
        except StepFailed as error:
            kind, why = Kind.FAILED, str(error)
        except Exception as error:  # noqa: BLE001 - of the journey's own code: it must not end the worker
            kind, why = Kind.FAILED, where_raised(error, self._journeys.path)
            trace = "".join(traceback.format_exception(error))
        else:
            kind, why = (Kind.FAILED, f"check: {steps.checks[0]}") if steps.checks else (Kind.FINISHED, "")
        finally:
            steps.flush()
            shard.journeys.append(JourneyEvent(name, kind, begun_ns, shard.now_ns(), why, trace))
        if shard.sent == sent_before:  # it would begin again at the same moment for ever
            await asyncio.sleep(_WITHOUT_A_STEP_S)
            steps.due_ns = max(steps.due_ns, shard.now_ns())

    async def live(self, names: Iterator[str], pace: Pace) -> None:
        """Repeat journeys until nothing more is due."""
        shard, steps = self._shard, self.steps
        steps.due_ns = shard.begin_ns + pace.first_ns
        try:
            await steps.until_due()
            while steps.due_ns < shard.end_ns:
                was_due_ns = steps.due_ns
                await self.once(next(names))
                if shard.is_batch:
                    return
                if pace.pauses_ns is not None:
                    await steps.rest(next(pace.pauses_ns))
                elif steps.failed is not None:
                    await self._back_off(was_due_ns)
        except StageOverError:
            return

    async def _back_off(self, was_due_ns: int) -> None:
        steps, shard = self.steps, self._shard
        reply = steps.failed
        assert reply is not None, "something failed"
        if pause_ns := self._backing_off.pause_ns(shard, was_due_ns, steps.due_ns, reply, steps.took_ns):
            await steps.rest(pause_ns)
            steps.due_ns = self._backing_off.resume(shard.now_ns())


def where_raised(error: Exception, path: str) -> str:
    """Say what an exception is and which line of the journeys file it came through last."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(path.rpartition("/")[2]):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{type(error).__name__} in line {line}" if line else type(error).__name__


async def travel(shard: Shard, barrier: Barrier) -> None:
    """Carry a shard whose load is journeys, from its set-up to the end of its drain."""
    set_switch_interval()
    plan = shard.plan
    assert plan.journeys is not None, "the plan has journeys"
    journeys = load(plan.journeys.file, plan.journeys.sha256)
    data = plan.journeys.data
    rows = None if data is None else Rows(read_rows(data), plan.journeys.data_order, plan.seed)
    headers = dict(plan.journeys.headers)
    shard.names.number(NOT_BEGUN)  # the first name has the number 0, which is that of a row without one
    transport = session_transport(plan.transport)
    await transport.open(plan)

    def new(index: int) -> Traveller:
        number = shard.share.number(index)
        steps = Steps(shard, transport.session(plan.target), shard.names.number)
        messages = Messages(plan.target, keeps=plan.keep_alive, headers=headers)
        row = None if rows is None else rows.of(number)
        return Traveller(shard, steps, User(messages, steps, number, plan.seed, row), journeys)

    try:
        if plan.workload.traits.has_schedule:
            await arriving(shard, new, journeys, barrier)
        else:
            stage = shard.share.stage
            size = shard.share.of((stage.requests if shard.is_batch else stage.concurrency) or 0)
            await closed(shard, [new(index) for index in range(size)], journeys, barrier)
    finally:
        await transport.close()
        shard.stats.add(transport.stats)


async def closed(shard: Shard, travellers: list[Traveller], weights: Journeys, barrier: Barrier) -> None:
    """Have each user repeat journeys from the barrier to the stage's end."""
    names = _names(shard, weights)
    await prepared(travellers, weights)
    await barrier()
    lives = [each.live(names, shard.pace(index)) for index, each in enumerate(travellers)]
    await settle(shard, [asyncio.create_task(each) for each in lives])
    await _torn_down(travellers, weights)


async def arriving(
    shard: Shard, new: Callable[[int], Traveller], weights: Journeys, barrier: Barrier
) -> None:
    """Have journeys arrive by the schedule."""
    arrivals = Arrivals(shard, new, weights)
    await open_load(shard, _names(shard, weights), arrivals, barrier)
    await _torn_down(arrivals.travellers, weights)


class Arrivals(OpenTasks):
    """Journeys of an open workload, each a task, with a user that is free or a new one."""

    def __init__(self, shard: Shard, new: Callable[[int], Traveller], journeys: Journeys) -> None:
        super().__init__(shard)
        self._new = new
        self._journeys = journeys
        self._free: list[Traveller] = []
        self.travellers: list[Traveller] = []

    async def _arrival(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: str) -> None:
        known = bool(self._free)
        if known:
            traveller = self._free.pop()
        else:
            traveller = self._new(len(self.travellers))
            self.travellers.append(traveller)
        traveller.steps.due_ns, traveller.steps.flag = due_ns, flag
        await traveller.once(prepared, before=() if known else self._journeys.setups)
        self._free.append(traveller)
        limit.release()


async def prepared(travellers: Iterable[Traveller], journeys: Journeys) -> None:
    """Set all users up before the load begins; raise SetupFailedError where one can't be."""
    await _side_by_side(travellers, lambda each: each.aside(journeys.setups))


async def _torn_down(travellers: Iterable[Traveller], journeys: Journeys) -> None:
    """Have users leave, as far as they can in a few seconds; a failure means nothing, the stage is over."""
    if journeys.teardowns:
        leaving = asyncio.ensure_future(
            _side_by_side(travellers, lambda each: each.aside(journeys.teardowns))
        )
        await asyncio.wait([leaving], timeout=_TEARDOWN_S)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)


async def _side_by_side(travellers: Iterable[Traveller], act: Callable[[Traveller], Awaitable[None]]) -> None:
    """Do something for all, so many at a time; raise what one of them raised."""
    left = iter(travellers)

    async def some() -> None:
        for each in left:
            await act(each)

    doing = [asyncio.create_task(some()) for _ in range(_SETUPS_AT_ONCE)]
    try:
        await asyncio.gather(*doing)
    finally:
        for each in doing:
            each.cancel()
        await asyncio.gather(*doing, return_exceptions=True)


def _names(shard: Shard, journeys: Journeys) -> Iterator[str]:
    share = shard.share
    return mixed(
        list(journeys.acts), journeys.weights, seed=shard.plan.seed, shard=share.shard, shards=share.shards
    )
