"""From the words of a command to a `Plan`: defaults, units. Raises UsageError, never half a plan."""

import difflib
import re
from pathlib import Path

import msgspec

from loadlab import units
from loadlab.clock import NS_PER_S
from loadlab.errors import UsageError
from loadlab.options.requests import headers_of, requested
from loadlab.scenarios import names, scenario
from loadlab.transports import NAMES
from loadlab.workload import think
from loadlab.workload.arrivals import Spacing
from loadlab.workload.capacity import Capacity
from loadlab.workload.fields import label_problem
from loadlab.workload.plan import IDLE_LIMIT_NS, Journeys, Plan, RowOrder, Stage, StatusRange, WhenFull
from loadlab.workload.traits import Traits, Workload, not_taken, sized_by

DEFAULT_CONCURRENCY = (1, 8, 32, 128)
DEFAULT_BATCH = 100
MOST_IN_FLIGHT = 10_000
DEFAULT_DURATION_NS = 5 * NS_PER_S // 2
_CONNECT_TIMEOUT_NS = 5 * NS_PER_S
_MOST_WARMUP_NS = 2 * NS_PER_S

_STATUS = re.compile(r"[0-9]{3}")


class LoadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `loadlab run` that say how to load, as they were written; None where not given.

    None of them names a target, serves one, or reads or writes a file (but `--body @FILE`, `--header @FILE`):
    a client that may start a load from afar may set them.
    """

    scenario: str
    concurrency: str | None = None
    requests: str | None = None
    rate: str | None = None
    arrivals: str | None = None
    max_in_flight: str | None = None
    when_full: str | None = None
    duration: str | None = None
    workload: str | None = None
    transport: str | None = None
    think: str | None = None
    ramp_up: str | None = None
    processes: str | None = None
    warmup: str | None = None
    timeout: str | None = None
    connect_timeout: str | None = None
    idle_limit: str | None = None
    no_keep_alive: bool = False
    stop_when_lost: str | None = None
    path: str | None = None
    method: str | None = None
    header: tuple[str, ...] = ()
    secret_header: tuple[str, ...] = ()
    secret_query: tuple[str, ...] = ()
    body: str | None = None
    keep_bodies: bool = False
    expect_status: str | None = None
    max_errors: str | None = None
    seed: str | None = None
    label: str | None = None


class RunOptions(LoadOptions, frozen=True, kw_only=True):
    """All options of `loadlab run` that make the plan."""

    target: str | None = None
    requests_file: str | None = None
    journeys: str | None = None
    data: str | None = None
    data_order: str | None = None
    header_env: tuple[str, ...] = ()


def traits_of(name: str) -> Traits:
    """Return what the named scenario can do; raise UsageError, with a guess, where there is none."""
    try:
        return scenario(name).TRAITS
    except KeyError:
        raise UsageError(_unknown("SCENARIO", name, names())) from None


def build_plan(words: RunOptions, base: str, capacity: Capacity | None = None) -> Plan:
    """Return the plan against a target at this base URL, for this process unless given another capacity.

    Raises UsageError with everything that is wrong.
    """
    capacity = capacity or Capacity.here()
    traits = traits_of(words.scenario)
    workload = _workload(words, traits)
    by_count = workload.traits.at_once or words.requests is not None
    duration_ns = None if words.duration is None else units.duration_ns(words.duration, "--duration")
    if duration_ns is None and not by_count:
        duration_ns = DEFAULT_DURATION_NS
    stages = _stages(words, workload, traits)
    timeout_ns = _span_ns(words.timeout, "10s", "--timeout")
    think_ns, think_shape = think.read("0s" if words.think is None else words.think, "--think")
    ramp_up_ns = None if words.ramp_up is None else units.duration_ns(words.ramp_up, "--ramp-up")
    headers = headers_of(words.header, words.header_env)
    late_ns = ramp_up_ns if ramp_up_ns is not None and ramp_up_ns > think_ns else 0
    plan = Plan(
        scenario=traits.name,
        transport=one_of("--transport", words.transport, NAMES) or traits.transports[0].name,
        workload=workload,
        target=base,
        requests=()
        if words.journeys is not None
        else requested(
            base,
            path=words.path,
            method=words.method,
            headers=headers.lines,
            body=words.body,
            requests_file=words.requests_file,
        ),
        journeys=journeyed(words, headers.lines, stages),
        stages=stages,
        duration_ns=duration_ns,
        warmup_ns=_warmup_ns(words.warmup, duration_ns, stages, late_ns),
        drain_ns=timeout_ns + NS_PER_S,
        think_ns=think_ns,
        think_shape=think_shape,
        ramp_up_ns=ramp_up_ns,
        timeout_ns=timeout_ns,
        connect_timeout_ns=_connect_timeout_ns(words.connect_timeout, timeout_ns),
        keep_alive=not words.no_keep_alive,
        idle_limit_ns=IDLE_LIMIT_NS
        if words.idle_limit is None
        else units.duration_ns(words.idle_limit, "--idle-limit"),
        stop_when_lost_ns=None
        if words.stop_when_lost is None
        else units.duration_ns(words.stop_when_lost, "--stop-when-lost"),
        expect_status=_statuses(words.expect_status),
        max_errors_ratio=_max_errors_ratio(words.max_errors),
        spacing=Spacing(one_of("--arrivals", words.arrivals, tuple(Spacing)) or Spacing.CONSTANT),
        max_in_flight=_max_in_flight(words.max_in_flight, workload, capacity),
        when_full=WhenFull(one_of("--when-full", words.when_full, tuple(WhenFull)) or WhenFull.DROP),
        processes=_processes(words.processes, traits, capacity),
        seed=1 if words.seed is None else units.count(words.seed, "--seed", least=0),
        secret_headers=tuple(dict.fromkeys((*words.secret_header, *headers.secret))),
        secret_query=words.secret_query,
        keep_bodies=words.keep_bodies,
    )
    if problems := plan.problems(traits) or capacity.problems(plan, traits):
        raise UsageError("\n".join(problems))
    return plan


def journeyed(
    words: RunOptions, headers: tuple[tuple[str, str], ...], stages: tuple[Stage, ...]
) -> Journeys | None:
    """Return the journeys that are named, after a look into their file; None where none are."""
    if words.journeys is None:
        if words.data is not None or words.data_order is not None:
            raise UsageError("--data: it gives rows to the users of --journeys; name these, or leave it out")
        return None
    # Few runs have journeys, and what these import is large.
    from loadlab.journeys.data import read_rows  # noqa: PLC0415
    from loadlab.journeys.journeys_file import load  # noqa: PLC0415

    vain = {"--path": words.path, "--method": words.method, "--body": words.body}
    if given := [option for option, text in vain.items() if text is not None]:
        raise UsageError(f"{', '.join(given)}: --journeys name their requests themselves; leave it out")
    if words.requests_file is not None:
        raise UsageError("--requests-file: --journeys name their requests themselves; leave one of them out")
    order = one_of("--data-order", words.data_order, tuple(RowOrder))
    if words.data is not None:
        rows = len(read_rows(words.data))
        users = max(stage.concurrency or stage.requests or 0 for stage in stages)
        if order == RowOrder.UNIQUE and users > rows:
            raise UsageError(
                f"--data: there are {rows:,} rows for {users:,} users; give more rows, or --data-order cycle"
            )
    elif order is not None:
        raise UsageError("--data-order: it goes with --data; name a file of rows, or leave it out")
    return Journeys(
        file=str(Path(words.journeys).resolve()),
        sha256=load(words.journeys).sha256,
        headers=headers,
        data=None if words.data is None else str(Path(words.data).resolve()),
        data_order=RowOrder(order or RowOrder.CYCLE),
    )


def label_of(words: LoadOptions) -> str | None:
    """Return what the run is called; raise UsageError where nothing can be called that."""
    if words.label is not None and (problem := label_problem(words.label)):
        raise UsageError(problem)
    return words.label


def _span_ns(text: str | None, default: str, option: str) -> int:
    return units.duration_ns(default if text is None else text, option)


def _workload(words: RunOptions, traits: Traits) -> Workload:
    """Return the workload that is named, or that an option asks for alone, or else the scenario's own."""
    given = [name for name, text in msgspec.structs.asdict(words).items() if text is not None]
    name = one_of("--workload", words.workload, tuple(Workload))
    by_size = sized_by("rate") if words.rate is not None else None
    workload = Workload(name) if name else by_size or traits.workloads[0]
    if problem := not_taken(workload, given):
        raise UsageError(problem)
    return workload


