"""How much a plan that comes over the network may ask for.

A client that reaches the agent's port and has its token may make load, within these bounds. Over the unix
socket, where a person of this machine asks, the plan's own limits hold alone.
"""

import math
from collections.abc import Iterator

import msgspec

from loadlab.clock import NS_PER_S
from loadlab.units import show_ns
from loadlab.workload.plan import Plan


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most of each."""

    body_bytes: int = 256 * 1024
    """Of what is posted."""
    stages: int = 64
    users: int = 10_000
    """Of a closed stage; also requests of a batch, and of an open stage in flight."""
    requests: int = 1_000_000
    """Of a stage that counts them."""
    rate_hz: int = 100_000
    """Arrivals per second of an open stage."""
    seconds: int = 3600
    """All stages together, with their warm-ups, and what they may wait for their last replies."""
    timeout_seconds: int = 120
    processes: int = 64
    kinds: int = 100
    """Different requests of a plan."""
    headers: int = 64
    """Of a request."""

    def problems(self, plan: Plan) -> list[str]:
        """Say everything that is too much, a sentence each."""
        return [
            f"{what}: {asked} is more than {most}, the most that the agent takes"
            for what, asked, most in self._over(plan)
        ]

    def stops_after_s(self, plan: Plan) -> int | None:
        """Return when a run that requests end is stopped; None where the plan itself says its time."""
        return self.seconds if plan.duration_ns is None else None

    def _over(self, plan: Plan) -> Iterator[tuple[str, str, str]]:
        stages = plan.stages
        users = max((stage.concurrency or 0 for stage in stages), default=0)
        batch = max((stage.requests or 0 for stage in stages if stage.concurrency is None), default=0)
        counted = max((stage.requests or 0 for stage in stages if stage.concurrency is not None), default=0)
        rate_hz = max((max(stage.rate_hz or 0, stage.rate_to_hz or 0) for stage in stages), default=0)
        sizes: tuple[tuple[str, float, int], ...] = (
            ("stages", len(stages), self.stages),
            ("--concurrency", users, self.users),
            ("--requests", batch, self.users),
            ("--requests", counted, self.requests),
            ("--rate", rate_hz, self.rate_hz),
            ("--max-in-flight", _in_flight(plan), self.users),
            ("--processes", plan.processes, self.processes),
            ("requests of different kinds", len(plan.requests), self.kinds),
            ("headers", max((len(each.headers) for each in plan.requests), default=0), self.headers),
        )
        for what, asked, most in sizes:
            if asked > most:
                yield what, "no limit" if asked == math.inf else f"{asked:,}", f"{most:,}"
        spans = (
            ("--timeout", plan.timeout_ns, self.timeout_seconds),
            ("--think", plan.think_ns, self.seconds),
            ("--ramp-up", plan.ramp_up_ns or 0, self.seconds),
            ("--duration with --warmup and --timeout, of all stages", _longest_ns(plan), self.seconds),
            ("--think × --requests / --concurrency, of all stages", _thinking_ns(plan), self.seconds),
        )
        for what, asked_ns, most_s in spans:
            if asked_ns > most_s * NS_PER_S:
                yield what, show_ns(asked_ns), show_ns(most_s * NS_PER_S)


def _in_flight(plan: Plan) -> float:
    """Return how many requests of an open stage may be in flight; without a limit, any number."""
    if "max_in_flight" not in plan.workload.traits.takes:
        return 0
    return math.inf if plan.max_in_flight is None else plan.max_in_flight


def _longest_ns(plan: Plan) -> int:
    """Return how long the plan may take at most, where its end is by time."""
    return len(plan.stages) * (plan.warmup_ns + (plan.duration_ns or 0) + plan.drain_ns)


def _thinking_ns(plan: Plan) -> int:
    """Return how long the users of stages that count requests think at least, one stage after the other."""
    pauses = sum(
        (stage.requests - 1) // stage.concurrency
        for stage in plan.stages
        if stage.requests and stage.concurrency
    )
    return pauses * plan.think_ns
