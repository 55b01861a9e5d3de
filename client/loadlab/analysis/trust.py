"""Can a stage's numbers be believed? Each check compares two accounts of the same thing, or a limit. Pure.

1. What is the client's own doing is never told as the target's: where the client ran out of something the
   stage is INVALID, and the check says what ran out and what to do.
2. Two accounts that disagree make a stage SUSPECT: one of them is wrong, and nothing here says which.
3. What can't be told is untestable, and what a scenario breaks by design is not held against it.

docs/method.md gives each formula its source and each limit its reason.
"""

import math
from typing import NamedTuple

from msgspec import structs

from loadlab.analysis import steady
from loadlab.analysis.advice import needs_more_core, resource
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.plan import Plan, Traits, Workload
from loadlab.result import Check, CheckOutcome, Finding, StageResult, State
from loadlab.units import show_figure, show_ns

AGREEMENT = 0.03
"""How far two accounts of the same thing may be apart, besides what the window's edges explain."""
CPU_RATIO = 0.9
LAG_NS = NS_PER_MS
LAG_RATIO = 0.05
NOT_SENT_RATIO = 0.01
THROTTLED_RATIO = 0.01
STOLEN_RATIO = 0.05
STALL_NS = 100 * NS_PER_MS
DRIFT_RATIO = 0.1
_LEAST_NS = NS_PER_S
_LEAST_SAMPLES = 30
_SIGMAS = 3
_START_RATIO = 0.01

CLIENTS_OWN = frozenset(
    {"client_cpu", "client_core", "client_throttled", "open_files", "lag", "schedule", "sent"}
)
"""Checks whose failure makes a stage INVALID: the client was its limit."""


class Case(NamedTuple):
    """A stage and what it was meant to be."""

    plan: Plan
    traits: Traits
    cores: float
    """That the client may use."""
    stage: StageResult


def judged(
    plan: Plan, traits: Traits, cores: float, stage: StageResult
) -> tuple[StageResult, tuple[Check, ...]]:
    """Return the stage with its state and with what failed among its findings, and every check of it."""
    found = checks(Case(plan, traits, cores, stage))
    failed = [check for check in found if check.outcome is CheckOutcome.FAIL]
    state = stage.state
    if any(check.name in CLIENTS_OWN for check in failed):
        state = State.INVALID
    elif failed and state is State.VALID:
        state = State.SUSPECT
    findings = (*stage.findings, *(Finding(check.name, check.message) for check in failed))
    return structs.replace(stage, state=state, findings=findings), found


def checks(case: Case) -> tuple[Check, ...]:
    """Return every check of a stage; those that say nothing of its workload are left out."""
    made = [
        client_cpu(case),
        client_core(case),
        client_throttled(case),
        client_stolen(case),
        open_files(case),
        loop_stall(case),
        lag(case),
        little(case),
        target_count(case),
        target_busy(case),
        target_inside(case),
        bound(case),
    ]
    if case.plan.workload is Workload.OPEN:
        made += [schedule(case), sent(case), places(case)]
    if case.plan.workload is not Workload.BATCH:
        made += [stationary(case), warmed_up(case)]
    return tuple(structs.replace(check, stage=case.stage.label) for check in made)


# What the client ran out of


def client_cpu(case: Case) -> Check:
    """CPU of the busiest worker in its busiest second."""
    told = [ratio for ratio in case.stage.client.busiest_ratio if ratio is not None]
    full = [ratio for ratio in told if ratio > CPU_RATIO]
    untestable = "the window is too short to tell what the client's processes took" if not told else None
    if case.traits.hides_flight:
        untestable = "the processes that make the requests come and go unseen"
    return _compared(
        name="client_cpu",
        metric="CPU of a worker in any second",
        limit=CPU_RATIO,
        actual=max(told, default=None),
        unit="cores",
        untestable=untestable,
        means="no worker of the client was short of CPU",
        failed=f"{resource(case.traits, len(full), len(told))} at {max(told, default=0):.0%} of a core:"
        f" {needs_more_core(case.plan, case.traits, case.cores)};"
        " the rate is at least what was measured, and what the target can do is unknown",
    )


