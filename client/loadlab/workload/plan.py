"""What shall happen: a `Plan`, immutable, checked as a whole before any load."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Self

import msgspec

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.units import show_ns
from loadlab.workload.arrivals import Arrivals, Constant, Ramp, Spacing
from loadlab.workload.fields import header_problem, host_problem, is_header_name, method_problem
from loadlab.workload.masking import (
    MASK,
    is_masked_url,
    is_secret_header,
    masked_url,
    parameter_name,
    parameter_names,
)
from loadlab.workload.ranges import (
    rate_problem,
    ratio_problem,
    size_problem,
    span_problem,
    statuses_problem,
    weight_problem,
)
from loadlab.workload.think import Fixed, Shape
from loadlab.workload.url import origin_and_rest, read_url

_PARAMETER = re.compile(r"[^=&;?#/\s]+")
MOST_USERS = 1_000_000
"""Each user, and each request of a batch, takes memory of its own."""
MOST_REQUESTS = 10**15
MOST_PROCESSES = 256
MOST_SEED = 2**63 - 1
IDLE_LIMIT_NS = 900 * NS_PER_MS
"""Below a second, the shortest time for which servers are usually told to keep a connection."""


class Workload(StrEnum):
    """When requests are due."""

    CLOSED = "closed"
    """N users, each with one request in flight or thinking."""
    OPEN = "open"
    """Requests arrive by a schedule, whatever has become of those before."""
    BATCH = "batch"
    """N requests at once; what counts is the makespan."""


class WhenFull(StrEnum):
    """What becomes of an arrival that finds the limit of requests in flight reached."""

    DROP = "drop"
    """It is counted as dropped."""
    WAIT = "wait"
    """It is sent when a place is free, and its latency still counts from when it was due."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of request, to be sent as often as its weight says."""

    method: str = "GET"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    body_bytes: int | None = None
    """Length of a body that is not kept here; null: it is."""
    weight: float = 1.0


class Stage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One point of a sweep."""

    concurrency: int | None = None
    """Users of a closed stage."""
    requests: int | None = None
    """Requests of a batch, or of a closed stage that counts requests instead of time."""
    rate_hz: float | None = None
    """Arrivals per second of an open stage."""
    rate_to_hz: float | None = None
    """Where a ramp ends that begins at `rate_hz`."""

    @property
    def label(self) -> str:
        """What tells this stage from its neighbours."""
        if self.rate_hz is not None:
            return f"{self.rate_hz:g}" if self.rate_to_hz is None else f"{self.rate_hz:g}:{self.rate_to_hz:g}"
        return str(self.requests if self.concurrency is None else self.concurrency)


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario can do, and what it can't by design."""

    name: str
    idea: str
    """The execution model in one sentence."""
    transports: tuple[str, ...]
    """Those it can drive; the first is its default."""
    workloads: tuple[Workload, ...]
    """Those it can carry; the first is its default."""
    single_user: bool = False
    """Whether only one request can ever be in flight, so that more users would be a lie."""
    many_processes: bool = False
    """Whether it takes more than one process."""
    sharded: bool = False
    """Whether each of its processes carries a shard; otherwise one shard sees to all of them."""
    tasks_per_process: int | None = None
    """Where each process takes only so many requests at a time."""
    client_per_request: bool = False
    """Whether each request has a client of its own, so that no connection is ever idle."""
    hides_flight: bool = False
    """Whether nobody can see how many requests are in flight while it runs."""
    blocks_loop: bool = False
    """Whether it holds its event loop by design: a stalled loop is then its lesson, no fault."""


