"""What shall happen: a `Plan`, immutable, checked as a whole before any load."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Self

import msgspec

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import UsageError
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
from loadlab.workload.traits import Traits, TransportTraits, Workload, as_option, not_taken
from loadlab.workload.url import delay_ns_of, origin_and_rest, read_url, server_of

_PARAMETER = re.compile(r"[^=&;?#/\s]+")
MOST_USERS = 1_000_000
"""Each user, and each request of a batch, takes memory of its own."""
MOST_REQUESTS = 10**15
MOST_PROCESSES = 256
MOST_SEED = 2**63 - 1
IDLE_LIMIT_NS = 900 * NS_PER_MS
"""Below a second, the shortest time for which servers are usually told to keep a connection."""


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


class RowOrder(StrEnum):
    """Which row of data a user has; users are counted over all processes, so no two share one by chance."""

    UNIQUE = "unique"
    """Each user another one; there are no more users than rows."""
    CYCLE = "cycle"
    """The rows in turn, again and again."""
    RANDOM = "random"
    """Any, by the seed."""


class Journeys(msgspec.Struct, frozen=True, kw_only=True):
    """What users do, in a file of Python. Only a command line names one: it is code."""

    file: str
    sha256: str
    """Of the file's bytes: no worker runs another one than was checked."""
    headers: tuple[tuple[str, str], ...] = ()
    """They go out with every request."""
    data: str | None = None
    """A file with a row for each user."""
    data_order: RowOrder = RowOrder.CYCLE


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
    journeys: Journeys | None = None
    """In place of `requests`, which are then none."""
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
        """Say everything that is wrong at once, a sentence each; empty where the plan can be run.

        `traits` are the scenario's. Whether there is room for it, the `Capacity` of a place tells.
        """
        if found := self._numbers():
            return found
        found = [*self._combination(traits), *self._sizes(), *self._times()]
        found += [*self._requests(traits), *self._secret_names()]
        return list(dict.fromkeys(found))

    def _secret_names(self) -> Iterator[str]:
        """Say which names of secrets are not sent: a misspelt one masks nothing.

        A secret may stand there by mistake, so only what can be a name is quoted.
        """
        if self.journeys is not None:
            return  # a journey's own requests may have them
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

    def _requests(self, traits: Traits) -> Iterator[str]:
        """Say what keeps the requests from being sent to the target as they are."""
        transport = traits.transport(self.transport)
        server = server_of(self.target)
        yield from url_problems(self.target)
        for request in self.requests:
            if found := request_problems(request):
                yield from found
                continue
            yield from self._masked(request)
            if server is not None and server_of(request.url) != server:
                url, target = (masked_url(each, self.secret_query) for each in (request.url, self.target))
                yield f"--path: {url!r} is not at the plan's target, {target!r}"
        if not self.requests and self.journeys is None:
            yield "--requests-file: it names no request"
        if transport is not None and not transport.contacts_target:
            yield from self._delays()

    def _delays(self) -> Iterator[str]:
        """Say which delays can't be read of those that the URLs program."""
        for url in (self.target, *(request.url for request in self.requests)):
            try:
                delay_ns_of(url, 0)
            except UsageError as error:
                yield f"--path: {error}"

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
        transport = traits.transport(self.transport)
        if transport is None:
            takes = _listed(each.name for each in traits.transports)
            found.append(f"--transport: {traits.name} cannot use {self.transport!r}; it takes {takes}")
        elif not transport.contacts_target:
            found += [
                f"{option}: --transport {transport.name} contacts no target; leave it out"
                for option in self._of_target()
            ]
        if self.workload not in traits.workloads:
            takes = _listed(traits.workloads)
            found.append(f"--workload: {traits.name} cannot carry {str(self.workload)!r}; it takes {takes}")
        if problem := not_taken(self.workload, self._of_one_workload()):
            found.append(problem)
        if self.journeys is not None:
            found += self._journeys(traits, transport)
        if self.processes > 1 and not traits.many_processes:
            found.append(f"--processes: {traits.name} runs in one process; pool takes more")
        if traits.client_per_request and self.idle_limit_ns != IDLE_LIMIT_NS:
            found.append(
                f"--idle-limit: {traits.name} opens a client for each request and closes it after the answer,"
                " so no connection is idle; leave it out"
            )
        elif not self.keep_alive and self.idle_limit_ns != IDLE_LIMIT_NS:
            found.append("--idle-limit: with --no-keep-alive no connection is idle; leave one out")
        if traits.single_user and any((stage.concurrency or 1) > 1 for stage in self.stages):
            found.append(
                f"--concurrency: {traits.name} has one request in flight at a time; give 1, or leave it out"
            )
        return found

    def _journeys(self, traits: Traits, transport: TransportTraits | None) -> Iterator[str]:
        """Say what can't go with journeys."""
        if not traits.takes_journeys:
            yield f"--journeys: {traits.name} cannot carry them; task and pool can"
        elif transport is not None and not transport.has_sessions:
            takes = _listed(each.name for each in traits.transports if each.has_sessions)
            yield f"--journeys: --transport {transport.name} cannot carry them; {takes} can"
        if self.requests:
            yield "--journeys: they name their requests themselves; leave --requests-file out"
        if self.workload.traits.has_users and any(stage.requests is not None for stage in self.stages):
            yield "--requests: journeys end by --duration; --workload batch takes a number of journeys"

    def _of_target(self) -> Iterator[str]:
        """Give the options that were set and mean nothing without a target."""
        if self.stop_when_lost_ns is not None:
            yield "--stop-when-lost"
        if not self.keep_alive:
            yield "--no-keep-alive"
        if self.idle_limit_ns != IDLE_LIMIT_NS:
            yield "--idle-limit"

    def _of_one_workload(self) -> list[str]:
        """Return the options that were set of those that not every workload has."""
        rates = [rate for stage in self.stages for rate in (stage.rate_hz, stage.rate_to_hz)]
        is_set = {
            "concurrency": any(stage.concurrency is not None for stage in self.stages),
            "requests": any(stage.requests is not None for stage in self.stages),
            "rate": any(rate is not None for rate in rates),
            "duration": self.duration_ns is not None,
            "warmup": self.warmup_ns != 0,
            "think": self.think_ns != 0,
            "ramp_up": self.ramp_up_ns is not None,
            "arrivals": self.spacing is not Spacing.CONSTANT,
            "max_in_flight": self.max_in_flight is not None,
            "when_full": self.when_full is not WhenFull.DROP,
        }
        return [option for option, given in is_set.items() if given]

    def _sizes(self) -> list[str]:
        found = [problem for stage in self.stages for problem in self._size(stage)]
        if not self.stages:
            found.append(f"{as_option(self.workload.traits.size)}: there is no stage to run")
        if self.processes < 1:
            found.append("--processes: it starts at 1")
        if self.max_in_flight is not None and self.max_in_flight < self.processes:
            found.append("--max-in-flight: it must be at least one for each process")
        return found

    def _size(self, stage: Stage) -> Iterator[str]:
        traits = self.workload.traits
        sizes = {"concurrency": stage.concurrency, "requests": stage.requests, "rate": stage.rate_hz}
        if sizes[traits.size] is None:
            yield f"{as_option(traits.size)}: {self._a_workload} needs it: {traits.size_means}"
        elif traits.has_schedule and not stage.rate_hz and not stage.rate_to_hz:
            yield "--rate: at 0 a second nothing is sent; only one end of a ramp may be 0, as in 0:50"
        elif traits.at_once and stage.requests is not None and stage.requests > MOST_USERS:
            yield f"--requests: a batch of {stage.requests:,} is more than {MOST_USERS:,}"
        if any(size is not None and size < 1 for size in (stage.concurrency, stage.requests)):
            yield "--concurrency and --requests: they start at 1"

    @property
    def _a_workload(self) -> str:
        return f"{self.workload.traits.article} {self.workload} workload"

    def _times(self) -> list[str]:
        found = [*self._end(), *self._ramp_up()]
        if self.duration_ns is not None and self.duration_ns <= 0:
            found.append("--duration: it must be more than 0")
        return found + self._limits()

    def _ramp_up(self) -> Iterator[str]:
        """Say where users would not have started when the measured window begins."""
        ramp_ns = self.ramp_up_ns or 0
        late = ramp_ns > max(self.warmup_ns, self.think_ns)
        if self.workload.traits.has_users and self.duration_ns is not None and late:
            least = show_ns(ramp_ns).replace(" ", "")
            yield f"--ramp-up: users would still start in the window; use --warmup {least} or longer"

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

    def _end(self) -> Iterator[str]:
        """Say what is wrong with how a stage begins and ends."""
        traits, by_time = self.workload.traits, self.duration_ns is not None
        by_count = all(stage.requests is not None for stage in self.stages)
        if traits.has_users and self.stages:
            if by_time == by_count:
                yield f"--duration or --requests: {self._a_workload} ends by one of the two"
            elif by_count and self.warmup_ns:
                yield "--warmup: a stage that ends by --requests has none; every request counts"
        if traits.has_schedule:
            if not by_time:
                yield f"--duration: {self._a_workload} ends by it"
            elif self.warmup_ns and self.stages and not any(stage.rate_hz for stage in self.stages):
                yield "--warmup: a ramp from 0 has nothing to warm up with; leave it out"

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


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)
