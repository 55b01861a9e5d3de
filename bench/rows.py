"""Who is measured, and which figures are compared: the rows of the bench.

A contestant is run once in each round, on core 0; nginx has core 1. A row is a ratio of two contestants'
figures in the same round, or one contestant's figure alone; its result is the median over the rounds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import peers
from bare_loops import PROGRAM as BARE_LOOPS
from bare_schedule import PROGRAM as BARE_SCHEDULE
from lab import Figures, closed, null, poisson, unrecorded
from memory import growth
from pinned import pinned

OPEN_HZ = 20_000
STEPS = Path(__file__).with_name("journeys_lab.py")

WIRE = "callback + wire"
TASK = "task + wire"
AIOHTTP = "task + aiohttp"
UNRECORDED = "callback + wire, one counter"
COUNTER = "that loop alone, no parent"
ALONE = "aiohttp alone, one counter"
WRK = "wrk -t1"
LOCUST = "Locust FastHttpUser"
JOURNEYS = "journeys, task + wire"
K9 = "k9 script"
LOCUST_JOURNEYS = "Locust FastHttpUser, the same steps"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How long each part of the bench lasts."""

    rounds: int
    seconds: int
    """Of each run at full rate."""
    open_seconds: int
    memory_s: tuple[int, int]
    """From when to when of a run its memory's growth is measured."""


@dataclass(frozen=True)
class Contestant:
    """Something that is run and gives figures; `tool` is the program that it needs."""

    run: Callable[[], Figures]
    tool: str | None = None
    once: bool = False
    """Whether a single round says enough."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A statement of the table; `of` and `over` name a contestant and one of its figures."""

    group: str
    """What selects it on the command line."""
    what: str
    of: tuple[str, str]
    over: tuple[str, str] | None = None
    limit: float | None = None
    """None: the row is there for comparison."""
    aim: float | None = None
    most: bool = False
    """Whether the limit is the highest value that will do, and not the lowest."""
    unit: str = "×"


def contestants(url: str, setting: Setting) -> dict[str, Contestant]:
    """Return all of them by name, in the order in which a round runs them."""
    seconds = setting.seconds

    def lab(scenario: str, transport: str) -> Contestant:
        return Contestant(partial(closed, scenario, transport, url, seconds))

    def peer(run: Callable[[str, float], Figures], tool: str | None = None) -> Contestant:
        return Contestant(partial(run, url, seconds), tool)

    def arrivals(transport: str, target: str | None) -> Contestant:
        return Contestant(partial(poisson, transport, target, OPEN_HZ, setting.open_seconds))

    def memory(scenario: str, transport: str) -> Contestant:
        return Contestant(partial(growth, scenario, transport, url, *setting.memory_s), once=True)

    return {
        WRK: peer(peers.wrk, "wrk"),
        WIRE: lab("callback", "wire"),
        UNRECORDED: Contestant(partial(unrecorded, url, seconds)),
        COUNTER: peer(peers.one_counter),
        TASK: lab("task", "wire"),
        "oha": peer(peers.oha, "oha"),
        "ab -k": peer(peers.ab, "ab"),
        "h2load --h1": peer(peers.h2load, "h2load"),
        "hey": peer(peers.hey, "hey"),
        AIOHTTP: lab("task", "aiohttp"),
        ALONE: peer(peers.aiohttp_alone),
        LOCUST: peer(peers.locust, "locust"),
        JOURNEYS: Contestant(partial(closed, "task", "wire", url, seconds, more=("--journeys", STEPS))),
        K9: peer(peers.k9_journeys, "k9"),
        LOCUST_JOURNEYS: peer(peers.locust_journeys, "locust"),
        "null, one process": Contestant(partial(null, 1, seconds)),
        "null, two processes": Contestant(partial(null, 2, seconds)),
        "one bare loop": Contestant(partial(bare_loops, 1, seconds)),
        "two bare loops": Contestant(partial(bare_loops, 2, seconds)),
        "open, wire": arrivals("wire", url),
        "open, null": arrivals("null", None),
        "that schedule alone": Contestant(partial(bare_schedule, OPEN_HZ, setting.open_seconds)),
        "memory, callback + wire": memory("callback", "wire"),
        "memory, task + aiohttp": memory("task", "aiohttp"),
    }


def bare_loops(count: int, seconds: float) -> Figures:
    """Loops that only count, each on a core of its own: what the machine itself gives."""
    command = [*BARE_LOOPS, seconds, *range(count)]
    return {"turns_hz": float(pinned(command, ",".join(map(str, range(count)))).text)}


def bare_schedule(rate_hz: int, seconds: float) -> Figures:
    """Let the moments of an open load pass with nothing to do: what the machine itself makes of them."""
    return {"late_p99_ms": float(pinned([*BARE_SCHEDULE, rate_hz, seconds]).text)}