def _max_in_flight(text: str | None, workload: Workload, capacity: Capacity) -> int | None:
    if text is not None:
        return units.count(text, "--max-in-flight")
    if "max_in_flight" not in workload.traits.takes:
        return None
    most = capacity.connections
    return MOST_IN_FLIGHT if most is None else max(1, min(MOST_IN_FLIGHT, most))


def _stages(words: RunOptions, workload: Workload, traits: Traits) -> tuple[Stage, ...]:
    sizes = None if words.requests is None else units.counts(words.requests, "--requests")
    if workload.traits.has_schedule:
        return tuple(map(_rate, words.rate.split(","))) if words.rate is not None else (Stage(),)
    if workload.traits.at_once:
        return tuple(Stage(requests=size) for size in sizes or (DEFAULT_BATCH,))
    if sizes is not None and len(sizes) > 1:
        raise UsageError(
            "--requests: a closed workload takes one number, and --concurrency makes its stages; for batches"
            " of these sizes, add --workload batch (make: WORKLOAD=batch)"
        )
    users = None if words.concurrency is None else units.counts(words.concurrency, "--concurrency")
    total = sizes[0] if sizes else None
    default = (1,) if traits.single_user else DEFAULT_CONCURRENCY
    return tuple(Stage(concurrency=count, requests=total) for count in users or default)


