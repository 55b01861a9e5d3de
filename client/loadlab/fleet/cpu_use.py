"""How a worker used its core, second by second, from its heartbeats. Pure."""

from array import array
from collections.abc import Sequence
from typing import Any, overload

import msgspec
import numpy as np
from msgspec import structs

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.messages import Heartbeat
from loadlab.recording.window import Window

_NEAR_NS = 50 * NS_PER_MS
"""A look at the window's end may come so late: who looks shares an interpreter with a full loop."""
_LEAST_NS = 150 * NS_PER_MS
"""Of a shorter span, looks that come so late leave too little."""
_SECOND_NS = NS_PER_S - 50 * NS_PER_MS
"""Heartbeats come about every quarter of a second: four of them may be a little less than a second."""


_FIELDS = len(Heartbeat.__struct_fields__)
_NONE = -(1 << 62)
"""Stands for None."""


class Heartbeats(Sequence[Heartbeat]):
    """All heartbeats of a worker over a stage, four a second, as raw integers: 72 bytes for each."""

    def __init__(self) -> None:
        self._figures = array("q")

    def append(self, heartbeat: Heartbeat) -> None:
        """Add the latest."""
        self._figures.extend(_NONE if figure is None else figure for figure in structs.astuple(heartbeat))

    def __len__(self) -> int:
        return len(self._figures) // _FIELDS

    @overload
    def __getitem__(self, index: int) -> Heartbeat: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Heartbeat]: ...

    def __getitem__(self, index: int | slice) -> Heartbeat | Sequence[Heartbeat]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        start = range(len(self))[index] * _FIELDS
        kept = self._figures[start : start + _FIELDS]
        figures: list[Any] = [None if figure == _NONE else figure for figure in kept]
        return Heartbeat(*figures)


class CpuUse(msgspec.Struct, frozen=True):
    """A worker's use of its core over the window, each as a share of one core."""

    cpu_ratio: float | None = None
    """CPU time over the whole window; None where it was not heard often enough."""
    cpu_peak_ratio: float | None = None
    """CPU time in its busiest second, without what it spent awake only to be on time."""
    waited_ratio: float | None = None
    """Time ready to run but without a core, in the second in which that was most."""
    cpu_demand_ratio: float | None = None
    """Both together, in the second in which they were most: 1 is a thread that never rests. Of the wait so
    much counts as of the CPU time was work."""


def cpu_use(heartbeats: Sequence[Heartbeat], window: Window) -> CpuUse:
    """Return what was taken in the window, and in the worst second between the heartbeats that lie in it."""
    cpu_ratio = _mean_ratio(heartbeats, window)
    inside = _inside(heartbeats, window)
    span_ns = inside[-1].at_ns - inside[0].at_ns if inside else 0
    if span_ns < _LEAST_NS:
        return CpuUse(cpu_ratio)
    busy, waited, wanted = [], [], []
    for one, other in _seconds(inside, min(span_ns, _SECOND_NS)):
        length_ns = other.at_ns - one.at_ns
        cpu_ns = other.cpu_ns - one.cpu_ns
        worked_ns = cpu_ns - (other.spun_ns - one.spun_ns)
        busy.append(worked_ns / length_ns)
        if one.waited_ns is not None and other.waited_ns is not None:
            waited.append((other.waited_ns - one.waited_ns) / length_ns)
            # Who is awake only to be on time waits for a core, too, and wants it for nothing.
            wanted.append(busy[-1] + waited[-1] * (worked_ns / cpu_ns if cpu_ns else 1.0))
    return CpuUse(cpu_ratio, max(busy), max(waited, default=None), max(wanted, default=None))


def busy_now(heartbeats: Sequence[Heartbeat]) -> float | None:
    """Return the CPU time over the last second or so, without what was spent awake only to be on time."""
    if (span := _last_second(heartbeats)) is None:
        return None
    first, last = span
    return (last.cpu_ns - first.cpu_ns - (last.spun_ns - first.spun_ns)) / (last.at_ns - first.at_ns)


def pace_now(heartbeats: Sequence[Heartbeat]) -> tuple[float, float]:
    """Return how many requests a second were sent, and how many finished, over the last second or so."""
    if (span := _last_second(heartbeats)) is None:
        return 0.0, 0.0
    first, last = span
    length_s = (last.at_ns - first.at_ns) / NS_PER_S
    return (last.sent - first.sent) / length_s, (last.finished - first.finished) / length_s


def _last_second(heartbeats: Sequence[Heartbeat]) -> tuple[Heartbeat, Heartbeat] | None:
    """Return the latest that is a second older than the last, or else the first; and the last."""
    if len(heartbeats) < 2 or heartbeats[0].at_ns == heartbeats[-1].at_ns:
        return None
    last = heartbeats[-1]
    return next(
        (one for one in reversed(heartbeats) if last.at_ns - one.at_ns >= _SECOND_NS), heartbeats[0]
    ), last


def _mean_ratio(heartbeats: Sequence[Heartbeat], window: Window) -> float | None:
    """Return the CPU time over the window; between two heartbeats it is taken to grow evenly."""
    if len(heartbeats) < 2 or window.end_ns is None:
        return None
    at_ns = [heartbeat.at_ns for heartbeat in heartbeats]
    cpu_ns = [heartbeat.cpu_ns for heartbeat in heartbeats]
    first_ns, last_ns = (
        min(max(edge_ns, at_ns[0]), at_ns[-1]) for edge_ns in (window.start_ns, window.end_ns)
    )
    if last_ns <= first_ns:
        return None
    used_ns = np.interp(last_ns, at_ns, cpu_ns) - np.interp(first_ns, at_ns, cpu_ns)
    return float(used_ns) / (last_ns - first_ns)


def _inside(heartbeats: Sequence[Heartbeat], window: Window) -> list[Heartbeat]:
    """Return the heartbeats that lie in the window, and the one that was meant for its end."""
    inside = [
        heartbeat for heartbeat in heartbeats if window.overlap_ns(heartbeat.at_ns - 1, heartbeat.at_ns)
    ]
    end_ns = window.end_ns
    if end_ns is not None:
        at_end = next((heartbeat for heartbeat in heartbeats if heartbeat.at_ns > end_ns), None)
        if at_end is not None and at_end.at_ns <= end_ns + _NEAR_NS:
            inside.append(at_end)
    return inside


def _seconds(heartbeats: Sequence[Heartbeat], length_ns: int) -> list[tuple[Heartbeat, Heartbeat]]:
    """Return each heartbeat with the first that is at least so much later."""
    found = []
    end = 0
    for one in heartbeats:
        while end < len(heartbeats) and heartbeats[end].at_ns - one.at_ns < length_ns:
            end += 1
        if end == len(heartbeats):
            break
        found.append((one, heartbeats[end]))
    return found
