"""What arithmetic expects of a stage. Pure; docs/method.md gives the reasons."""

import math

from loadlab.clock import NS_PER_S
from loadlab.workload.plan import Plan, Stage
from loadlab.workload.traits import Traits


def most_in_flight(plan: Plan, stage: Stage, traits: Traits) -> int:
    """Return how many requests the scenario can have in flight at once: k."""
    if traits.single_user or traits.blocks_loop:
        return 1
    size = stage.concurrency or stage.requests or 1
    if traits.tasks_per_process is not None:
        return min(size, plan.processes * traits.tasks_per_process)
    return size


def bound_hz(users: int, slots: int | None, service_ns: float, think_ns: int) -> float:
    """Return the most that N users can get through when so many requests can be served at once.

    min(N / (S + Z), slots / S): the asymptotic bounds of a closed system (Lazowska et al., Quantitative
    System Performance, 1984, section 5.2). `slots` is None where neither side has a limit.
    """
    by_users = users / (service_ns + think_ns) * NS_PER_S
    return by_users if slots is None else min(by_users, slots / service_ns * NS_PER_S)


def makespan_ns(requests: int, in_flight: int, slots: int | None, service_ns: float) -> float:
    """Return how long a batch takes: ceil(N / min(k, slots)) rounds of S.

    Exact for one worker and a constant S, and for several workers, which share no queue, a lower bound.
    Where S varies there are no rounds and it is a guide: only N x S / min(k, slots) is a bound then.
    """
    side_by_side = in_flight if slots is None else min(in_flight, slots)
    return math.ceil(requests / side_by_side) * service_ns