def client_core(case: Case) -> Check:
    """Time that a worker ran or stood ready to, without a core."""
    stage = case.stage
    wanted = max((ratio for ratio in stage.client.wanted_ratio if ratio is not None), default=None)
    busiest = max((ratio for ratio in stage.client.busiest_ratio if ratio is not None), default=0.0)
    waited = max((ratio for ratio in stage.client.waited_ratio if ratio is not None), default=0.0)
    untestable = None if wanted is not None else "how long it waits for a core can't be told here"
    if _in_threads(case):
        untestable = "its load is made in threads of their own, whose waits are the scenario's"
    elif busiest > CPU_RATIO:
        untestable = "it had a core and used it up: see client_cpu"
    return _compared(
        name="client_core",
        metric="time that a worker ran or waited for a core, in any second",
        limit=CPU_RATIO,
        actual=wanted,
        unit="of the time",
        untestable=untestable,
        means="every worker of the client got a core when it needed one",
        failed=f"{resource(case.traits, 1, 1)} kept waiting for a core, for up to {waited:.0%} of a second, and"
        f" ran for {busiest:.0%}: something else runs on the client's cores; stop it, or give the client"
        " cores of its own (taskset, CLIENT_CPUS)",
    )


def client_throttled(case: Case) -> Check:
    """Time that a CPU limit held the client back."""
    return _compared(
        name="client_throttled",
        metric="time that a CPU limit held the client back",
        limit=THROTTLED_RATIO,
        actual=case.stage.client.throttled_ratio,
        unit="of the window",
        untestable="there is no CPU limit on the client, or none that can be read"
        if case.stage.client.throttled_ratio is None
        else None,
        means="no CPU limit held the client back",
        failed=f"its CPU limit held the client back for {case.stage.client.throttled_ratio or 0:.0%} of the"
        " window: raise the limit (CLIENT_CPUS, docker's --cpus), or ask for less",
    )


def client_stolen(case: Case) -> Check:
    """Time that a hypervisor gave to others."""
    return _compared(
        name="client_stolen",
        metric="time stolen from the client's cores by the hypervisor",
        limit=STOLEN_RATIO,
        actual=case.stage.client.stolen_ratio,
        unit="of the window",
        untestable="the system does not tell it" if case.stage.client.stolen_ratio is None else None,
        means="the machine's cores were its own",
        failed=f"the hypervisor gave {case.stage.client.stolen_ratio or 0:.0%} of the client's cores to other"
        " guests: repeat the run, or use a machine of its own",
    )


def open_files(case: Case) -> Check:
    """Connections that could not be made for want of a file."""
    exhausted = case.stage.client.files_exhausted
    return _compared(
        name="open_files",
        metric="connections refused by the client's own limit of open files",
        limit=0,
        actual=exhausted,
        unit="connections",
        means="the client had a file for every connection",
        failed=f"the client's limit of open files kept it from making {exhausted:,} connections: raise it with"
        " `ulimit -n`, use more processes, or lower --max-in-flight or --concurrency",
    )


def loop_stall(case: Case) -> Check:
    """The latest that a timer of 50 ms came."""
    stall_ns = case.stage.client.loop_stall_max_ns
    return _compared(
        name="loop_stall",
        metric="lateness of a 50 ms timer of the client",
        limit=STALL_NS,
        actual=stall_ns,
        unit="ns",
        untestable="it holds its loop by design" if case.traits.blocks_loop else None,
        means="the client's event loop always turned",
        failed=f"the client's event loop stood still for {show_ns(stall_ns)}: what came in that time was seen"
        " late, and the highest latencies may be the client's own",
    )


def lag(case: Case) -> Check:
    """How late the client sent, of requests that did not wait for a place."""
    own, stage = case.stage.client.own_lag_ns, case.stage
    limit_ns = max(float(LAG_NS), LAG_RATIO * (stage.latency_ns.p50 or 0))
    untestable = None
    if case.plan.workload is Workload.BATCH:
        untestable = "in a batch all requests are due at once"
    elif case.traits.blocks_loop:
        untestable = "a request waits for the calls before it by design"
    elif own is None or own.p99 is None:
        untestable = "too few requests"
    elif _starts_in_window(case):
        untestable = "the users' common start is in the window: give --warmup, with --duration"
    return _compared(
        name="lag",
        metric="p99 of sent - due, of requests that waited for no place in flight",
        limit=limit_ns,
        actual=own.p99 if own else None,
        unit="ns",
        untestable=untestable,
        means="the client sent when it should",
        failed=f"1 % of the requests went out {show_ns(own.p99 if own else None)} late or more, where"
        f" {show_ns(limit_ns)} is allowed (5 % of p50, at least 1 ms): {_late_because(case)}",
    )


