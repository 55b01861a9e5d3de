"""The parent's side of a stage: start the workers, drop the barrier, merge what they count.

What a lost worker had reported is kept, and the stage says for how long its shard is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.fleet.aside import aside, told_here
from loadlab.fleet.control import Control
from loadlab.fleet.member import Member
from loadlab.fleet.messages import Go, Halt, Pulse, Quit
from loadlab.fleet.took import Took, busy_now, pace_now
from loadlab.fleet.turns import give_way
from loadlab.heap import TIDY_NS, give_back_free_pages, give_back_large_blocks
from loadlab.plan import Plan, Stage, Traits
from loadlab.recorder import Recorder
from loadlab.shard import Share
from loadlab.transports import Wear
from loadlab.window import Window

_READY_LOOK_S = 0.01
_LOOK_S = 0.05
"""How often the parent looks at what nobody tells it: it may share its core with a worker."""
_TURN_S = 0.0005
"""The worker's turn after each merge."""
_LIVE_NS = 500 * NS_PER_MS
_SETTLED_NS = 2 * NS_PER_S
"""How long after a second was reported by all nothing more is expected of it."""
_START_NS = 30 * NS_PER_S
_LEAD_NS = 20 * NS_PER_MS
"""From the moment the barrier's fall is announced until it falls."""


class Lost(msgspec.Struct, frozen=True):
    """A shard that did not come to its end."""

    shard: int
    why: str
    missing_ns: int
    """How much of the window it had not reported."""
    unknown: int
    """Requests that it had sent and whose outcome it had not reported."""


class Carried(msgspec.Struct, frozen=True):
    """What came of a stage's load."""

    counted: Recorder
    window: Window
    """With its end: where the plan left it open, or the run was stopped, that of the last reply, or the
    moment when the loss of the last worker was found."""
    lost: tuple[Lost, ...]
    wear: Wear
    took: tuple[Took, ...]
    """Of each worker."""
    loop_stall_max_ns: int
    halted: bool = False
    """Whether it was ended before its time."""
    halted_ns: dict[int, int] = {}
    """When each shard was halted that was and is not lost."""


class Live(msgspec.Struct, frozen=True):
    """How a stage stands, for whoever watches."""

    counted: Recorder
    """Everything so far; not to be changed."""
    fresh: Recorder
    """What came since the last call."""
    sent: int
    finished: int
    in_flight: int
    """Of the workers that are not lost."""
    busy: tuple[float | None, ...]
    """CPU of each worker over the last second, in cores, without what it spent awake only to be on time."""
    loop_stall_max_ns: int
    begin_ns: int
    now_ns: int
    sent_hz: float = 0.0
    """Requests sent over the last second by the workers that are still at it, or else over their last."""
    finished_hz: float = 0.0
    """Requests that got their outcome in it."""


async def carry(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    control: Control,
    *,
    begun: Callable[[Window], None],
    watch: Callable[[Live], None],
) -> Carried:
    """Carry one stage with as many workers as the plan has processes; return what was counted.

    The workers are looked after in a thread that gives way to them. `begun` is called when the barrier's
    moment is set, `watch` about twice a second, both in the caller's loop.
    Raises nothing for a worker that is lost: the result says so.
    """
    give_back_large_blocks()
    return await aside(
        partial(_carry, plan, stage, traits, control, begun=told_here(begun), watch=told_here(watch))
    )


async def _carry(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    control: Control,
    *,
    begun: Callable[[Window], Awaitable[None]],
    watch: Callable[[Live], Awaitable[None]],
) -> Carried:
    heard = asyncio.Event()
    size = stage.concurrency or stage.requests or plan.processes
    shards = min(plan.processes, size) if traits.sharded else 1
    members = [
        Member(plan, Share(stage, shard, shards), heard, blocks_loop=traits.blocks_loop)
        for shard in range(shards)
    ]
    try:
        for member in members:
            member.start()
        await _all_ready(members, control)
        give_way()  # not before: a process has the priority of the thread that starts it
        begin_ns = MONOTONIC.now_ns() + _LEAD_NS
        for member in members:
            member.tell(Go(begin_ns))
        window = Window(
            begin_ns + plan.warmup_ns,
            None if plan.duration_ns is None else begin_ns + plan.warmup_ns + plan.duration_ns,
        )
        await begun(window)
        counted = await _until_over(
            members, Recorder(window), begin_ns, control=control, heard=heard, watch=watch
        )
        over_ns = MONOTONIC.now_ns()
    finally:
        await asyncio.gather(*(member.end() for member in members))
    return _carried(members, counted, over_ns, halted=control.halted)


