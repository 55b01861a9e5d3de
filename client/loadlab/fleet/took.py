"""What a worker took of its core, second by second, from its pulses. Pure."""

import msgspec

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.messages import Pulse

_LEAST_NS = 400 * NS_PER_MS
"""A span shorter than this says nothing of a process's CPU."""
_SECOND_NS = NS_PER_S - 50 * NS_PER_MS
"""Pulses come about every quarter of a second: four of them may be a little less than a second."""


class Took(msgspec.Struct, frozen=True):
    """A worker's use of its core over the window, each as a share of one core."""

    cpu_ratio: float = 0.0
    """CPU time over the whole window."""
    busiest_ratio: float | None = None
    """CPU time in its busiest second, without what it spent awake only to be on time."""
    waited_ratio: float | None = None
    """Time ready to run but without a core, in the second in which that was most."""
    wanted_ratio: float | None = None
    """Both together, in the second in which they were most: 1 is a thread that never rests."""


def took(pulses: list[Pulse]) -> Took:
    """Return what was taken between the first of these pulses and the last, and in the worst second of it."""
    if len(pulses) < 2:
        return Took()
    first, last = pulses[0], pulses[-1]
    span_ns = last.at_ns - first.at_ns
    cpu_ratio = (last.cpu_ns - first.cpu_ns) / span_ns
    if span_ns < _LEAST_NS:
        return Took(cpu_ratio)
    busy, waited, wanted = [], [], []
    for one, other in _seconds(pulses, min(span_ns, _SECOND_NS)):
        length_ns = other.at_ns - one.at_ns
        busy.append((other.cpu_ns - one.cpu_ns - (other.spun_ns - one.spun_ns)) / length_ns)
        if one.waited_ns is not None and other.waited_ns is not None:
            waited.append((other.waited_ns - one.waited_ns) / length_ns)
            wanted.append(busy[-1] + waited[-1])
    return Took(cpu_ratio, max(busy), max(waited, default=None), max(wanted, default=None))


def _seconds(pulses: list[Pulse], length_ns: int) -> list[tuple[Pulse, Pulse]]:
    """Return each pulse with the first that is at least so much later."""
    found = []
    end = 0
    for one in pulses:
        while end < len(pulses) and pulses[end].at_ns - one.at_ns < length_ns:
            end += 1
        if end == len(pulses):
            break
        found.append((one, pulses[end]))
    return found