def schedule(case: Case) -> Check:
    """Arrivals by arithmetic against those that were accounted for."""
    due, scheduled = case.stage.due or 0, case.stage.counts.scheduled
    return _compared(
        name="schedule",
        metric="arrivals of the schedule that were not accounted for",
        operator="==",
        limit=0,
        actual=due - scheduled,
        unit="requests",
        untestable=_cut_short(case),
        means="every arrival of the schedule has an outcome",
        failed=f"the schedule has {due:,} arrivals in the window, {scheduled:,} were accounted for: the client did"
        " not get through its schedule; ask for a lower --rate",
    )


def sent(case: Case) -> Check:
    """Arrivals that the client had no time to send."""
    counts = case.stage.counts
    unsent = counts.dropped - case.stage.refused
    return _compared(
        name="sent",
        metric="arrivals that the client did not send, although there was a place for them",
        limit=NOT_SENT_RATIO,
        actual=unsent / counts.scheduled if counts.scheduled else None,
        unit="of the arrivals",
        untestable=_cut_short(case) or (None if counts.scheduled else "nothing was due"),
        means="the client sent what was due",
        failed=f"{unsent:,} of {counts.scheduled:,} arrivals were never sent: {_late_because(case)}",
    )


def places(case: Case) -> Check:
    """Arrivals that found the limit of requests in flight reached."""
    counts, refused = case.stage.counts, case.stage.refused
    return _compared(
        name="places",
        metric="arrivals dropped at the limit of requests in flight",
        limit=NOT_SENT_RATIO,
        actual=refused / counts.scheduled if counts.scheduled else None,
        unit="of the arrivals",
        untestable=None if counts.scheduled else "nothing was due",
        means="arrivals found a place in flight",
        failed=f"{refused:,} of {counts.scheduled:,} arrivals found all {case.plan.max_in_flight or 0:,} places in"
        " flight taken and were dropped, so the latencies are of the others only: the target did not keep up"
        " with this rate, or --max-in-flight is too low for it",
    )


# Two accounts of the same thing


def little(case: Case) -> Check:
    """In flight as it was sampled against in flight by the requests' own stamps."""
    stage = case.stage
    sampled, flown = stage.in_flight_mean, stage.flown_mean
    noise = _SIGMAS * (stage.in_flight_error or 0.0) / flown if flown else 0.0
    return _compared(
        name="little",
        metric="in flight as sampled against throughput x mean time in flight",
        limit=AGREEMENT + noise,
        actual=abs(sampled - flown) / flown if sampled is not None and flown else None,
        unit="relative",
        untestable=_not_steady_enough(case) or ("nobody sees what is in flight" if sampled is None else None),
        means="Little's law holds: what was seen in flight is what the requests' stamps say",
        failed=f"{show_figure(sampled)} requests were seen in flight, their own stamps say {show_figure(flown)}:"
        " one of the two is wrong, so the client's clockwork was disturbed; repeat the run on a calmer machine",
    )


def target_count(case: Case) -> Check:
    """The target's own counter against what was sent."""
    stage = case.stage
    counted = stage.target.requests_in_stage if stage.target else None
    untestable = _lost(case) or (_NO_ACCOUNT if counted is None else None)
    if stage.answered_total != stage.sent_total:
        untestable = untestable or "not every request had an answer, so the target may have seen fewer"
    surplus = None if counted is None else counted - stage.sent_total
    return _compared(
        name="target_count",
        metric="requests that the target counted beyond those sent",
        operator="==",
        limit=0,
        actual=surplus,
        unit="requests",
        untestable=untestable,
        means="the target counted every request that was sent, and no other",
        failed=f"the target counted {counted or 0:,} requests, the client sent {stage.sent_total:,}: "
        + (
            "somebody else loads the target, too, or something repeats requests"
            if (surplus or 0) > 0
            else "something between the two answers in the target's place, or the target lost count"
        ),
    )


