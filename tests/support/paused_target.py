"""A pause of the target, made for real: the stages that the test judges and the bench prints."""

import asyncio

from loadlab.analysis.omission import Stall
from loadlab.clock import NS_PER_S
from loadlab.results.events import Tick
from loadlab.targets.local import LocalHost
from loadlab.targets.sink import SinkHost
from loadlab.workload.plan import Stage, WhenFull
from loadlab.workload.traits import Workload
from support.live import MS, plan_for, run_plan, until

RATE_HZ = 100.0
WINDOW_NS = 6 * NS_PER_S
STALL_NS = 1_400 * MS
PLACES = 4
USERS = 2
CYCLE_NS = round(USERS / RATE_HZ * NS_PER_S)
"""Of a closed user: reply and thinking together, so that all of them ask at the same mean rate."""
COMMON = {"transport": "wire", "duration_ns": WINDOW_NS, "warmup_ns": 300 * MS}
ATTEMPTS = 3
CALM_NS = 5 * MS
"""A p99 of the client's own lag above this is another process's doing: the run is made again."""


def gunicorn(folder):
    # Idle connections are kept for longer than it stands: it would close those that a request waits in.
    options = {"--delay": "5ms", "--threads": "16", "--keep-alive": "10"}
    return LocalHost(folder / "target.log", options)


HOSTS = {"a sink": lambda _folder: SinkHost(), "gunicorn": gunicorn}


def paused(plan, folder, host):
    """Carry a plan whose target stands still once, well inside the window; return the stage and the pause."""
    pauses = []

    async def pause(events, _target):
        await until(lambda: any(isinstance(event, Tick) and event.phase == "measuring" for event in events))
        await asyncio.sleep(0.5)
        pauses.append(await host.pause(STALL_NS))

    stage = run_plan(plan, folder, meanwhile=pause, host=host).stage
    assert stage.counts.ok == stage.counts.scheduled > 0, stage.counts
    return stage, pauses[0]


def calmest(plan, folder, start):
    """Carry it until nothing else disturbed it, a few times at most; return the calmest of them."""
    tried = []
    for _ in range(ATTEMPTS):
        tried.append(paused(plan, folder, start(folder)))
        if lag_ns(tried[-1]) <= CALM_NS:
            break
    return min(tried, key=lag_ns)


def lag_ns(found):
    return found[0].client.own_lag_ns.p99


def opened_through(start, folder):
    """An open stage through the pause, and the same by arithmetic."""
    plan = plan_for(
        "callback",
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=RATE_HZ),),
        max_in_flight=PLACES,
        when_full=WhenFull.WAIT,
        **COMMON,
    )
    stage, pause = calmest(plan, folder, start)
    expected = Stall(
        rate_hz=RATE_HZ,
        window_ns=WINDOW_NS,
        stall_ns=pause.length_ns,
        base_ns=stage.service_ns.p50,
        places=PLACES,
    )
    return stage, expected


def closed_through(start, folder, service_ns):
    """A closed stage through a pause of the same length, its users thinking so that they ask as often."""
    plan = plan_for(
        "callback",
        workload=Workload.CLOSED,
        stages=(Stage(concurrency=USERS),),
        think_ns=CYCLE_NS - service_ns,
        **COMMON,
    )
    return paused(plan, folder, start(folder))[0]
