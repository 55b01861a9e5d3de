"""The parent's side of a stage: start the workers, drop the barrier, merge what they count.

What a lost worker had reported is kept, and the stage says for how long its shard is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.fleet.live import Live, live_of
from loadlab.fleet.messages import Go, Halt, Quit
from loadlab.fleet.own_thread import in_own_thread
from loadlab.fleet.stage_counts import StageCounts, stage_counts_of
from loadlab.fleet.stop import Control
from loadlab.fleet.watched_worker import START_NS, WatchedWorker
from loadlab.fleet.worker_handle import NewWorker
from loadlab.load.shard import Share
from loadlab.recording.recorder import Recorder
from loadlab.recording.window import Window
from loadlab.system.memory import TIDY_NS, give_back_free_pages, give_back_large_blocks
from loadlab.system.scheduling import lower_priority
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits

_READY_LOOK_S = 0.01
_LOOK_S = 0.05
"""How often the parent looks at what no message says: it may share its core with a worker."""
_TURN_S = 0.0005
"""The worker's turn after each merge."""
_LIVE_NS = 500 * NS_PER_MS
_SETTLED_NS = 2 * NS_PER_S
"""How long after a second was reported by all nothing more is expected of it."""
_LEAD_NS = 20 * NS_PER_MS
"""From the moment the barrier's fall is announced until it falls."""


@in_own_thread
async def run_stage(
    plan: Plan,
    stage: Stage,
    traits: Traits,
    control: Control,
    new_worker: NewWorker,
    *,
    begun: Callable[[Window], Awaitable[None]],
    watch: Callable[[Live], Awaitable[None]],
) -> StageCounts:
    """Run one stage with as many workers as the plan has processes; return what was counted.

    The workers are looked after in a thread that gives way to them, and in it `begun` is awaited when the
    barrier's moment is set and `watch` about twice a second; `call_in_loop` is for what is the caller's.
    Raises nothing for a worker that is lost: the result says so.
    """
    give_back_large_blocks()
    heard = asyncio.Event()
    size = stage.concurrency or stage.requests or plan.processes
    shards = min(plan.processes, size) if traits.sharded else 1
    workers = [
        WatchedWorker(new_worker(plan), Share(stage, shard, shards), traits, heard) for shard in range(shards)
    ]
    try:
        for worker in workers:
            worker.start()
        await _all_ready(workers, control)
        begin_ns = MONOTONIC.now_ns() + _LEAD_NS
        for worker in workers:
            worker.tell(Go(begin_ns))
        lower_priority()  # not before: a process has the priority of the thread that starts it
        window = Window(
            begin_ns + plan.warmup_ns,
            None if plan.duration_ns is None else begin_ns + plan.warmup_ns + plan.duration_ns,
        )
        await begun(window)
        counted = await _until_over(
            workers, Recorder(window), begin_ns, control=control, heard=heard, watch=watch
        )
        over_ns = MONOTONIC.now_ns()
    finally:
        await asyncio.gather(*(worker.end() for worker in workers))
    return stage_counts_of(workers, counted, over_ns, control=control)


async def _all_ready(workers: list[WatchedWorker], control: Control) -> None:
    """Wait until every worker stands at the barrier; break those that take for ever."""
    deadline_ns = MONOTONIC.now_ns() + START_NS
    while not all(worker.ready or worker.over for worker in workers) and not control.quitted:
        await asyncio.sleep(_READY_LOOK_S)
        for worker in workers:
            worker.check()
        if MONOTONIC.now_ns() > deadline_ns:
            for worker in workers:
                if not worker.ready:
                    worker.broken = worker.broken or "did not start in time"


async def _until_over(
    workers: list[WatchedWorker],
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
        for worker in workers:
            worker.check()
        over = all(worker.over for worker in workers)
        await _merge(workers, counted, fresh)
        counted.settle(min(worker.upto_ns for worker in workers) - _SETTLED_NS)
        await asyncio.sleep(_TURN_S)
        level = control.halted + control.quitted
        if level > told:
            told = level
            for worker in workers:
                worker.tell(Quit() if control.quitted else Halt())
        now_ns = MONOTONIC.now_ns()
        if now_ns - shown_ns >= _LIVE_NS or over:
            shown_ns = max(shown_ns + _LIVE_NS, now_ns - _LIVE_NS)
            await watch(live_of(workers, counted, fresh, begin_ns, now_ns))
            fresh = Recorder(window)
        if over:
            return counted
        if now_ns - tidied_ns >= TIDY_NS:
            tidied_ns = now_ns
            give_back_free_pages()
        await _either(heard, _LOOK_S)


async def _merge(workers: list[WatchedWorker], *sums: Recorder) -> None:
    """Add what came from the workers to each of the sums; they have their turn after each."""
    for worker in workers:
        for report in worker.take_reports():
            for one in sums:
                one.merge(report)
                await asyncio.sleep(_TURN_S)


async def _either(heard: asyncio.Event, pause_s: float) -> None:
    """Return when something was heard, or after a pause."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await heard.wait()
    heard.clear()