def target_busy(case: Case) -> Check:
    """The target's busy threads against throughput x S."""
    stage, target = case.stage, case.stage.target
    busy = target.busy_threads_mean if target else None
    expected = stage.throughput_hz * target.thread_ns / NS_PER_S if target and target.thread_ns else None
    return _compared(
        name="target_busy",
        metric="busy threads of the target against throughput x S",
        limit=AGREEMENT + _edges(case),
        actual=abs(busy - expected) / expected if busy is not None and expected else None,
        unit="relative",
        untestable=_not_steady_enough(case)
        or (_NO_ACCOUNT if busy is None or not expected else None)
        or (
            "the rate changes over the window, whose edges the target's account only nearly meets"
            if stage.rate_to_hz is not None
            else None
        )
        or _unanswered(case),
        means="the target's threads were busy with this client's requests",
        failed=f"{show_figure(busy)} threads of the target were busy on average, this client's requests explain"
        f" {show_figure(expected)}: somebody else loads the target, too, or its account is of other seconds",
    )


def target_inside(case: Case) -> Check:
    """Queue and handler, by the target, within the service time, by the client; the rest is on the way."""
    target, service_ns = case.stage.target, case.stage.service_ns.mean
    inside_ns = None
    if target and target.handler_ns is not None and target.queue_ns is not None:
        inside_ns = target.queue_ns + target.handler_ns
    rest_ns = service_ns - inside_ns if service_ns and inside_ns is not None else None
    return _compared(
        name="target_inside",
        metric="mean queue + handler time in the target, of the mean service time",
        limit=1 + AGREEMENT + _edges(case),
        actual=inside_ns / service_ns if service_ns and inside_ns is not None else None,
        unit="of the service time",
        untestable=_not_steady_enough(case)
        or (_NO_ACCOUNT if rest_ns is None else None)
        or _unanswered(case),
        means=f"the target's own times fit into the service time; {show_ns(max(0.0, rest_ns or 0.0))} of it is"
        " the way there and back",
        failed=f"the target says that a request took it {show_ns(inside_ns)}, the client saw only"
        f" {show_ns(service_ns)}: one of the two clocks or accounts is wrong",
    )


def bound(case: Case) -> Check:
    """Throughput against what the target's threads allow."""
    stage, theory, target = case.stage, case.stage.theory, case.stage.target
    slots = target.workers * target.threads if target and target.workers and target.threads else None
    most_hz = theory.bound_hz if theory else None
    if case.plan.workload is Workload.OPEN:  # arrivals of a stretch may be more than the nominal rate has
        most_hz = slots / theory.service_ns * NS_PER_S if theory and slots else None
    untestable = _NO_ACCOUNT if most_hz is None else _not_steady_enough(case)
    if case.plan.workload is Workload.BATCH:
        untestable = "a batch is measured by its makespan"
    return _compared(
        name="bound",
        metric="throughput against its physical bound",
        limit=1 + AGREEMENT + _edges(case),
        actual=stage.throughput_hz / most_hz if most_hz else None,
        unit="of the bound",
        untestable=untestable,
        means="the throughput is one that the target's threads can have",
        failed=f"{show_figure(stage.throughput_hz)} requests a second are more than the {show_figure(most_hz)} that"
        " the target's threads allow: S or the throughput is not what it seems",
    )


# Is it one state that was measured


def stationary(case: Case) -> Check:
    """The first half of the window against the second."""
    stage = case.stage
    drift = steady.drift(stage.halves)
    untestable = None if drift is not None else "the window has no four whole seconds with enough requests"
    if stage.rate_to_hz is not None:
        untestable = "the rate changes over the window by plan"
    untestable = untestable or _cut_short(case)
    return _compared(
        name="stationary",
        metric="change of throughput or p50 from the window's first half to its second, beyond chance",
        limit=DRIFT_RATIO,
        actual=drift.ratio if drift else None,
        unit="relative",
        untestable=untestable,
        means="both halves of the window show the same",
        failed=f"{drift.what if drift else ''} changed by {drift.ratio if drift else 0:.0%} from the window's first"
        " half to its second, so the figures are of no one state: "
        + (
            "the queue grows, the target does not keep up with this rate"
            if case.plan.workload is Workload.OPEN and drift and drift.what == "p50" and drift.rises
            else "give a longer --warmup and --duration"
        ),
    )


