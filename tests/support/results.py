"""Results to look at without a run."""

from typing import Any

import msgspec

from loadlab.analysis.judge_stage import CLIENT_LIMIT_CHECKS
from loadlab.analysis.text import with_text
from loadlab.results.result import (
    Check,
    CheckOutcome,
    ClientStage,
    Counts,
    Distribution,
    Finding,
    Histograms,
    RunResult,
    SliceResult,
    StageResult,
    State,
    Theory,
    Verdict,
)
from loadlab.system.environment import Environment
from loadlab.workload.kept_plan import kept
from loadlab.workload.plan import Stage
from support.fakes import plan

SENTENCE = "one event loop is at 100% of a core: <img src=x onerror=alert(1)> use SCENARIO=pool"
"""Of a finding; a page that took it for markup would run what it holds."""
NOTHING = Distribution(count=0, mean=None, p50=None, p90=None, p99=None, p999=None, max=None)


def stage(**changed: Any) -> StageResult:
    """Return a valid stage of one request with these fields changed."""
    values: dict[str, Any] = {
        "label": "1",
        "concurrency": 1,
        "requests": None,
        "processes": 1,
        "window_ns": 1_000_000_000,
        "counts": Counts(scheduled=1, ok=1),
        "statuses": {"200": 1},
        "throughput_hz": 1.0,
        "received_bytes": 6,
        "in_flight_mean": 1.0,
        "makespan_ns": None,
        "state": State.VALID,
        "findings": (),
        "sent_total": 1,
        "missing_shard_ns": 0,
        "latency_ns": NOTHING,
        "service_ns": NOTHING,
        "lag_ns": NOTHING,
        "histograms": Histograms(latency="", service="", lag=""),
        "slices": (),
        "client": ClientStage(
            cpu_ratio=(0.1,), loop_stall_max_ns=0, connections_opened=1, connections_lost=0
        ),
        "target": None,
        "theory": None,
    }
    values |= changed
    limited = any(finding.name in CLIENT_LIMIT_CHECKS for finding in values["findings"])
    return StageResult(**{"client_limited": limited} | values)


def environment(where: str = "a target of its own") -> Environment:
    """Return what such a result was measured with."""
    return Environment(
        versions={"python": "3.11.2"},
        event_loop="asyncio",
        cpu_model="a processor",
        cpu_count=2,
        cpu_usable=2.0,
        memory_bytes=None,
        open_files_limit=None,
        system="Linux",
        container=False,
        where=where,
    )


def result(**changed: Any) -> RunResult:
    """Return a result that passed, with these fields changed, and with its text."""
    values: dict[str, Any] = {
        "run_id": "20261123-120000-task-0000",
        "started_at": "2026-11-23T12:00:00.000+00:00",
        "finished_at": "2026-11-23T12:00:01.000+00:00",
        "verdict": Verdict.PASS,
        "interrupted": False,
        "target_lost": None,
        "failure": None,
        "plan": kept(plan()),
        "environment": environment(),
        "checks": (),
        "stages": (stage(),),
    }
    return with_text(RunResult(**values | changed))


def limited_by_the_client(run_id: str) -> RunResult:
    """Return a run whose second of two stages was the client's limit."""
    slices = tuple(
        SliceResult(at_ns=at, count=100, errors=0, p50=20_000_000, p99=None, in_flight=2.0)
        for at in (0, 1_000_000_000)
    )
    common: dict[str, Any] = {
        "window_ns": 2_000_000_000,
        "counts": Counts(scheduled=200, ok=200),
        "slices": slices,
        "latency_ns": msgspec.structs.replace(NOTHING, count=200, p50=20_000_000, p95=30_000_000),
        "theory": Theory(service_ns=20e6, bound_hz=400.0, bound_ratio=0.25),
    }
    finding = Finding("client_cpu", SENTENCE)
    failed = Check(
        name="client_cpu", stage="8", metric="busiest worker", operator="<=", limit=0.9, actual=1.0,
        unit="cores", outcome=CheckOutcome.FAIL, message=SENTENCE,
    )  # fmt: skip
    return result(
        run_id=run_id,
        verdict=Verdict.INVALID,
        plan=msgspec.structs.replace(plan(), stages=(Stage(concurrency=1), Stage(concurrency=8))),
        checks=(failed,),
        stages=(
            stage(throughput_hz=100.0, **common),
            stage(
                label="8",
                concurrency=8,
                throughput_hz=150.0,
                state=State.INVALID,
                findings=(finding,),
                **common,
            ),
        ),
    )
