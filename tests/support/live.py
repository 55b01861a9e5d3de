"""Real targets, real workers, real runs: for the tests that are marked `real`."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.local_worker import LocalWorker
from loadlab.fleet.stop import Control
from loadlab.fleet.worker_handle import NewWorker
from loadlab.results.events import Event
from loadlab.results.result import Check, CheckOutcome, RunResult
from loadlab.runs.run import Run
from loadlab.scenarios import scenario
from loadlab.targets import Host, Target
from loadlab.targets.local import LocalHost
from loadlab.targets.target_metrics import read
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

MS = NS_PER_MS
PATIENCE_S = 120.0
"""How long anything is waited for: far longer than it takes, for other work may have the cores."""


OWN_DOING = frozenset(
    {"accounting", "answered", "client_cpu", "errors", "open_files", "schedule"}
    | {"target", "target_count", "target_inside", "workers"}
)
"""The checks that other work on the cores can't make fail."""


def plan_for(name: str, **changed: Any) -> Plan:
    """Return a small plan of a scenario, a batch where it can carry no other."""
    traits = scenario(name).TRAITS
    values: dict[str, Any] = {
        "scenario": name,
        "transport": traits.transports[0].name,
        "workload": traits.workloads[0],
        "target": "http://127.0.0.1/",
        "requests": (Request(url="http://127.0.0.1/"),),
        "processes": 2 if traits.many_processes else 1,
        "timeout_ns": 30 * NS_PER_S,
        "drain_ns": 31 * NS_PER_S,
    }
    return Plan(**values | changed)


def batch_of(name: str, size: int, **changed: Any) -> Plan:
    """Return the plan of one batch."""
    return plan_for(name, workload=Workload.BATCH, stages=(Stage(requests=size),), **changed)


def users_of(name: str, users: int, duration_ns: int = 500 * MS, **changed: Any) -> Plan:
    """Return the plan of one closed stage."""
    return plan_for(
        name,
        workload=Workload.CLOSED,
        stages=(Stage(concurrency=users),),
        duration_ns=duration_ns,
        **changed,
    )


class Outcome:
    """What a run left: its result, its events, and how the target's own counters grew."""

    def __init__(self, result: RunResult, events: list[Event], grown: dict[str, float]) -> None:
        self.result = result
        self.events = events
        self.grown = grown
        self.stage = result.stages[0] if result.stages else None


def run_plan(
    plan: Plan,
    folder: Path,
    *,
    meanwhile: Callable[[list[Event], Target], Awaitable[None]] | None = None,
    host: Host | None = None,
    new_worker: NewWorker = LocalWorker,
    **options: str,
) -> Outcome:
    """Run a plan against a fresh gunicorn, or another host, of its own.

    `meanwhile` runs beside it, and sees its events.
    """
    given = {f"--{name}": value for name, value in options.items()}
    return asyncio.run(
        _run_plan(plan, host or LocalHost(folder / "target.log", given), meanwhile, new_worker)
    )


async def _run_plan(
    plan: Plan,
    host: Host,
    meanwhile: Callable[[list[Event], Target], Awaitable[None]] | None,
    new_worker: NewWorker,
) -> Outcome:
    control = Control()
    events: list[Event] = []
    try:
        target = await host.start()
        before = await read(target.metrics_url)
        run = Run(
            run_id="test",
            plan=plan.with_target(target.url),
            traits=scenario(plan.scenario).TRAITS,
            host=host,
            target=target,
            control=control,
            tell=events.append,
            new_worker=new_worker,
        )
        beside = asyncio.ensure_future(meanwhile(events, target)) if meanwhile else None
        async with asyncio.timeout(PATIENCE_S):
            result = await run.run()
        if beside is not None:
            beside.cancel()
            await asyncio.wait([beside])
            if not beside.cancelled():
                beside.result()
        after = await read(target.metrics_url)
    finally:
        await host.stop()
    first, last = before.values if before else {}, after.values if after else {}
    grown = {name: value - first.get(name, 0.0) for name, value in last.items()}
    return Outcome(result, events, grown | {name: last[name] for name in last if name.endswith("_peak")})


def sound(result: RunResult) -> bool:
    """Tell whether a run passed, or would have but for other work on the cores."""
    return result.failure is None and not OWN_DOING & set(failed(result))


class Process(NamedTuple):
    """A process as /proc has it."""

    parent: int
    group: int
    state: str
    command: str


def failed(result: RunResult) -> dict[str, Check]:
    """Return the checks that failed, by name."""
    return {check.name: check for check in result.checks if check.outcome is CheckOutcome.FAIL}


def processes() -> dict[int, Process]:
    """Return every process that has not ended, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent, group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if state not in "ZX":
                    found[int(entry.name)] = Process(int(parent), int(group), state, command)
    return found


def descendants(pid: int, *, without: Collection[int] = ()) -> dict[int, Process]:
    """Return the processes below this one, by pid, without some and all that is below those.

    With those of an earlier moment left out these are a test's own: a browser that tests share keeps
    starting processes.
    """
    everyone = processes()
    found: dict[int, Process] = {}
    level = {pid}
    while level:
        level = {child for child, process in everyone.items() if process.parent in level} - set(without)
        found |= {child: everyone[child] for child in level}
    return found


def workers_of(pid: int) -> list[int]:
    """Return the workers of a fleet: spawned by this process, each the head of a group of its own."""
    return sorted(
        child
        for child, process in processes().items()
        if process.parent == pid and process.group == child and "spawn_main" in process.command
    )


def spawned_by(pid: int) -> list[int]:
    """Return the processes that multiprocessing spawned directly below this one."""
    return sorted(
        child
        for child, process in processes().items()
        if process.parent == pid and "spawn_main" in process.command
    )


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    return pid not in processes()


async def until(true: Callable[[], Any], *, within_s: float = PATIENCE_S) -> Any:
    """Wait for something to be so and return it; AssertionError where it takes too long."""
    deadline = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        await asyncio.sleep(0.02)
    return found


def wait_until(true: Callable[[], Any], *, within_s: float = PATIENCE_S) -> Any:
    """Wait for something to be so, without a loop."""
    return asyncio.run(until(true, within_s=within_s))