class StatusRange(msgspec.Struct, frozen=True):
    """HTTP statuses from `first` to `last`, both included."""

    first: int
    last: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a run does. Times in nanoseconds."""

    scenario: str
    transport: str
    workload: Workload
    target: str
    """Base URL of the target."""
    requests: tuple[Request, ...]
    stages: tuple[Stage, ...]
    address: str | None = None
    """The IP address to which every connection goes, whatever the name in the URL stands for by then.

    None: the URL's own host. The host chooses it before the load."""
    duration_ns: int | None = None
    """The measurement window of a stage; None where a number of requests ends it."""
    warmup_ns: int = 0
    drain_ns: int = 10 * NS_PER_S
    """How long after the end of a stage replies are waited for."""
    think_ns: int = 0
    """A closed user's mean pause between a reply and the next request's due moment."""
    think_shape: Shape = Fixed()
    """How these pauses lie about their mean."""
    ramp_up_ns: int | None = None
    """Over which the users of a closed stage start. None: spread as if they had been thinking for ever."""
    keep_alive: bool = True
    """Whether a connection serves one request after another; otherwise each request closes its own."""
    idle_limit_ns: int = IDLE_LIMIT_NS
    """How long a kept connection may be idle before it is closed and another one opened."""
    timeout_ns: int = 10 * NS_PER_S
    connect_timeout_ns: int = 5 * NS_PER_S
    expect_status: tuple[StatusRange, ...] = (StatusRange(200, 399),)
    """A complete response with any other status is an `http_error`."""
    max_errors_ratio: float | None = 0.01
    """Of the requests that a stage sends; where more fail the run FAILs. None: however many."""
    spacing: Spacing = Spacing.CONSTANT
    """How an open stage's arrivals lie between one another."""
    max_in_flight: int | None = None
    """Of an open stage, all processes together."""
    when_full: WhenFull = WhenFull.DROP
    stop_when_lost_ns: int | None = None
    """How long nothing may be answered while requests fail before the run ends; None: it goes on."""
    processes: int = 1
    seed: int = 1
    secret_headers: tuple[str, ...] = ()
    """Headers whose values are neither kept nor told, besides those of which it always holds."""
    secret_query: tuple[str, ...] = ()
    """The same of query parameters."""
    keep_bodies: bool = False
    """Whether bodies are kept and told, and not their lengths alone."""

    def arrivals(self, stage: Stage) -> Arrivals:
        """Return the schedule of an open stage, which begins with its warm-up, at its first rate."""
        if stage.rate_hz is None:
            raise ValueError(f"stage {stage.label} has no rate")
        profile: Constant | Ramp = Constant(stage.rate_hz)
        if stage.rate_to_hz is not None:
            profile = Ramp(stage.rate_hz, stage.rate_to_hz, self.duration_ns or NS_PER_S, self.warmup_ns)
        return Arrivals(profile, self.spacing)

    def expects(self, status: int) -> bool:
        """Tell whether a response with this status is `ok`."""
        return any(span.first <= status <= span.last for span in self.expect_status)

    def problems(self, traits: Traits) -> list[str]:
        """Say everything that is wrong at once, a sentence each; empty where the plan can be run."""
        if found := self._numbers():
            return found
        found = [*self._combination(traits), *self._sizes(), *self._times(), *self._secret_names()]
        for request in self.requests:
            found += request_problems(request) or self._masked(request)
        if not self.requests:
            found.append("--requests-file: it names no request")
        return list(dict.fromkeys(found))

    def _secret_names(self) -> Iterator[str]:
        """Say which names of secrets are not sent: a misspelt one masks nothing.

        A secret may stand there by mistake, so only what can be a name is quoted.
        """
        headers = {name.lower() for request in self.requests for name, _ in request.headers}
        for name in self.secret_headers:
            if not is_header_name(name):
                yield "--secret-header: it takes the name of a header alone, such as X-Key"
            elif name.lower() not in headers:
                yield f"--secret-header: no request has a header {name}; check its name, or leave it out"
        urls = dict.fromkeys(request.url for request in self.requests)
        parameters = {name for url in urls for name in parameter_names(url)}
        for name in self.secret_query:
            if not _PARAMETER.fullmatch(name):
                yield "--secret-query: it takes the name of a query parameter alone, such as key"
            elif parameters.isdisjoint((name.lower(), parameter_name(name))):
                yield f"--secret-query: no request has a parameter {name}; check its name, or leave it out"

    def _masked(self, request: Request) -> Iterator[str]:
        """Say what a request lacks that comes from what was kept of an earlier one."""
        again = f"is masked ({MASK}), as results keep it; give its value"
        for name, value in request.headers:
            masked = value == MASK and is_secret_header(name, self.secret_headers)
            if masked or f"//{MASK}@" in value:
                yield f"--header: {name} {again}"
        if is_masked_url(request.url, self.secret_query):
            yield f"--target: {masked_url(request.url, self.secret_query)!r} {again}"
        if request.body == MASK.encode() or request.body_bytes not in (None, len(request.body)):
            yield "--body: results keep its length alone; give the body"

    def _numbers(self) -> list[str]:
        """Say which numbers are none, or of no use; what they mean together is asked when they are fine."""
        spans = (
            ("--duration", self.duration_ns),
            ("--warmup", self.warmup_ns),
            ("drain_ns", self.drain_ns),
            ("--think", self.think_ns),
            ("--ramp-up", self.ramp_up_ns),
            ("--timeout", self.timeout_ns),
            ("--connect-timeout", self.connect_timeout_ns),
            ("--idle-limit", self.idle_limit_ns),
            ("--stop-when-lost", self.stop_when_lost_ns),
        )
        sizes = (
            *(("--concurrency", stage.concurrency, MOST_USERS) for stage in self.stages),
            *(("--requests", stage.requests, MOST_REQUESTS) for stage in self.stages),
            ("--max-in-flight", self.max_in_flight, MOST_USERS),
            ("--processes", self.processes, MOST_PROCESSES),
            ("--seed", self.seed, MOST_SEED),
        )
        rates = [rate for stage in self.stages for rate in (stage.rate_hz, stage.rate_to_hz)]
        found = [
            *(span_problem(option, span_ns) for option, span_ns in spans),
            *(size_problem(option, size, most) for option, size, most in sizes),
            *(rate_problem("--rate", rate) for rate in rates),
            *(weight_problem("--requests-file", request.weight) for request in self.requests),
            self.think_shape.problem("--think"),
            ratio_problem("--max-errors", self.max_errors_ratio),
            *(statuses_problem("--expect-status", span.first, span.last) for span in self.expect_status),
        ]
        if not self.expect_status:
            found.append("--expect-status: it names no status")
        return list(dict.fromkeys(problem for problem in found if problem is not None))

    def _combination(self, traits: Traits) -> list[str]:
        found = []
        if self.transport == "null":
            found += [
                f"{option}: --transport null contacts no target; leave it out" for option in self._of_target()
            ]
        if self.transport not in traits.transports:
            takes = _listed(traits.transports)
            found.append(f"--transport: {traits.name} cannot use {self.transport!r}; it takes {takes}")
        if self.workload not in traits.workloads:
            takes = _listed(traits.workloads)
            found.append(f"--workload: {traits.name} cannot carry {str(self.workload)!r}; it takes {takes}")
        if self.processes > 1 and not traits.many_processes:
            found.append(f"--processes: {traits.name} runs in one process; pool takes more")
        if traits.client_per_request and self.idle_limit_ns != IDLE_LIMIT_NS:
            found.append(
                f"--idle-limit: {traits.name} opens a client for each request and closes it after the answer,"
                " so no connection is idle; leave it out"
            )
        if traits.single_user and any((stage.concurrency or 1) > 1 for stage in self.stages):
            found.append(
                f"--concurrency: {traits.name} has one request in flight at a time; give 1, or leave it out"
            )
        return found

    def _of_target(self) -> Iterator[str]:
        """Give the options that were set and mean nothing without a target."""
        if self.stop_when_lost_ns is not None:
            yield "--stop-when-lost"
        if not self.keep_alive:
            yield "--no-keep-alive"
        if self.idle_limit_ns != IDLE_LIMIT_NS:
            yield "--idle-limit"

    def _sizes(self) -> list[str]:
        found = [problem for stage in self.stages for problem in self._size(stage)]
        if not self.stages:
            found.append("--concurrency: there is no stage to run")
        if self.processes < 1:
            found.append("--processes: it starts at 1")
        if self.max_in_flight is not None and self.max_in_flight < self.processes:
            found.append("--max-in-flight: it must be at least one for each process")
        return found

    def _size(self, stage: Stage) -> list[str]:
        match self.workload:
            case Workload.CLOSED:
                found = _closed_size(stage)
            case Workload.OPEN:
                found = _open_size(stage)
            case Workload.BATCH:
                found = _batch_size(stage)
        if stage.rate_hz is not None and self.workload is not Workload.OPEN:
            found.append(f"--rate: {_a(self.workload)} workload has none; --workload open does")
        if any(size is not None and size < 1 for size in (stage.concurrency, stage.requests)):
            found.append("--concurrency and --requests: they start at 1")
        return found

    def _times(self) -> list[str]:
        found = self._end()
        if self.think_ns and self.workload is not Workload.CLOSED:
            found.append(f"--think: {_a(self.workload)} workload has no users that think")
        if self.ramp_up_ns is not None:
            found += self._ramp_up()
        if self.duration_ns is not None and self.duration_ns <= 0:
            found.append("--duration: it must be more than 0")
        return found + self._limits()

    def _ramp_up(self) -> list[str]:
        """Say where users would not have started when the measured window begins."""
        ramp_ns = self.ramp_up_ns or 0
        if self.workload is not Workload.CLOSED:
            return [f"--ramp-up: {_a(self.workload)} workload has no users that start"]
        if self.duration_ns is not None and ramp_ns > max(self.warmup_ns, self.think_ns):
            least = show_ns(ramp_ns).replace(" ", "")
            return [f"--ramp-up: users would still start in the window; use --warmup {least} or longer"]
        return []

    @property
    def starts_together(self) -> bool:
        """Whether the users of a closed stage all start at the barrier."""
        return not (self.think_ns if self.ramp_up_ns is None else self.ramp_up_ns)

    @property
    def in_step(self) -> bool:
        """Whether users that think may send together, because they start over less than a think time."""
        return self.ramp_up_ns is not None and self.ramp_up_ns < self.think_ns

    def _limits(self) -> list[str]:
        found = []
        if self.timeout_ns <= 0:
            found.append("--timeout: it must be more than 0")
        elif self.connect_timeout_ns <= 0:
            found.append("--connect-timeout: it must be more than 0")
        elif self.connect_timeout_ns > self.timeout_ns:
            found.append(
                "--connect-timeout: it is longer than --timeout, which holds for all of a request; make it"
                f" {show_ns(self.timeout_ns)} or less, or --timeout longer"
            )
        if self.idle_limit_ns <= 0:
            found.append("--idle-limit: it must be more than 0; --no-keep-alive keeps no connection")
        if self.stop_when_lost_ns == 0:
            found.append("--stop-when-lost: it must be more than 0")
        return found

    def _end(self) -> list[str]:
        """Say what is wrong with how a stage begins and ends."""
        by_count = all(stage.requests is not None for stage in self.stages)
        match self.workload:
            case Workload.CLOSED if self.stages and (self.duration_ns is None) != by_count:
                return ["--duration or --requests: a closed workload ends by one of the two"]
            case Workload.CLOSED if by_count and self.warmup_ns:
                return ["--warmup: a stage that ends by --requests has none; every request counts"]
            case Workload.OPEN if self.duration_ns is None:
                return ["--duration: an open workload ends by it"]
            case Workload.OPEN if (
                self.warmup_ns and self.stages and not any(stage.rate_hz for stage in self.stages)
            ):
                return ["--warmup: a ramp from 0 has nothing to warm up with; leave it out"]
            case Workload.BATCH:
                found = []
                if self.duration_ns is not None:
                    found.append("--duration: a batch ends with its last reply")
                if self.warmup_ns:
                    found.append("--warmup: a batch has none")
                return found
        return []

    def with_target(self, target: str, address: str | None = None) -> Self:
        """Return the same plan with every request, its path unchanged, at the host of this base URL.

        `address` is the IP address that is loaded where the host is a name.
        """
        origin, _ = origin_and_rest(target)
        moved = tuple(
            msgspec.structs.replace(request, url=origin + origin_and_rest(request.url)[1])
            for request in self.requests
        )
        return msgspec.structs.replace(self, target=target, requests=moved, address=address)


