"""Results to look at without a run."""

from typing import Any

from loadlab.results.result import (
    ClientStage,
    Counts,
    Distribution,
    Histograms,
    RunResult,
    StageResult,
    State,
    Verdict,
)
from loadlab.system.environment import Environment
from loadlab.workload.kept_plan import kept
from support.fakes import plan

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
    return StageResult(**values | changed)


def result(**changed: Any) -> RunResult:
    """Return a result that passed, with these fields changed."""
    values: dict[str, Any] = {
        "run_id": "20261123-120000-task-0000",
        "started_at": "2026-11-23T12:00:00.000+00:00",
        "finished_at": "2026-11-23T12:00:01.000+00:00",
        "verdict": Verdict.PASS,
        "interrupted": False,
        "target_lost": None,
        "failure": None,
        "plan": kept(plan()),
        "environment": Environment(
            versions={"python": "3.11.2"},
            event_loop="asyncio",
            cpu_model="a processor",
            cpu_count=2,
            cpu_usable=2.0,
            memory_bytes=None,
            open_files_limit=None,
            system="Linux",
            container=False,
            where="a target of its own",
        ),
        "checks": (),
        "stages": (stage(),),
    }
    return RunResult(**values | changed)
