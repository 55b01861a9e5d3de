"""What a run tells while it happens: the same events for the terminal, a pipe and another process."""

from collections.abc import Callable

import msgspec

from loadlab.errors import Exit
from loadlab.results.result import RunResult, Sentence, StageResult
from loadlab.system.environment import Environment
from loadlab.system.files import decode_json
from loadlab.targets import App
from loadlab.workload.kept_plan import KeptPlan


class RunBegan(msgspec.Struct, tag=True, frozen=True):
    """The target answers and the load is about to start."""

    run_id: str
    environment: Environment
    plan: KeptPlan
    command: str | None = None
    label: str | None = None
    app: App | None = None


class Noted(msgspec.Struct, tag=True, frozen=True):
    """Something that a reader of the run should know, in one sentence."""

    sentence: str


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
    at_ns: int = 0
    """Since the stage's barrier."""
    finished: int
    rate_hz: float | None
    """Responses of the last second, as Prometheus gets them; null where that is not known."""
    offered_hz: float | None = None
    """The rate at which an open stage's requests are due now."""
    in_flight: int
    p50_ns: int | None
    """This and the other quantiles: of the latencies that were reported in the last second."""
    p95_ns: int | None = None
    p99_ns: int | None
    errors: int
    """Requests due in the window that did not end ok, so far."""
    errors_hz: float | None = None
    """Of the last second, as the rate."""
    dropped: int = 0
    client_cpu: tuple[float | None, ...] = ()
    """Of each worker over the last second, in cores, without what it spent awake only to be on time."""
    busy_threads: float | None = None
    """Of the target, a second ago at most; this and the next two are None where it does not tell."""
    slots: int | None = None
    """How many requests the target handles at once: workers x threads."""
    thread_queue: float | None = None


class StageEnded(msgspec.Struct, tag=True, frozen=True):
    """A stage is over."""

    index: int
    result: StageResult
    text: tuple[Sentence, ...] = ()
    """What the lab says about the stages so far."""


class RunEnded(msgspec.Struct, tag=True, frozen=True):
    """The last event."""

    result: RunResult


class Refused(msgspec.Struct, tag=True, frozen=True):
    """The run can't begin: an error's sentence and exit code, in place of all events."""

    sentence: str
    exit: Exit
    run_id: str


Event = RunBegan | Noted | StageBegan | Tick | StageEnded | RunEnded

Tell = Callable[[Event], None]
"""Called with each event of a run."""


def decode(line: bytes) -> Event | Refused:
    """Read what an agent told; raise msgspec.DecodeError where it is nothing of this version."""
    return decode_json(line, _DECODER)


_DECODER: msgspec.json.Decoder[Event | Refused] = msgspec.json.Decoder(Event | Refused)
