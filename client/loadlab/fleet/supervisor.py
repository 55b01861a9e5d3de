"""The parent's side of a stage: start the workers, drop the barrier, merge what they count.

What a lost worker had reported is kept, and the stage says for how long its shard is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.fleet.live import Live, live_of
from loadlab.fleet.messages import Go, Halt, Quit
from loadlab.fleet.own_thread import aside
from loadlab.fleet.stage_counts import StageCounts, stage_counts_of
from loadlab.fleet.stop import Control
from loadlab.fleet.worker_handle import START_NS, WorkerHandle
from loadlab.load.shard import Share
from loadlab.recording.recorder import Recorder
from loadlab.recording.window import Window
from loadlab.system.memory import TIDY_NS, give_back_free_pages, give_back_large_blocks
from loadlab.system.scheduling import lower_priority
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits

_READY_LOOK_S = 0.01
_LOOK_S = 0.05
"""How often the parent looks at what nobody tells it: it may share its core with a worker."""
_TURN_S = 0.0005
"""The worker's turn after each merge."""
_LIVE_NS = 500 * NS_PER_MS
_SETTLED_NS = 2 * NS_PER_S
"""How long after a second was reported by all nothing more is expected of it."""
_LEAD_NS = 20 * NS_PER_MS
"""From the moment the barrier's fall is announced until it falls."""


@aside
async def carry(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    control: Control,
    *,
    begun: Callable[[Window], Awaitable[None]],
    watch: Callable[[Live], Awaitable[None]],
) -> StageCounts:
    """Carry one stage with as many workers as the plan has processes; return what was counted.

    The workers are looked after in a thread that gives way to them, and in it `begun` is awaited when the
    barrier's moment is set and `watch` about twice a second; `call_in_loop` is for what is the caller's.
    Raises nothing for a worker that is lost: the result says so.
    """
    give_back_large_blocks()
    heard = asyncio.Event()
    size = stage.concurrency or stage.requests or plan.processes
    shards = min(plan.processes, size) if traits.sharded else 1
    members = [WorkerHandle(plan, Share(stage, shard, shards), heard, traits) for shard in range(shards)]
    try:
        for member in members:
            member.start()
        await _all_ready(members, control)
        begin_ns = MONOTONIC.now_ns() + _LEAD_NS
        for member in members:
            member.tell(Go(begin_ns))
        lower_priority()  # not before: a process has the priority of the thread that starts it
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
    return stage_counts_of(members, counted, over_ns, control=control)


async def _all_ready(members: list[WorkerHandle], control: Control) -> None:
    """Wait until every worker stands at the barrier; break those that take for ever."""
    deadline_ns = MONOTONIC.now_ns() + START_NS
    while not all(member.ready or member.over for member in members) and not control.quitted:
        await asyncio.sleep(_READY_LOOK_S)
        for member in members:
            member.check()
        if MONOTONIC.now_ns() > deadline_ns:
            for member in members:
                if not member.ready:
                    member.broken = member.broken or "did not start in time"


async def _until_over(
    members: list[WorkerHandle],
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
            await watch(live_of(members, counted, fresh, begin_ns, now_ns))
            fresh = Recorder(window)
        if over:
            return counted
        if now_ns - tidied_ns >= TIDY_NS:
            tidied_ns = now_ns
            give_back_free_pages()
        await _either(heard, _LOOK_S)


async def _merge(members: list[WorkerHandle], *sums: Recorder) -> None:
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
