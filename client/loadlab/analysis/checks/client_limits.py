"""Was the client the limit? Each check says what it ran out of and what to do. Pure.

docs/method.md says where each limit comes from.
"""

from loadlab.analysis.checks.check import CheckInput, lost, make_check
from loadlab.analysis.unknown import HIDDEN
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.results.result import Check, StageResult
from loadlab.system.resources import Resource, shortage
from loadlab.units import show_ns
from loadlab.workload.plan import Plan, WhenFull
from loadlab.workload.traits import Traits

CPU_RATIO = 0.9
LAG_NS = NS_PER_MS
LAG_RATIO = 0.05
NOT_SENT_RATIO = 0.01
THROTTLED_RATIO = 0.01
STOLEN_RATIO = 0.05
STALL_NS = 100 * NS_PER_MS
_START_RATIO = 0.01


def client_cpu(case: CheckInput) -> Check:
    """Judge the CPU of the busiest worker in its busiest second."""
    told = [ratio for ratio in case.stage.client.cpu_peak_ratio if ratio is not None]
    full = [ratio for ratio in told if ratio > CPU_RATIO]
    untestable = "the window is too short to measure the client's CPU" if not told else None
    if case.traits.hides_flight:
        untestable = HIDDEN
    return make_check(
        name="client_cpu",
        metric="CPU of a worker in any second",
        limit=CPU_RATIO,
        actual=max(told, default=None),
        unit="cores",
        untestable=untestable,
        ok="no client worker was short of CPU",
        fail=f"{_resource(case.traits, len(full), len(told))} at {max(told, default=0):.0%} of a core:"
        f" {_needs_more_core(case.plan, case.traits, case.cores)}",
    )


def client_core(case: CheckInput) -> Check:
    """Judge the time that a worker ran, or stood ready to run without a core."""
    stage = case.stage
    wanted = max((ratio for ratio in stage.client.cpu_demand_ratio if ratio is not None), default=None)
    busiest = max((ratio for ratio in stage.client.cpu_peak_ratio if ratio is not None), default=0.0)
    waited = max((ratio for ratio in stage.client.waited_ratio if ratio is not None), default=0.0)
    untestable = None if wanted is not None else "the system does not report waits for a core"
    if case.traits.uses_threads:
        untestable = "the scenario's threads wait for one another by design"
    elif busiest > CPU_RATIO:
        untestable = "the worker had a core and used it fully: see client_cpu"
    return make_check(
        name="client_core",
        metric="time that a worker ran or waited for a core, in any second",
        limit=CPU_RATIO,
        actual=wanted,
        unit="of the time",
        untestable=untestable,
        ok="every client worker got a core when it needed one",
        fail=f"a client worker waited for a core for up to {waited:.0%} of a second, and ran for at most"
        f" {busiest:.0%} of one: something else, perhaps the target, runs on the client's cores. Stop it, or"
        " pin client and target to different cores (taskset)",
    )


def client_throttled(case: CheckInput) -> Check:
    """Judge the time that a CPU limit held the client back."""
    return make_check(
        name="client_throttled",
        metric="time that a CPU limit held the client back",
        limit=THROTTLED_RATIO,
        actual=case.stage.client.throttled_ratio,
        unit="of the window",
        untestable="there is no CPU limit on the client, or none that can be read"
        if case.stage.client.throttled_ratio is None
        else None,
        ok="no CPU limit held the client back",
        fail=f"the client's CPU limit held it back for {case.stage.client.throttled_ratio or 0:.0%} of the"
        f" window: raise the limit (CLIENT_CPUS, docker's --cpus), or {_less_load(case.plan)}",
    )


def client_stolen(case: CheckInput) -> Check:
    """Judge the time that a hypervisor gave to others."""
    return make_check(
        name="client_stolen",
        metric="time stolen from the client's cores by the hypervisor",
        limit=STOLEN_RATIO,
        actual=case.stage.client.stolen_ratio,
        unit="of the window",
        untestable="the system does not report it" if case.stage.client.stolen_ratio is None else None,
        ok="the hypervisor took no more CPU time than usual",
        fail=f"the hypervisor gave {case.stage.client.stolen_ratio or 0:.0%} of the client's cores to other"
        " guests: repeat the run, or use a dedicated machine",
    )


