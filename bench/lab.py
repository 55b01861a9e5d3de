"""The lab's own figures, from `loadlab run` itself; what it says it sent is what nginx must have served."""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nginx import served
from pinned import Look, Ran, pinned

Figures = dict[str, float]
"""What a contestant measured in one round; a name carries its unit."""
Stage = dict[str, Any]
"""A stage of a result."""

CONNECTIONS = 50
LOADLAB = Path(sys.executable).with_name("loadlab")
UNRECORDED = Path(__file__).with_name("unrecorded.py")
WARMUP_S = 0.5
_GOOD = {0, 3}
"""Exit codes of a run: 3 is INVALID, which a saturated client is."""
_EDGE_S = 0.3
"""How long before a worker's end it may no longer be loading."""


def closed(
    scenario: str, transport: str, url: str, seconds: float, *, more: Sequence[object] = ()
) -> Figures:
    """Load nginx at full rate.

    `cpu_us` is the CPU time of all processes of the run while it loads, per request: that of the worker,
    which makes the load (`worker_cpu_us`), and that of those beside it (`beside_cpu_us`: the parent, which
    merges and judges, and aiomultiprocess's helpers). `command_cpu_us` is all CPU time of the command, from
    Python's start to the written result, per request: it falls with the run's length, the others don't.
    """
    ran, stage = _full_rate(scenario, transport, url, seconds, more=more)
    if errors := stage["counts"]["scheduled"] - stage["counts"]["ok"]:
        sys.exit(f"{scenario} on {transport}: {errors} requests did not end ok")
    rate_hz = stage["throughput_hz"]
    worker_us = stage["client"]["cpu_ratio"][0] / rate_hz * 1e6
    beside_us = beside_ratio(ran.looks, seconds) / rate_hz * 1e6
    return {
        "rate_hz": rate_hz,
        "sent_hz": _sent_hz(stage, seconds),
        "cpu_us": worker_us + beside_us,
        "worker_cpu_us": worker_us,
        "beside_cpu_us": beside_us,
        "command_cpu_us": ran.cpu_s / stage["sent_total"] * 1e6,
    }


def unrecorded(url: str, seconds: float) -> Figures:
    """Load nginx with `callback` on `wire` as `closed` does, but keep one counter in place of the record.

    It knows what it sent and nothing else; `sent_hz` of `closed` is taken in the same way.
    """
    _, stage = _full_rate("callback", "wire", url, seconds, program=[sys.executable, UNRECORDED])
    return {"sent_hz": _sent_hz(stage, seconds)}


def _full_rate(
    scenario: str,
    transport: str,
    url: str,
    seconds: float,
    *,
    program: Sequence[object] = (LOADLAB,),
    more: Sequence[object] = (),
) -> tuple[Ran, Stage]:
    options = ["--target", url, "--concurrency", CONNECTIONS, *more]
    return _counted(url, lambda: run(scenario, transport, seconds, options, program=program, looks=True))


def _counted(url: str, load: Callable[[], tuple[Ran, Stage]]) -> tuple[Ran, Stage]:
    """Load nginx; end the bench where it served another number of requests than the lab says it sent."""
    before = served(url)
    ran, stage = load()
    # The reading before is a request, too.
    if (count := served(url) - before - 1) != stage["sent_total"]:
        sys.exit(f"nginx served {count}, the lab sent {stage['sent_total']}")
    return ran, stage


def _sent_hz(stage: Stage, seconds: float) -> float:
    sent: int = stage["sent_total"]
    return sent / (WARMUP_S + seconds)


def null(processes: int, seconds: float) -> Figures:
    """Run at full rate without a network: so many processes on as many cores, fifty users each.

    `per_cpu_hz` is requests per second of CPU time: what else runs on the cores takes from the rate alone.
    """
    cores = ",".join(map(str, range(processes)))
    options = ["--processes", processes, "--concurrency", CONNECTIONS * processes]
    _, stage = run("pool", "null", seconds, options, cores=cores)
    rate_hz = stage["throughput_hz"]
    return {"rate_hz": rate_hz, "per_cpu_hz": rate_hz / sum(stage["client"]["cpu_ratio"])}


def poisson(transport: str, url: str | None, rate_hz: int, seconds: float) -> Figures:
    """Send Poisson arrivals at this rate from one core; one that finds no connection free waits for it.

    Lag is that of all requests that went, those that waited included; `dropped` never went, and `failed`
    went and did not end ok.
    """
    options: list[object] = ["--rate", rate_hz, "--arrivals", "poisson"]
    options += ["--max-in-flight", CONNECTIONS, "--when-full", "wait"]
    if url is None:
        _, stage = run("callback", transport, seconds, options)
    else:
        _, stage = _counted(url, lambda: run("callback", transport, seconds, [*options, "--target", url]))
    counts = stage["counts"]
    return {
        "lag_p99_ms": stage["lag_ns"]["p99"] / 1e6,
        "dropped": counts["dropped"],
        "failed": counts["scheduled"] - counts["ok"] - counts["dropped"],
    }


def run(
    scenario: str,
    transport: str,
    seconds: float,
    options: list[object],
    *,
    program: Sequence[object] = (LOADLAB,),
    cores: str = "0",
    looks: bool = False,
) -> tuple[Ran, Stage]:
    """Run one stage; its result says INVALID where the client is saturated, which is asked for here.

    Whatever else a run ends with ends the bench: what it measured then is not what was asked for.
    """
    command: list[object] = [*program, "run", scenario, "--transport", transport, *options]
    command += ["--duration", f"{seconds}s", "--warmup", f"{WARMUP_S}s", "--json", "--quiet"]
    with tempfile.TemporaryDirectory() as out:
        ran = pinned([*command, "--out", out], cores, looks=looks)
    if ran.code not in _GOOD:
        sys.exit(f"loadlab run {scenario} ended with {ran.code}: {ran.errors or ran.text}")
    (stage,) = json.loads(ran.text)["stages"]
    return ran, stage


def beside_ratio(looks: list[Look], seconds: float) -> float:
    """Return what the other processes took while it loaded for so long, in cores.

    The parent is the process that was started, the worker the one of its children that used most. The span
    looked at ends a little before the worker does.
    """
    used = {pid: look.cpu_s[pid] for look in looks for pid in look.cpu_s}
    parent = next(iter(looks[0].cpu_s))
    worker = max(used.keys() - {parent}, key=lambda pid: used[pid])
    over_s = max(look.at_s for look in looks if worker in look.cpu_s)
    inside = [look for look in looks if over_s - seconds <= look.at_s <= over_s - _EDGE_S]
    first, last = inside[0], inside[-1]
    beside_s = sum(last.cpu_s[pid] - first.cpu_s.get(pid, 0) for pid in last.cpu_s.keys() - {worker})
    return beside_s / (last.at_s - first.at_s)
