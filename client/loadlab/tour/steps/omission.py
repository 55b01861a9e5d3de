"""What a client does not see that waits for its answers."""

import asyncio
from asyncio import Semaphore
from time import perf_counter

import aiohttp

from loadlab.analysis.omission import Stall
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import Distribution
from loadlab.tour import Step, calibrate, predict
from loadlab.tour.events import Predicted, Seen
from loadlab.tour.fetch import get
from loadlab.tour.lab import Lab
from loadlab.units import show_ns
from loadlab.workload.plan import Plan, Request, Stage, WhenFull
from loadlab.workload.traits import Workload

RATE_HZ = 100
WINDOW_NS = 2200 * NS_PER_MS
STALL_NS = 1400 * NS_PER_MS
PLACES = 4
USERS = 2
_CYCLE_NS = USERS * NS_PER_S // RATE_HZ
"""From one request of a user to its next, so that all of them ask at the rate."""
_PATH = "/?delay=5ms"
_SHOWN = ("p50", "p90", "max")


async def call(
    session: aiohttp.ClientSession, url: str, places: Semaphore, due: float
) -> tuple[float, float]:
    """Make a request when it is due and a place is free; return what it took from due, and from sending."""
    await asyncio.sleep(due - perf_counter())
    async with places:
        sent = perf_counter()
        await get(session, url)
        done = perf_counter()
    return done - due, done - sent


async def main(url: str) -> list[tuple[float, float]]:
    """Make a hundred requests in a second, however long any of them takes."""
    places, began = Semaphore(4), perf_counter()
    async with aiohttp.ClientSession() as session:
        dues = (began + number / 100 for number in range(100))
        calls = (call(session, url, places, due) for due in dues)
        return await asyncio.gather(*calls)


def _plan(workload: Workload, stage: Stage, **more: int | WhenFull) -> Plan:
    return Plan(
        scenario="callback",
        transport="wire",
        workload=workload,
        target="http://127.0.0.1",
        requests=(Request(url=_PATH),),
        stages=(stage,),
        duration_ns=WINDOW_NS,
        warmup_ns=200 * NS_PER_MS,
        **more,  # type: ignore[arg-type]  # each of its own field's type
    )


async def _carry(lab: Lab) -> None:
    served = await lab.main()
    base_ns = await calibrate.round_trip_ns(lab, served, _PATH)
    users = _plan(Workload.CLOSED, Stage(concurrency=USERS), think_ns=max(0, _CYCLE_NS - base_ns))
    asked, _ = await lab.carry_paused(users, served, STALL_NS)
    prediction = predict.stalled(
        Stall(rate_hz=RATE_HZ, window_ns=WINDOW_NS, stall_ns=STALL_NS, base_ns=base_ns, places=PLACES), 0.9
    )
    label = f"open, {RATE_HZ}/s, p90 from due"
    lab.tell(Predicted(label, prediction))
    schedule = _plan(Workload.OPEN, Stage(rate_hz=RATE_HZ), max_in_flight=PLACES, when_full=WhenFull.WAIT)
    opened, pause = await lab.carry_paused(schedule, served, STALL_NS)
    lab.tell(Seen(f"it stood still for {show_ns(pause.length_ns)}; one pause, read in three ways:"))
    lab.tell(Seen(f"{'':<36}" + "".join(f"{name:>10}" for name in _SHOWN)))
    lab.tell(Seen(_line(f"closed, {USERS} users who think", asked.latency_ns)))
    lab.tell(Seen(_line("open, from the moment of sending", opened.service_ns)))
    lab.tell(Seen(_line("open, from the due moment", opened.latency_ns)))
    p90_ns = opened.latency_ns.p90
    lab.measured(label, prediction, p90_ns or opened.window_ns, errors=opened.counts.errors)


def _line(label: str, figures: Distribution) -> str:
    return f"{label:<36}" + "".join(f"{show_ns(getattr(figures, name)):>10}" for name in _SHOWN)


STEP = Step(
    title="Coordinated omission: who waits for answers does not see the pause",
    idea=(
        "The target stands still for a moment, as one does that swaps or collects garbage. Users who wait for"
        " their answers ask nothing meanwhile, so each of them meets the pause once; a schedule goes on, and"
        " all that fell due in the pause waited for its end."
    ),
    code=(get, call, main),
    remember=(
        "Count from when a request was due, not from when it could be sent, and keep asking while the target"
        " is slow. A client that waits for its answers omits just the requests that would have been slow."
    ),
    carry=_carry,
)
