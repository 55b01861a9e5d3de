"""What a run tells while it happens: the same events for the terminal, a pipe and another process."""

import msgspec

from loadlab.plan import Plan
from loadlab.result import RunResult, StageResult


class RunBegan(msgspec.Struct, tag=True, frozen=True):
    """The target answers and the load is about to start."""

    run_id: str
    where: str
    plan: Plan


class StageBegan(msgspec.Struct, tag=True, frozen=True):
    """A stage's workers are being started."""

    index: int


class Tick(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """How a stage stands, about twice a second."""

    index: int
    phase: str
    """warm-up, measuring or draining."""
    fraction: float
    """How much of the stage is over, 0 to 1."""
    finished: int
    rate_hz: float
    """Replies over the last span."""
    in_flight: int
    p50_ns: int | None
    p99_ns: int | None
    errors: int


class StageEnded(msgspec.Struct, tag=True, frozen=True):
    """A stage is over."""

    index: int
    result: StageResult


class RunEnded(msgspec.Struct, tag=True, frozen=True):
    """The last event."""

    result: RunResult


Event = RunBegan | StageBegan | Tick | StageEnded | RunEnded