def _rates(of: str, over: str) -> dict[str, tuple[str, str]]:
    return {"of": (of, "rate_hz"), "over": (over, "rate_hz")}


ROWS = (
    Row(group="wrk", what=f"{WIRE} / {WRK}", **_rates(WIRE, WRK), limit=0.85, aim=0.95),
    Row(
        group="cpu",
        what=f"CPU per request: {WIRE}, all its processes while they load / {WRK}",
        of=(WIRE, "cpu_us"),
        over=(WRK, "cpu_us"),
        limit=1.25,
        aim=1.1,
        most=True,
    ),
    Row(
        group="cpu",
        what="of that: the worker, which makes the load",
        of=(WIRE, "worker_cpu_us"),
        over=(WRK, "cpu_us"),
    ),
    Row(
        group="cpu",
        what="of that: the parent and its helpers",
        of=(WIRE, "beside_cpu_us"),
        over=(WRK, "cpu_us"),
    ),
    Row(
        group="cpu",
        what="the whole command, from Python's start to the written result",
        of=(WIRE, "command_cpu_us"),
        over=(WRK, "cpu_us"),
    ),
    Row(group="hey", what=f"{WIRE} / hey", **_rates(WIRE, "hey"), limit=3.0),
    Row(group="hey", what=f"{WRK} / hey", **_rates(WRK, "hey")),
    Row(group="locust", what=f"{WIRE} / {LOCUST}", **_rates(WIRE, LOCUST), limit=15),
    Row(group="locust", what=f"{WRK} / {LOCUST}", **_rates(WRK, LOCUST)),
    Row(group="oha", what=f"{WIRE} / oha", **_rates(WIRE, "oha"), limit=1.0),
    Row(group="ab", what=f"{WIRE} / ab -k", **_rates(WIRE, "ab -k")),
    Row(group="h2load", what=f"{WIRE} / h2load --h1", **_rates(WIRE, "h2load --h1")),
    Row(group="task", what=f"{TASK} / {WRK}", **_rates(TASK, WRK), limit=0.65),
    Row(group="aiohttp", what=f"{AIOHTTP} / {LOCUST}", **_rates(AIOHTTP, LOCUST), limit=1.8),
    Row(group="aiohttp", what=f"{ALONE} / {LOCUST}", **_rates(ALONE, LOCUST)),
    Row(
        group="journeys",
        what="CPU per step with a cookie and a header read: Locust FastHttpUser / journeys",
        of=(LOCUST_JOURNEYS, "cpu_us"),
        over=(JOURNEYS, "cpu_us"),
        limit=4.0,
    ),
    Row(
        group="journeys",
        what="the same: k9 script / journeys",
        of=(K9, "cpu_us"),
        over=(JOURNEYS, "cpu_us"),
        limit=1.5,
        aim=2.0,
    ),
    Row(group="journeys", what="journeys: CPU per step", of=(JOURNEYS, "cpu_us"), unit="µs"),
    Row(
        group="recording",
        what=f"{WIRE} / the same run with one counter in place of its record",
        of=(WIRE, "sent_hz"),
        over=(UNRECORDED, "sent_hz"),
        limit=0.95,
    ),
    Row(
        group="recording",
        what=f"{WIRE} / that loop with one counter alone in a process",
        **_rates(WIRE, COUNTER),
    ),
    Row(
        group="pool",
        what="null: two processes on two cores / one on one",
        **_rates("null, two processes", "null, one process"),
        limit=1.9,
    ),
    Row(
        group="pool",
        what="the same per second of CPU time",
        of=("null, two processes", "per_cpu_hz"),
        over=("null, one process", "per_cpu_hz"),
    ),
    Row(
        group="pool",
        what="two bare loops on two cores / one on one",
        of=("two bare loops", "turns_hz"),
        over=("one bare loop", "turns_hz"),
    ),
    Row(
        group="open",
        what=f"Poisson {OPEN_HZ:,}/s, callback + wire: p99 lag",
        of=("open, wire", "lag_p99_ms"),
        limit=1.0,
        aim=0.2,
        most=True,
        unit="ms",
    ),
    Row(
        group="open",
        what=f"Poisson {OPEN_HZ:,}/s, callback + null: p99 lag",
        of=("open, null", "lag_p99_ms"),
        limit=0.1,
        most=True,
        unit="ms",
    ),
    Row(
        group="open",
        what="that schedule alone, with nothing to do: p99 of how late it is noticed",
        of=("that schedule alone", "late_p99_ms"),
        unit="ms",
    ),
    *(
        Row(
            group="memory",
            what=f"memory at full rate, {name}: growth",
            of=(f"memory, {name}", "growth_mib"),
            limit=1.0,
            most=True,
            unit="MiB",
        )
        for name in (WIRE, AIOHTTP)
    ),
)
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))


def needed(rows: list[Row]) -> set[str]:
    """Return the names of the contestants that these rows compare."""
    return {name for row in rows for name, _ in filter(None, (row.of, row.over))}
