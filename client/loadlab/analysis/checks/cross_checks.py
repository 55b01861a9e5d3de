"""Two measurements of the same thing: where they disagree, one of them is wrong. Pure.

docs/method.md gives each formula its source.
"""

import math

from loadlab.analysis import unknown
from loadlab.analysis.checks.check import (
    AGREEMENT,
    NO_ACCOUNT,
    CheckInput,
    edges,
    lost,
    make_check,
    too_little,
    unanswered,
)
from loadlab.clock import NS_PER_S
from loadlab.results.result import Check, StageResult
from loadlab.units import format_number, show_ns


def little(case: CheckInput) -> Check:
    """Compare what was seen in flight with what the requests' own stamps say."""
    stage = case.stage
    sampled, flown = stage.in_flight_mean, stage.in_flight_by_stamps
    noise = unknown.noise(stage.in_flight_error or 0.0, flown or 0.0)
    untestable = too_little(case)
    if sampled is None:
        untestable = untestable or stage.unknown.get(unknown.IN_FLIGHT, "what is in flight is unknown")
    elif noise > unknown.MOST_NOISE:
        untestable = untestable or "too few samples met a request"
    return make_check(
        name="little",
        metric="in flight as sampled against throughput x mean time in flight",
        limit=AGREEMENT + noise,
        actual=abs(sampled - flown) / flown if sampled is not None and flown else None,
        unit="relative",
        untestable=untestable,
        ok="Little's law holds: the sampled number of requests in flight matches their timestamps",
        fail=f"{format_number(sampled)} requests in flight were sampled, their timestamps say"
        f" {format_number(flown)}: one of the two is wrong because the client was disturbed. Repeat the run"
        " on a calmer machine",
    )


def target_count(case: CheckInput) -> Check:
    """Compare the target's own counter with what was sent."""
    stage = case.stage
    counted = stage.target.requests_in_stage if stage.target else None
    sent = stage.sent_total + stage.sent_aside
    untestable = lost(case) or (NO_ACCOUNT if counted is None else None)
    if stage.answered_total != stage.sent_total:
        untestable = untestable or "not every request had an answer, so the target may have seen fewer"
    surplus = None if counted is None else counted - sent
    return make_check(
        name="target_count",
        metric="requests that the target counted beyond those sent",
        operator="==",
        limit=0,
        actual=surplus,
        unit="requests",
        untestable=untestable,
        ok="the target counted every request that was sent, and no other",
        fail=f"the target counted {counted or 0:,} requests, the client sent {sent:,}: "
        + (
            "another client loads the target, too, or something repeats requests"
            if (surplus or 0) > 0
            else "a cache or proxy answered some of them, or the target lost count"
        ),
    )


def target_busy(case: CheckInput) -> Check:
    """Compare the target's busy threads with throughput x S."""
    stage, target = case.stage, case.stage.target
    busy = target.busy_threads_mean if target else None
    expected = stage.throughput_hz * target.thread_ns / NS_PER_S if target and target.thread_ns else None
    return make_check(
        name="target_busy",
        metric="busy threads of the target against throughput x S",
        limit=AGREEMENT + edges(case),
        actual=abs(busy - expected) / expected if busy is not None and expected else None,
        unit="relative",
        untestable=too_little(case)
        or (NO_ACCOUNT if busy is None or not expected else None)
        or (
            "the rate changes over the window, which the target's counters match only roughly"
            if stage.rate_to_hz is not None
            else None
        )
        or unanswered(case),
        ok="the target's threads were busy with this client's requests",
        fail=f"{format_number(busy)} threads of the target were busy on average, this client's requests"
        f" explain {format_number(expected)}: another client loads it, too, or the two windows differ",
    )


def target_inside(case: CheckInput) -> Check:
    """Compare queue and handler, by the target, with the service time; the rest is on the way.

    Request by request where the answers bear the target's stamp, otherwise the means of the window.
    """
    return _mean_inside(case) if case.stage.time_outside_target_ns is None else _each_inside(case.stage)


def _each_inside(stage: StageResult) -> Check:
    outside = stage.time_outside_target_ns
    assert outside is not None, "answers bear stamps"
    return make_check(
        name="target_inside",
        metric="answers whose queue + handler time (Server-Timing) is longer than their service time",
        operator="==",
        limit=0,
        actual=stage.stamps_over_service,
        unit="requests",
        ok=f"the target's own time fits into the service time of each of the {outside.count:,} answers that"
        f" report it; the network and the client take {show_ns(outside.mean)} on average",
        fail=f"the target reports a longer time than the client measured for {stage.stamps_over_service:,} of"
        f" {outside.count:,} answers: one of the two clocks is wrong",
    )


def _mean_inside(case: CheckInput) -> Check:
    target, service_ns = case.stage.target, case.stage.service_ns.mean
    inside_ns = None
    if target and target.handler_ns is not None and target.queue_ns is not None:
        inside_ns = target.queue_ns + target.handler_ns
    rest_ns = service_ns - inside_ns if service_ns and inside_ns is not None else None
    return make_check(
        name="target_inside",
        metric="mean queue + handler time in the target, of the mean service time",
        limit=1 + AGREEMENT + edges(case),
        actual=inside_ns / service_ns if service_ns and inside_ns is not None else None,
        unit="of the service time",
        untestable=too_little(case) or (NO_ACCOUNT if rest_ns is None else None) or unanswered(case),
        ok="the target's own times fit into the service time; the network and the client take"
        f" {show_ns(max(0.0, rest_ns or 0.0))} on average",
        fail=f"the target reports {show_ns(inside_ns)} for a request, the client measured only"
        f" {show_ns(service_ns)}: one of the two clocks is wrong",
    )


def bound(case: CheckInput) -> Check:
    """Compare the throughput with what the target's threads allow."""
    stage, theory, target = case.stage, case.stage.theory, case.stage.target
    slots = target.slots if target else None
    most_hz = theory.bound_hz if theory else None
    if not case.plan.workload.traits.has_users:
        # Arrivals of a stretch may be more than the nominal rate has; a batch's requests have no rate at all.
        most_hz = slots / theory.service_ns * NS_PER_S if theory and slots else None
    chance = _thinking(case)
    untestable = NO_ACCOUNT if most_hz is None else too_little(case)
    if chance > unknown.MOST_NOISE:
        untestable = untestable or "too few random think times to know how much the users can ask for"
    return make_check(
        name="bound",
        metric="throughput against its physical bound",
        limit=1 + AGREEMENT + max(edges(case), chance),
        actual=stage.throughput_hz / most_hz if most_hz else None,
        unit="of the bound",
        untestable=untestable,
        ok="the throughput is within what the target's threads allow",
        fail=f"{format_number(stage.throughput_hz)} requests a second are more than the"
        f" {format_number(most_hz)} that the target's threads allow: the measured S or throughput is"
        " wrong",
    )


def _thinking(case: CheckInput) -> float:
    """Return how far the rate of users that think may be above N / (S + Z) in a window, as a share.

    Each of them may have one more request in it, and random pauses may be shorter than their mean: of a
    renewal process the count's standard deviation is that of the pauses over their mean, by the root of the
    count (Cox, *Renewal Theory*, 1962, section 3.3).
    """
    plan, stage = case.plan, case.stage
    completions = stage.throughput_hz * stage.window_ns / NS_PER_S
    if not plan.think_ns or not completions:
        return 0.0
    random = unknown.SIGMAS * plan.think_shape.variation / math.sqrt(completions)
    # Users in step all have it; those that are spread over a pause have it in turns.
    return random + (1.0 if plan.in_step else 0.0) * (stage.concurrency or 1) / completions