def warmed_up(case: Case) -> Check:
    """Where a steady state begins, by MSER over the window's seconds."""
    stage = case.stage
    seconds = [each for each in stage.slices if each.at_ns + NS_PER_S <= stage.window_ns]
    begins = steady.begins([(each.count, each.p50) for each in seconds])
    untestable = None if begins is not None else "the window has no ten whole seconds with enough requests"
    if stage.rate_to_hz is not None:
        untestable = "the rate changes over the window by plan"
    return _compared(
        name="warmed_up",
        metric="seconds of the window that differ from its steady state",
        limit=0,
        actual=begins,
        unit="s",
        untestable=untestable or _cut_short(case),
        means="the window began in the steady state",
        failed=f"the first {begins or 0} s of the window are not of its steady state: give a --warmup longer by"
        " that",
    )


_NO_ACCOUNT = "the target does not tell it"


def _compared(
    *,
    name: str,
    metric: str,
    limit: float,
    actual: float | None,
    unit: str,
    means: str,
    failed: str,
    operator: str = "<=",
    untestable: str | None = None,
) -> Check:
    if untestable is None and actual is None:
        untestable = "it can't be told"
    holds = actual is not None and (actual == limit if operator == "==" else actual <= limit)
    outcome, message = (CheckOutcome.PASS, means) if holds else (CheckOutcome.FAIL, failed)
    if untestable is not None:
        outcome, message = CheckOutcome.UNTESTABLE, untestable
    return Check(
        name=name,
        metric=metric,
        operator=operator,
        limit=limit,
        actual=actual,
        unit=unit,
        outcome=outcome,
        message=message,
    )


def _edges(case: Case) -> float:
    """Return slots / (X x window): what was in service when the window began is done in it, but for nothing."""
    stage, target = case.stage, case.stage.target
    completions = stage.throughput_hz * stage.window_ns / NS_PER_S
    at_once = stage.concurrency or stage.in_flight_mean or 1
    if target and target.workers and target.threads:
        at_once = min(at_once, target.workers * target.threads)
    return at_once / completions if completions else math.inf


def _late_because(case: Case) -> str:
    client = case.stage.client
    busiest = max((ratio for ratio in client.busiest_ratio if ratio is not None), default=0.0)
    waited = max((ratio for ratio in client.waited_ratio if ratio is not None), default=0.0)
    if busiest > 0.5 and busiest > waited:
        advice = needs_more_core(case.plan, case.traits, case.cores)
        return f"{resource(case.traits, 1, 1)} at {busiest:.0%} of a core in its busiest second; {advice}"
    if waited > 0.1:
        return (
            f"the client waited for a core for up to {waited:.0%} of a second; stop what else runs on its"
            " cores, or give it cores of its own"
        )
    return "its event loop was held up; ask for a lower --rate, or use a calmer machine"


def _in_threads(case: Case) -> bool:
    return case.plan.transport == "requests" and not case.traits.blocks_loop


def _starts_in_window(case: Case) -> bool:
    users, scheduled = case.stage.concurrency, case.stage.counts.scheduled
    return not case.plan.warmup_ns and bool(users) and (users or 0) > _START_RATIO * scheduled


def _lost(case: Case) -> str | None:
    return "a worker was lost" if any(each.name == "worker_lost" for each in case.stage.findings) else None


def _cut_short(case: Case) -> str | None:
    return _lost(case) or ("the run was stopped" if case.stage.halted else None)


def _not_steady_enough(case: Case) -> str | None:
    """Say why means of this window can't be compared with one another."""
    if case.stage.window_ns < _LEAST_NS:
        return "the window is shorter than a second"
    if case.stage.throughput_hz * case.stage.window_ns / NS_PER_S < _LEAST_SAMPLES:
        return "too few requests"
    return _lost(case)


def _unanswered(case: Case) -> str | None:
    if case.plan.workload is Workload.BATCH:
        return "the target's account begins before the batch and ends after it"
    counts = case.stage.counts
    if counts.ok + counts.http_error + counts.dropped != counts.scheduled:
        return "requests without an answer occupied the target, too"
    return None
