"""The result of a run, as data: reporters and analyses are its functions.

These types are `result.json`. Keys are stable within a schema version; docs/result.schema.json is
generated from them. Moments are ISO 8601 in UTC, spans are nanoseconds.
"""

from enum import StrEnum

import msgspec

from loadlab.recording.reasons import Closer
from loadlab.system.environment import Environment
from loadlab.system.files import decode_json
from loadlab.system.resources import Resource
from loadlab.targets import App, Gunicorn, Tried
from loadlab.transports.connection_stats import Closed
from loadlab.workload.kept_plan import KeptPlan

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)
"""A later version has more keys, and what an earlier one lacks has its default."""


class Verdict(StrEnum):
    """What the run's numbers are worth."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    STOPPED = "stopped"
    """It was stopped before its end; what was measured until then did not fail."""
    FAIL = "fail"
    """A threshold was not met."""
    INVALID = "invalid"
    """The measurement cannot be trusted."""


class State(StrEnum):
    """What a stage's numbers are worth."""

    VALID = "valid"
    SUSPECT = "suspect"
    """To be read with its findings."""
    INVALID = "invalid"


class CheckOutcome(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    UNTESTABLE = "untestable"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A statement about the run, tested: `metric operator limit`."""

    name: str
    stage: str | None = None
    """The label of the stage that it is about; None where it is about the whole run."""
    metric: str
    operator: str
    limit: float
    actual: float | None
    unit: str
    outcome: CheckOutcome
    message: str
    """One sentence: what it means and, where it failed, what to do."""


class Finding(msgspec.Struct, frozen=True):
    """Something about a stage that a reader of its numbers must know."""

    name: str
    message: str


class Kind(StrEnum):
    """What a sentence about a run is for."""

    NOTE = "note"
    """What to know about stages besides their figures."""
    STATE = "state"
    """Why stages bear a mark, and what the mark means."""
    LEGEND = "legend"
    """How to read a figure, or why it is missing."""
    VERDICT = "verdict"
    """The verdict's name, such as `PASS with warnings`."""
    SUMMARY = "summary"
    """How much was measured and what the verdict means."""
    REASON = "reason"
    """Why the run is not a pass, and what to do."""
    UNDECIDED = "undecided"
    """What no check of a run that passed could judge."""


class Sentence(msgspec.Struct, frozen=True):
    """Something that the lab says about a run; reporters show these sentences and write none."""

    about: tuple[str, ...]
    """The labels of its stages; none where it is about the whole run."""
    kind: Kind
    sentence: str


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Requests due in the window, by outcome; `scheduled` is their sum."""

    scheduled: int = 0
    ok: int = 0
    http_error: int = 0
    timeout: int = 0
    connect_error: int = 0
    protocol_error: int = 0
    dropped: int = 0
    unfinished: int = 0
    unexpected: int = 0
    """A complete response that a journey's step or check did not expect."""

    @property
    def errors(self) -> int:
        """All that did not end well."""
        return self.scheduled - self.ok

    @property
    def answered(self) -> int:
        """Those with a complete response."""
        return self.ok + self.http_error + self.unexpected


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """A span's distribution in nanoseconds; what can't be told is null."""

    count: int
    mean: float | None
    p50: int | None
    p90: int | None
    p95: int | None = None
    p99: int | None
    p999: int | None
    max: int | None
    intervals: dict[str, tuple[int, int | None]] = {}
    """The 95 % order-statistic interval of each quantile that is known; an end that is unknown is null."""


class Histograms(msgspec.Struct, frozen=True, kw_only=True):
    """The distributions in full: HdrHistogram V2 compressed encoding, base64."""

    latency: str
    service: str
    lag: str


class SliceResult(msgspec.Struct, frozen=True, kw_only=True):
    """The completions of one second; `at_ns` counts from the window's start."""

    at_ns: int
    count: int
    errors: int
    p50: int | None
    p99: int | None
    in_flight: float | None
    ok: int | None = None
    """How many requests ended well; null in results of schema 1."""
    mean: float | None = None
    """Mean latency of those that were answered; null in results of schema 1."""


class Standstill(msgspec.Struct, frozen=True, kw_only=True):
    """A span without an answer, long for this load, while requests were in flight; exact to 20 ms.

    It is counted from the window's start.
    """

    from_ns: int
    """Since when one waited throughout."""
    to_ns: int
    """The first answer after it, or the window's end."""


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A span without an answer in which requests failed, counted from the window's start; exact to 20 ms."""

    from_ns: int
    """The first failure."""
    to_ns: int
    """The first answer after it, or the window's end."""


class ErrorReason(msgspec.Struct, frozen=True, kw_only=True):
    """Requests due in the window that ended alike for the same reason."""

    kind: str
    """Their outcome, by its name in `counts`."""
    reason: str
    """A short sentence, the same on every transport for the same cause."""
    count: int
    closed_by: Closer | None = None
    """Who closed the connection: the peer, or the client itself; null where there was none to close."""


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the client ran out of."""

    resource: Resource
    count: int
    """Requests, warm-up and drain included, that found none left."""
    limit: int | None
    """How much there is, memory in bytes; null where the system does not tell."""


class ClientStage(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage took of the client."""

    cpu_ratio: tuple[float | None, ...]
    """Of each worker over the window, in cores; null where it can't be told, as of a pool's own processes."""
    loop_stall_max_ns: int
    connections_opened: int | None
    """Null where the requests' own processes do not tell."""
    connections_lost: int | None
    """Kept-alive connections that broke under a request."""
    backed_off_ns: int = 0
    """Time that closed users waited in the window, all together, after connections that failed at once."""
    files_exhausted: int = 0
    """Connections that could not be made because the system allows no more open files."""
    connections_closed: tuple[Closed, ...] = ()
    """Of each worker: connections that were closed before the stage's end, by who closed them and why."""
    shortages: tuple[Shortage, ...] = ()
    """What the client ran out of."""
    cpu_peak_ratio: tuple[float | None, ...] = ()
    """CPU of each worker in its busiest second, in cores, without what it spent awake to be on time."""
    waited_ratio: tuple[float | None, ...] = ()
    """Share of a second in which each worker was ready to run and had no core, in the worst one."""
    cpu_demand_ratio: tuple[float | None, ...] = ()
    """Both together, in the second in which they were most; of the wait the share that the work has."""
    own_lag_ns: Distribution | None = None
    """The client's own part of the lag: of a request that found no place in flight, how late it was then."""
    throttled_ratio: float | None = None
    """Share of the window in which a CPU limit held the client back."""
    stolen_ratio: float | None = None
    """Share of its cores that a hypervisor gave to others."""
    ceiling_hz: float | None = None
    """The most that this client did when it was calibrated in the same way of calling; null: it was not."""
    ceiling_ratio: float | None = None
    """Throughput as a share of that."""
    ceiling_is_lower_bound: bool = False
    """Whether the client could have done more when it was calibrated, so that the share is an upper bound."""


class TargetStage(msgspec.Struct, frozen=True, kw_only=True):
    """The target's own figures over the window; what it does not tell is null."""

    workers: int | None = None
    threads: int | None = None
    """Of each worker; 0 means without a limit."""
    requests: int | None = None
    requests_in_stage: int | None = None
    """Counted from before the stage until after its drain, as the next; the others are of the window."""
    workers_ended: int | None = None
    """Worker processes that crashed or were killed; each had a successor."""
    workers_replaced: int | None = None
    """Worker processes that gunicorn replaced after `max_requests`."""
    thread_ns: float | None = None
    """Mean time that a request occupied its thread: S."""
    handler_ns: float | None = None
    queue_ns: float | None = None
    busy_threads_mean: float | None = None
    cpu_ratio: float | None = None
    cpu_throttled_ns: int | None = None
    memory_bytes: int | None = None
    accept_queue_overflows: int | None = None

    @property
    def slots(self) -> int | None:
        """How many requests it handles at once; None where it sets no limit or tells none."""
        return self.workers * self.threads if self.workers and self.threads else None


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a container took over the stage, by the engine's account."""

    cpu_ratio: float
    """In cores."""
    cpu_throttled_ns: int
    memory_bytes: int
    """In use, without the page cache."""
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None


class Theory(msgspec.Struct, frozen=True, kw_only=True):
    """What arithmetic expects of the stage; formulas in docs/method.md."""

    service_ns: float
    bound_hz: float | None = None
    bound_ratio: float | None = None
    """Throughput as a share of the bound."""
    makespan_ns: float | None = None
    makespan_is_lower_bound: bool = False


class NameResult(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of one name in a stage; over all names they are those of the stage."""

    name: str
    counts: Counts
    statuses: dict[str, int]
    errors: tuple[ErrorReason, ...] = ()
    throughput_hz: float
    received_bytes: int
    latency_ns: Distribution
    service_ns: Distribution
    time_outside_target_ns: Distribution | None = None
    """Service time less what the target says that it had the request."""
    slices: tuple[SliceResult, ...] = ()


class JourneyFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Journeys that failed for one reason."""

    reason: str
    count: int
    traceback: str = ""
    """The first, where it was an exception of the journey's own code."""


class JourneyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The journeys of one name that began in a stage's window."""

    name: str
    started: int
    finished: int
    failed: tuple[JourneyFailure, ...] = ()
    """Why, the most frequent reason first."""
    cut: int = 0
    """Those that the stage's end cut short."""
    duration_ns: Distribution
    """Of those that finished, from when the first step was due to the end."""

    @property
    def failures(self) -> int:
        """How many failed."""
        return sum(each.count for each in self.failed)


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """One stage."""

    label: str
    concurrency: int | None
    requests: int | None
    rate_hz: float | None = None
    rate_to_hz: float | None = None
    processes: int
    window_ns: int
    began_at: str | None = None
    """When the window began, for people."""
    counts: Counts
    statuses: dict[str, int]
    errors: tuple[ErrorReason, ...] = ()
    """Why requests did not end ok: of each kind of `counts` its reasons, which add up to it."""
    redirected_to: tuple[str, ...] = ()
    """Where its redirects lead, the first few distinct addresses as they were written."""
    throughput_hz: float
    received_bytes: int
    in_flight_mean: float | None
    """Sampled on a clock of its own."""
    in_flight_error: float | None = None
    """Standard error of that, as far as it comes from the sampling."""
    in_flight_dispersion: float | None = None
    """Variance of what is in flight over its mean: 1 where nothing queues and arrivals are random."""
    in_flight_by_stamps: float | None = None
    """The same by the requests' own stamps: their time from sent to done in the window, over the window."""
    unknown: dict[str, str] = {}
    """Figures that are unknown, each with why: null, or a rate of 0 where all answers came later."""
    makespan_ns: int | None
    state: State
    client_limited: bool = False
    """Whether the client was its limit: the target can do at least this much."""
    findings: tuple[Finding, ...]
    sent_total: int
    """Requests sent, warm-up and drain included: in a run without faults, what the target's counter shows."""
    sent_aside: int = 0
    """Requests of setup and teardown, which are neither measured nor counted anywhere else."""
    answered_total: int = 0
    """Those of what was sent with a complete response."""
    due: int | None = None
    """Arrivals that an open stage's schedule has in the window, up to a halt, by arithmetic alone."""
    waited: int = 0
    """Arrivals of the window that were sent late because no place in flight was free."""
    refused: int = 0
    """Arrivals of the window that were dropped because no place in flight was free."""
    halted: bool = False
    """Whether it was ended before its time."""
    missing_shard_ns: int
    latency_ns: Distribution
    service_ns: Distribution
    lag_ns: Distribution
    time_outside_target_ns: Distribution | None = None
    """Service time less queue and handler by the target's stamp on each answer: the way there and back."""
    stamps_over_service: int = 0
    """Answers whose stamp says more than their service time."""
    histograms: Histograms
    slices: tuple[SliceResult, ...]
    outages: tuple[Outage, ...] = ()
    stalls: tuple[Standstill, ...] = ()
    client: ClientStage
    target: TargetStage | None
    theory: Theory | None
    containers: dict[str, ContainerUsage] | None = None
    by_name: tuple[NameResult, ...] = ()
    """The requests of each name, where they have names; the slowest first."""
    journeys: tuple[JourneyResult, ...] = ()
    """The journeys, where the load is journeys."""

    @property
    def known_rate_hz(self) -> float | None:
        """Its throughput; None where that can't be told."""
        return None if "throughput_hz" in self.unknown else self.throughput_hz


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a person knows a run by, apart from its plan."""

    command: str | None = None
    label: str | None = None


NAMELESS = About()


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    command: str | None = None
    """The command line, with its secrets masked; null for a run that none stands for."""
    label: str | None = None
    """What its person calls it."""
    app: App | None = None
    """The app that was loaded; null for the lab's own, and where it is not known."""
    gunicorn: Gunicorn | None = None
    """How it was served; null of another server, and where that is not known."""
    started_at: str
    finished_at: str
    verdict: Verdict
    interrupted: bool
    addresses: tuple[Tried, ...] = ()
    """What the target's name stands for, in the order tried: the one without a problem was loaded."""
    target_lost: str | None
    """Why the run ended early: what became of the target."""
    failure: str | None
    """The internal error that ended the run, if one did."""
    plan: KeptPlan
    environment: Environment
    checks: tuple[Check, ...]
    stages: tuple[StageResult, ...]
    ceilings_unused: str | None = None
    """Why the client's calibration was not used, where there is one."""
    text: tuple[Sentence, ...] = ()
    """What the lab says about the run, in the order in which it is read."""


def encode(result: RunResult) -> bytes:
    """Write `result.json`."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def decode(data: bytes) -> RunResult:
    """Read `result.json`; msgspec.DecodeError where it is none."""
    return decode_json(data, _DECODER)


_DECODER: msgspec.json.Decoder[RunResult] = msgspec.json.Decoder(RunResult)
