"""Stages in which everything agrees, and what the checks of a stage say of them."""

import math

from loadlab.analysis import judge_stage
from loadlab.analysis.checks.check import CheckInput
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import (
    CheckOutcome,
    ClientStage,
    Counts,
    Distribution,
    SliceResult,
    TargetStage,
    Theory,
)
from loadlab.scenarios import scenario
from loadlab.workload.plan import Stage, WhenFull
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.results import stage

MS = NS_PER_MS
PASS, FAIL, UNTESTABLE = CheckOutcome.PASS, CheckOutcome.FAIL, CheckOutcome.UNTESTABLE
TARGET = {
    "workers": 1,
    "threads": 64,
    "requests": 6400,
    "requests_in_stage": 7000,
    "workers_ended": 0,
    "thread_ns": 100.0 * MS,
    "handler_ns": 99.0 * MS,
    "queue_ns": 0.0,
    "busy_threads_mean": 64.0,
    "cpu_throttled_ns": 0,
}
CLIENT = {
    "cpu_ratio": (0.3,),
    "loop_stall_max_ns": 2 * MS,
    "connections_opened": 64,
    "connections_lost": 0,
    "cpu_peak_ratio": (0.4,),
    "waited_ratio": (0.1,),
    "cpu_demand_ratio": (0.5,),
    "throttled_ratio": 0.0,
    "stolen_ratio": 0.0,
}


def spread(p50_ms=100.0, p99_ms=None, count=6400):
    """A distribution around this median."""
    p50, p99 = round(p50_ms * MS), round((p99_ms or p50_ms) * MS)
    half = round(p50 * 2 / math.sqrt(count))
    return Distribution(
        count=count,
        mean=float(p50),
        p50=p50,
        p90=p50,
        p95=p50,
        p99=p99,
        p999=None,
        max=p99,
        intervals=dict.fromkeys(("p50", "p90", "p95", "p99"), (p50 - half, p50 + half)),
    )


def client(**changed):
    return ClientStage(**{**CLIENT, "own_lag_ns": spread(0.01, 0.1), **changed})


def target(**changed):
    return TargetStage(**TARGET | changed)


def slices(counts, means_ms, in_flight=None):
    """Seconds with so many completions each, of these mean latencies."""
    in_flight = in_flight or [64.0] * len(counts)
    return tuple(
        SliceResult(
            at_ns=at * NS_PER_S,
            count=count,
            errors=0,
            ok=count,
            p50=round(mean * MS),
            p99=None,
            in_flight=flying,
            mean=mean * MS if count else None,
        )
        for at, (count, mean, flying) in enumerate(zip(counts, means_ms, in_flight, strict=True))
    )


def healthy(**changed):
    """Ten seconds of 64 users at 100 ms: 640 a second, everything in agreement."""
    return stage(
        **{
            "label": "64",
            "concurrency": 64,
            "window_ns": 10 * NS_PER_S,
            "counts": Counts(scheduled=6400, ok=6400),
            "throughput_hz": 640.0,
            "in_flight_mean": 64.0,
            "in_flight_error": 0.0,
            "in_flight_by_stamps": 64.0,
            "sent_total": 7000,
            "answered_total": 7000,
            "latency_ns": spread(),
            "service_ns": spread(),
            "slices": slices([640] * 10, [100] * 10),
            "client": client(),
            "target": target(),
            "theory": Theory(service_ns=100.0 * MS, bound_hz=640.0, bound_ratio=1.0),
            **changed,
        }
    )


def opened(**changed):
    """The same load as an open stage."""
    return healthy(**{"concurrency": None, "rate_hz": 640.0, "due": 6400, **changed})


CLOSED = {"warmup_ns": NS_PER_S, "duration_ns": 10 * NS_PER_S}
OPEN = {
    **CLOSED,
    "workload": Workload.OPEN,
    "stages": (Stage(rate_hz=640.0),),
    "max_in_flight": 100,
    "when_full": WhenFull.DROP,
}
BATCH = {"workload": Workload.BATCH, "stages": (Stage(requests=6400),), "duration_ns": None}


def check(name, of, *, whole=CLOSED, scenario_name="task", cores=2.0, transport="aiohttp"):
    """Return the check of this name."""
    found = judge_stage.checks(
        CheckInput(plan(**whole, transport=transport), scenario(scenario_name).TRAITS, cores, of)
    )
    (only,) = [each for each in found if each.name == name]
    return only


def judged(of, *, whole=CLOSED, scenario_name="task"):
    return judge_stage.judged(plan(**whole), scenario(scenario_name).TRAITS, 2.0, of)