def _rate(text: str) -> Stage:
    first, colon, last = text.partition(":")
    rate_to_hz = units.rate_hz(last, "--rate") if colon else None
    return Stage(rate_hz=units.rate_hz(first, "--rate"), rate_to_hz=rate_to_hz)


def _warmup_ns(text: str | None, duration_ns: int | None, stages: tuple[Stage, ...], late_ns: int) -> int:
    """Return the warm-up; by default it begins when the last user has started, which is so late."""
    if text is not None:
        return units.duration_ns(text, "--warmup")
    from_nothing = all(stage.rate_hz == 0 for stage in stages)
    return 0 if duration_ns is None or from_nothing else late_ns + min(duration_ns // 5, _MOST_WARMUP_NS)


def _connect_timeout_ns(text: str | None, timeout_ns: int) -> int:
    if text is not None:
        return units.duration_ns(text, "--connect-timeout")
    return min(timeout_ns, _CONNECT_TIMEOUT_NS)


def _processes(text: str | None, traits: Traits, capacity: Capacity) -> int:
    if text is not None:
        return units.count(text, "--processes")
    return max(1, round(capacity.cpus)) if traits.many_processes else 1


def _statuses(text: str | None) -> tuple[StatusRange, ...]:
    spans = []
    for part in ("200-399" if text is None else text).split(","):
        first, dash, last = part.strip().partition("-")
        span = first, (last if dash else first)
        if not all(_STATUS.fullmatch(end) and 100 <= int(end) <= 599 for end in span) or int(span[0]) > int(
            span[1]
        ):
            raise UsageError(
                f"--expect-status: {part!r} is neither a status from 100 to 599 nor a span; write 200,300-399"
            )
        spans.append(StatusRange(int(span[0]), int(span[1])))
    return tuple(spans)


def _max_errors_ratio(text: str | None) -> float | None:
    if text == "none":
        return None
    return units.ratio("1%" if text is None else text, "--max-errors", instead="none")


def one_of(option: str, text: str | None, known: tuple[str, ...]) -> str | None:
    """Return the text if it is one of those known, or None; raise UsageError, with a guess, otherwise."""
    if text is not None and text not in known:
        raise UsageError(_unknown(option, text, known))
    return text


def _unknown(option: str, text: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!s}?" if near else ""
    return f"{option}: there is no {text!r}.{guess} It takes {', '.join(str(name) for name in known)}."
