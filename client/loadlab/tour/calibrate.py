"""The figures that predictions are made of, each measured in a moment, before what it predicts."""

import asyncio
from statistics import median

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.errors import TargetError
from loadlab.recording.sample import Outcome, Reply
from loadlab.targets.target_metrics import Reading, read
from loadlab.tour.lab import Lab, Served
from loadlab.tour.predict import Cost, Pace
from loadlab.transports import async_transport
from loadlab.units import show_ns
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

_ALONE = 2
"""Requests that are sent one after another to learn S."""
_IN_TURN = 15
"""Requests of which the median is taken where they are short."""
_WAVE = 100
"""Requests that are sent at once, where the target has so many places, to learn what taking them in costs."""
_WAVES = 3
_WAVE_DELAY_NS = 100 * NS_PER_MS
"""Longer than it takes to send a wave, whatever the delay of the tour."""
_METRICS_WAIT_NS = NS_PER_S
NO_DELAY = "/?delay=0s"
USERS = 64
"""In flight where only CPU limits: enough that the client's loop never idles."""


async def pace(lab: Lab, served: Served) -> Pace:
    """Return a target's pace; measure it where that has not been done."""
    if served.pace is None:
        served.pace = await _pace(lab, served)
    return served.pace


async def _pace(lab: Lab, served: Served) -> Pace:
    wave = min(_WAVE, served.slots or _WAVE)
    own, immediate, short = (
        lab.batch_plan("task", wave, path=path).with_target(served.target.url)
        for path in ("/", NO_DELAY, f"/?delay={_WAVE_DELAY_NS // NS_PER_MS}ms")
    )
    await _burst(immediate, 1)  # the first request of all pays for imports on both sides
    before = await _reading(served, 0)
    alone_ns = [await _burst(own, 1) for _ in range(_ALONE)]
    after = await _reading(served, _times(before) + _ALONE)
    waves_ns = [await _burst(short, wave) for _ in range(_WAVES)]
    round_trip_ns = sum(alone_ns) / _ALONE
    one_alone_ns = _WAVE_DELAY_NS + round_trip_ns - lab.delay_ns
    crowd_ns = max(0.0, median(waves_ns) - one_alone_ns) / wave
    occupied_ns = (_seconds(after) - _seconds(before)) / (_times(after) - _times(before)) * NS_PER_S
    # Where every request has a thread of its own, nobody waits until it is free again.
    service_ns = round_trip_ns if served.slots is None else occupied_ns
    if served.slots is None:
        server, how = "Flask's server, a thread each", "their round trip"
    else:
        server, how = f"gunicorn, 1 worker × {served.slots} threads", "how long each occupied a thread"
    lab.note(
        f"{server}: S = {show_ns(service_ns)}, measured with {_ALONE} requests one after the other ({how});"
        f" at once, each of {wave} delays the last by {show_ns(crowd_ns)}"
    )
    return Pace(service_ns=service_ns, crowd_ns=crowd_ns, slots=served.slots)


async def round_trip_ns(lab: Lab, served: Served, path: str) -> int:
    """Measure what a request of this path takes on `wire`: the median of a few, one after the other."""
    plan = lab.batch_plan("task", 1, path=path).with_target(served.target.url)
    transport = async_transport("wire")
    await transport.open(plan)
    prepared = transport.prepare(plan.requests[0])
    took_ns = []
    try:
        for _ in range(_IN_TURN):
            began_ns = MONOTONIC.now_ns()
            _check([await transport.send(prepared)])
            took_ns.append(MONOTONIC.now_ns() - began_ns)
    finally:
        await transport.close()
    found_ns = round(median(took_ns))
    lab.note(f"a request takes {show_ns(found_ns)}, the median of {_IN_TURN} that were made in turn")
    return found_ns


async def cost(lab: Lab, served: Served, processes: int) -> Cost:
    """Measure what a request costs client and sink in CPU time: one second of so many loops at their limit.

    It has to be so many: where client and sink share a core they wake each other less, and a request costs
    less than where each has a core of its own.
    """
    before = await read(served.target.metrics_url)
    stage = await lab.carry(steady_plan(NS_PER_S, processes=processes), served)
    after = await read(served.target.metrics_url)
    if before is None or after is None:
        raise TargetError("the sink does not tell its metrics")
    sink_s = _grown(before, after, "target_cpu_seconds_total") / _grown(
        before, after, "target_requests_total"
    )
    found = Cost(
        client_ns=sum(ratio or 0.0 for ratio in stage.client.cpu_ratio) / stage.throughput_hz * NS_PER_S,
        sink_ns=sink_s * NS_PER_S,
    )
    lab.note(
        f"a request costs the client {show_ns(found.client_ns)} of CPU and the sink {show_ns(found.sink_ns)},"
        f" measured in one second of {processes} busy loop{'s' if processes > 1 else ''};"
        f" there {'are' if lab.cores != 1 else 'is'} {lab.cores:g} core{'s' if lab.cores != 1 else ''}"
    )
    return found


def steady_plan(duration_ns: int, *, processes: int = 1) -> Plan:
    """Return the plan of immediate requests by `USERS` users for so long, after a moment to get going."""
    return Plan(
        scenario="task" if processes == 1 else "pool",
        transport="aiohttp",
        workload=Workload.CLOSED,
        target="http://127.0.0.1",
        requests=(Request(url="/"),),
        stages=(Stage(concurrency=USERS),),
        duration_ns=duration_ns,
        warmup_ns=300 * NS_PER_MS,
        processes=processes,
    )


async def pool_start_ns(lab: Lab, served: Served, requests: int) -> int:
    """Measure how long a pool takes that has nothing to wait for: its start, and a pool task per request."""
    plan = lab.batch_plan("pool-map", requests, processes=lab.processes, path=NO_DELAY)
    stage = await lab.carry(plan, served)
    lab.note(
        f"a pool of {lab.processes} processes took {show_ns(stage.window_ns)} to start and to map"
        f" {requests} URLs that answer at once"
    )
    return stage.window_ns


async def _burst(plan: Plan, requests: int) -> int:
    """Send so many requests of the plan at once, over connections of their own; return how long it took."""
    transport = async_transport(plan.transport)
    await transport.open(plan)
    prepared = transport.prepare(plan.requests[0])
    try:
        begin_ns = MONOTONIC.now_ns()
        replies = await asyncio.gather(*(transport.send(prepared) for _ in range(requests)))
        took_ns = MONOTONIC.now_ns() - begin_ns
    finally:
        await transport.close()
    _check(replies)
    return took_ns


def _check(replies: list[Reply]) -> None:
    failed = [reply for reply in replies if reply.outcome is not Outcome.OK]
    if failed:
        raise TargetError(f"the target did not answer a first request: {failed[0].outcome.key}")


async def _reading(served: Served, least: int) -> Reading:
    """Read the target's metrics, once they count so many requests."""
    deadline_ns = MONOTONIC.now_ns() + _METRICS_WAIT_NS
    while True:
        reading = await read(served.target.metrics_url)
        if reading is not None and (_times(reading) >= least or MONOTONIC.now_ns() > deadline_ns):
            return reading
        if MONOTONIC.now_ns() > deadline_ns:
            raise TargetError("the target does not tell its metrics")
        await asyncio.sleep(0.02)


def _times(reading: Reading) -> int:
    return round(reading.get("target_thread_seconds_count") or 0)


def _seconds(reading: Reading) -> float:
    return reading.get("target_thread_seconds_sum") or 0.0


def _grown(before: Reading, after: Reading, name: str) -> float:
    return (after.get(name) or 0.0) - (before.get(name) or 0.0)