def _closed_size(stage: Stage) -> list[str]:
    if stage.concurrency is None:
        return ["--concurrency: a closed workload needs it"]
    return []


def _open_size(stage: Stage) -> list[str]:
    found = []
    if (stage.concurrency, stage.requests) != (None, None):
        found.append("--concurrency and --requests: an open workload has --rate instead")
    if stage.rate_hz is None:
        found.append("--rate: an open workload needs it")
    elif not stage.rate_hz and not stage.rate_to_hz:
        found.append("--rate: at 0 a second nothing is sent; only one end of a ramp may be 0, as in 0:50")
    return found


def _batch_size(stage: Stage) -> list[str]:
    found = []
    if stage.concurrency is not None:
        found.append("--concurrency: a batch has none; --requests is its size")
    if stage.requests is None:
        found.append("--requests: a batch needs it: it is its size")
    elif stage.requests > MOST_USERS:
        found.append(f"--requests: a batch of {stage.requests:,} is more than {MOST_USERS:,}")
    return found


def url_problems(url: str, option: str = "--target") -> list[str]:
    """Say what keeps a URL from being requested."""
    try:
        read_url(url)
    except ValueError as error:
        return [f"{option}: {masked_url(url)!r} {error}"]
    return []


def request_problems(request: Request) -> list[str]:
    """Say what keeps a request from being sent as it is."""
    names = [name for name, _ in request.headers]
    found = [
        method_problem(request.method, "--method"),
        *(header_problem(name, value, "--header") for name, value in request.headers),
        host_problem(names, "--header"),
    ]
    return [*url_problems(request.url), *(problem for problem in found if problem is not None)]


def _listed(names: tuple[str, ...]) -> str:
    return " or ".join(str(name) for name in names)


def _a(workload: Workload) -> str:
    return f"{'an' if workload is Workload.OPEN else 'a'} {workload}"