def open_files(case: CheckInput) -> Check:
    """Judge whether every connection had a file."""
    count, told = _lacked(case, {Resource.FILES})
    return make_check(
        name="open_files",
        metric="connections refused by the client's own limit of open files",
        limit=0,
        actual=count,
        unit="connections",
        ok="the client had a file descriptor for every connection",
        fail=told,
    )


def client_resources(case: CheckInput) -> Check:
    """Judge whether the client had enough of everything else that a request takes."""
    count, told = _lacked(case, set(Resource) - {Resource.FILES})
    return make_check(
        name="client_resources",
        metric="requests that failed because the client ran out of anything else",
        limit=0,
        actual=count,
        unit="requests",
        ok="the client ran out of nothing that a request needs",
        fail=told,
    )


def _lacked(case: CheckInput, resources: set[Resource]) -> tuple[int, str]:
    """Return how many requests failed because one of these had run out, and how to say it."""
    lacked = [each for each in case.stage.client.shortages if each.resource in resources]
    less = _less_load(case.plan)
    told = [f"{each.count:,} requests: {shortage(each.resource, each.limit, less=less)}" for each in lacked]
    return sum(each.count for each in lacked), f"the client, not the target, failed {'; '.join(told)}"


def loop_stall(case: CheckInput) -> Check:
    """Judge how late a timer of 50 ms came at worst."""
    stall_ns = case.stage.client.loop_stall_max_ns
    by_design = case.traits.blocks_loop or case.traits.hides_flight
    return make_check(
        name="loop_stall",
        metric="lateness of a 50 ms timer of the client",
        limit=STALL_NS,
        actual=stall_ns,
        unit="ns",
        untestable="the scenario blocks its event loop by design" if by_design else None,
        ok="the client's event loop never stalled",
        fail=f"the client's event loop stalled for {show_ns(stall_ns)}: replies in that time were seen late,"
        " so the highest latencies may be the client's own. Repeat the run on a calmer machine",
    )


def lag(case: CheckInput) -> Check:
    """Judge how late the client itself was: until it sent a request, or found no place for it."""
    own, stage = case.stage.client.own_lag_ns, case.stage
    limit_ns = max(float(LAG_NS), LAG_RATIO * (stage.latency_ns.p50 or 0))
    untestable = None
    if case.plan.workload.traits.at_once:
        untestable = "in a batch all requests are due at once"
    elif case.traits.blocks_loop:
        untestable = "the scenario sends one request after another by design"
    elif own is None or own.p99 is None:
        untestable = "too few requests"
    elif _starts_in_window(case):
        untestable = "all users start at once in the window: use --warmup with --duration"
    return make_check(
        name="lag",
        metric="p99 of sent - due, without waits at --max-in-flight",
        limit=limit_ns,
        actual=own.p99 if own else None,
        unit="ns",
        untestable=untestable,
        ok="the client sent on time",
        fail=f"the client sent 1 % of requests over {show_ns(own.p99 if own else None)} late (limit"
        f" {show_ns(limit_ns)}: 5 % of p50, at least 1 ms): {_late_because(case)}",
    )


def schedule(case: CheckInput) -> Check:
    """Compare the arrivals by arithmetic with those that were accounted for."""
    due, scheduled = case.stage.due or 0, case.stage.counts.scheduled
    return make_check(
        name="schedule",
        metric="arrivals of the schedule that were not accounted for",
        operator="==",
        limit=0,
        actual=due - scheduled,
        unit="requests",
        untestable=lost(case),
        ok="every arrival of the schedule has an outcome",
        fail=f"the client handled only {scheduled:,} of the {due:,} arrivals of its schedule:"
        f" {_less_load(case.plan)}",
    )


def sent(case: CheckInput) -> Check:
    """Judge how many arrivals the client had no time to send."""
    counts = case.stage.counts
    unsent = counts.dropped - case.stage.refused
    return make_check(
        name="sent",
        metric="arrivals that the client did not send although --max-in-flight was not reached",
        limit=NOT_SENT_RATIO + (_on_its_way(case.stage) / counts.scheduled if counts.scheduled else 0),
        actual=unsent / counts.scheduled if counts.scheduled else None,
        unit="of the arrivals",
        untestable=lost(case) or (None if counts.scheduled else "no request was due"),
        ok="the client sent every request that was due",
        fail=f"{unsent:,} of {counts.scheduled:,} arrivals were never sent: {_late_because(case)}",
    )