async def _all_ready(members: list[Member], control: Control) -> None:
    """Wait until every worker stands at the barrier; break those that take for ever."""
    deadline_ns = MONOTONIC.now_ns() + _START_NS
    while not all(member.ready or member.over for member in members) and not control.quitted:
        await asyncio.sleep(_READY_LOOK_S)
        for member in members:
            member.check()
        if MONOTONIC.now_ns() > deadline_ns:
            for member in members:
                if not member.ready:
                    member.broken = member.broken or "did not start in time"


async def _until_over(
    members: list[Member],
    counted: Recorder,
    begin_ns: int,
    *,
    control: Control,
    heard: asyncio.Event,
    watch: Callable[[Live], Awaitable[None]],
) -> Recorder:
    """Merge what the workers report until each has ended or is lost."""
    window = counted.window
    fresh = Recorder(window)
    told = 0
    shown_ns = tidied_ns = begin_ns
    while True:
        for member in members:
            member.check()
        over = all(member.over for member in members)
        await _merge(members, counted, fresh)
        counted.settle(min(member.upto_ns for member in members) - _SETTLED_NS)
        await asyncio.sleep(_TURN_S)
        level = control.halted + control.quitted
        if level > told:
            told = level
            for member in members:
                member.tell(Quit() if control.quitted else Halt())
        now_ns = MONOTONIC.now_ns()
        if now_ns - shown_ns >= _LIVE_NS or over:
            shown_ns = max(shown_ns + _LIVE_NS, now_ns - _LIVE_NS)
            await watch(_live(members, counted, fresh, begin_ns, now_ns))
            fresh = Recorder(window)
        if over:
            return counted
        if now_ns - tidied_ns >= TIDY_NS:
            tidied_ns = now_ns
            give_back_free_pages()
        await _either(heard, _LOOK_S)


async def _merge(members: list[Member], *sums: Recorder) -> None:
    """Add what came from the workers to each of the sums; they have their turn after each."""
    for member in members:
        for news in member.take_news():
            for one in sums:
                one.merge(news)
                await asyncio.sleep(_TURN_S)


async def _either(heard: asyncio.Event, pause_s: float) -> None:
    """Return when something was heard, or after a pause."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await heard.wait()
    heard.clear()


def _live(members: list[Member], counted: Recorder, fresh: Recorder, begin_ns: int, now_ns: int) -> Live:
    last = _last_pulses(members)
    standing = _last_pulses([member for member in members if member.broken is None])
    # At the end, when nobody is at it any more, the last second is that of all who came to it.
    going = [member for member in members if not member.over] or [
        member for member in members if member.broken is None
    ]
    paces = [pace_now(member.pulses) for member in going]
    return Live(
        counted=counted,
        fresh=fresh,
        sent=sum(pulse.sent for pulse in last),
        finished=sum(pulse.finished for pulse in last),
        in_flight=sum(pulse.in_flight for pulse in standing),
        busy=tuple(busy_now(member.pulses) for member in members),
        loop_stall_max_ns=max((pulse.loop_stall_max_ns for pulse in last), default=0),
        begin_ns=begin_ns,
        now_ns=now_ns,
        sent_hz=sum(sent_hz for sent_hz, _ in paces),
        finished_hz=sum(finished_hz for _, finished_hz in paces),
    )


def _carried(members: list[Member], counted: Recorder, over_ns: int, *, halted: bool) -> Carried:
    window = counted.window
    if window.end_ns is None or halted:
        last_ns = over_ns if any(member.broken for member in members) else counted.last_done_ns
        last_ns = max(last_ns, window.start_ns + 1)
        window = Window(window.start_ns, min(window.end_ns or last_ns, last_ns))
    wear = Wear()
    lost = []
    for member in members:
        if member.ended is not None:
            wear.add(member.ended.wear)
        elif member.broken is not None:
            missing_ns = window.overlap_ns(member.upto_ns, window.end_ns or 0)
            lost.append(Lost(member.shard, member.broken, missing_ns, member.sent - member.finished))
    return Carried(
        counted=counted,
        window=window,
        lost=tuple(lost),
        wear=wear,
        took=tuple(member.took(window) for member in members),
        loop_stall_max_ns=max((pulse.loop_stall_max_ns for pulse in _last_pulses(members)), default=0),
        halted=halted,
        halted_ns={
            member.shard: member.ended.halted_ns
            for member in members
            if member.ended is not None and member.ended.halted_ns is not None
        },
    )


def _last_pulses(members: list[Member]) -> list[Pulse]:
    return [member.pulses[-1] for member in members if member.pulses]
