"""When one user of a closed stage sends: its first due moment and its pauses. Pure.

Users start as if they had been thinking for ever, each at another point of a pause, so a stage sends at its
steady rate from the barrier on. With a ramp-up they start evenly over that. Every user draws from a stream of
its own, so how many processes carry a stage changes nothing.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from loadlab.workload.plan import Plan, Stage
from loadlab.workload.think import Fixed

_ALL_64 = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Pace(NamedTuple):
    """When a user sends."""

    first_ns: int = 0
    """When its first request is due, counted from the barrier."""
    pauses_ns: Iterator[int] | None = None
    """How long it pauses after each reply; None: not at all."""


AT_ONCE = Pace()


def pace(plan: Plan, stage: Stage, user: int) -> Pace:
    """Return the pace of a closed stage's user, who are counted from 0 over all processes."""
    if not plan.think_ns and not plan.ramp_up_ns:
        return AT_ONCE
    share = user / (stage.concurrency or 1)
    chances = _chances(plan.seed, user)
    mean_ns, shape = plan.think_ns, plan.think_shape
    if plan.ramp_up_ns is None:
        first_ns = round(mean_ns * shape.rest(share, next(chances)))
    else:
        first_ns = round(plan.ramp_up_ns * share)
    if not mean_ns:
        return Pace(first_ns)
    if isinstance(shape, Fixed):
        return Pace(first_ns, itertools.repeat(mean_ns))
    return Pace(first_ns, (round(mean_ns * shape.at(chance)) for chance in chances))


def _chances(seed: int, user: int) -> Iterator[float]:
    """Return random numbers in (0, 1) without end, a stream for each user.

    SplitMix64 (Steele, Lea & Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014): a stream
    is one number, so that a million users can have one each.
    """
    state = _mixed(_mixed(seed & _ALL_64) + user)
    while True:
        state = (state + _GOLDEN) & _ALL_64
        yield ((_mixed(state) >> 11) + 0.5) / (1 << 53)


def _mixed(number: int) -> int:
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _ALL_64
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _ALL_64
    return number ^ (number >> 31)