def places(case: CheckInput) -> Check:
    """Judge how many arrivals found the limit of requests in flight reached."""
    counts, limit = case.stage.counts, case.plan.max_in_flight or 0
    waits = case.plan.when_full is WhenFull.WAIT
    without = case.stage.refused + (case.stage.waited if waits else 0)
    became = (
        "and they were sent late: use a higher --max-in-flight to ask the target for the whole rate"
        if waits
        else "and they were dropped, so latencies are those of the others: the target did not keep up, or"
        " --max-in-flight is too low"
    )
    return make_check(
        name="places",
        metric=f"arrivals {'that waited' if waits else 'dropped'} because --max-in-flight was reached",
        limit=NOT_SENT_RATIO,
        actual=without / counts.scheduled if counts.scheduled else None,
        unit="of the arrivals",
        untestable=None if counts.scheduled else "no request was due",
        ok="--max-in-flight was hardly ever reached",
        fail=f"--max-in-flight ({limit:,}) was reached for {without:,} of {counts.scheduled:,} requests,"
        f" {became}",
    )


def _on_its_way(stage: StageResult) -> float:
    """Return how many arrivals a halt may meet between due and sent: the next of each worker, and 1 ms's."""
    if not stage.halted:
        return 0
    return stage.processes + max(stage.rate_hz or 0, stage.rate_to_hz or 0) * LAG_NS / NS_PER_S


def _late_because(case: CheckInput) -> str:
    client = case.stage.client
    busiest = max((ratio for ratio in client.cpu_peak_ratio if ratio is not None), default=0.0)
    waited = max((ratio for ratio in client.waited_ratio if ratio is not None), default=0.0)
    if busiest > 0.5 and busiest > waited:
        advice = _needs_more_core(case.plan, case.traits, case.cores)
        return f"{_resource(case.traits, 1, 1)} at {busiest:.0%} of a core in its busiest second; {advice}"
    if waited > 0.1:
        return (
            f"the client waited for a core for up to {waited:.0%} of a second; stop what else runs on its"
            " cores, or pin client and target to different cores (taskset)"
        )
    return f"the client's event loop was held up; {_less_load(case.plan)}, or a calmer machine"


def _starts_in_window(case: CheckInput) -> bool:
    users, scheduled = case.stage.concurrency, case.stage.counts.scheduled
    together = case.plan.starts_together and not case.plan.warmup_ns
    return together and bool(users) and (users or 0) > _START_RATIO * scheduled


def _resource(traits: Traits, full: int, workers: int) -> str:
    """Name what is used up, with its verb: of so many workers so many."""
    one = "one Python interpreter is" if traits.uses_threads else "one event loop is"
    if workers == 1:
        return one
    many = "Python interpreters" if traits.uses_threads else "event loops"
    return f"{full} of {workers} {many} {'is' if full == 1 else 'are'}"


def _needs_more_core(plan: Plan, traits: Traits, cores: float) -> str:
    """Say what gives this load more of a processor."""
    ways = []
    if traits.many_processes and plan.processes + 0.5 < cores:
        ways.append(f"--processes {int(cores)}")
    elif not traits.many_processes and cores > 1.5:
        ways.append("SCENARIO=pool")
    transport = traits.transport(plan.transport)
    lighter = [each.name for each in traits.transports if each.light and each.contacts_target]
    if transport is not None and not transport.light and lighter:
        ways.append(f"--transport {lighter[0]}")
    elif transport is not None and transport.blocks and cores <= 1.5:
        ways.append("SCENARIO=task")
    if not ways:
        return f"give the client more cores, or {_less_load(plan)}"
    return f"use {' or '.join(ways)}"


def _less_load(plan: Plan) -> str:
    """Say how to ask for less: only an open load has a rate of its own."""
    return plan.workload.traits.less + (" or a longer --think" if plan.think_ns else "")
