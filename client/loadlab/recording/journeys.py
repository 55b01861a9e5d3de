"""What became of journeys: begun, finished, failed and by what, how long they took."""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, Self

import msgspec
import numpy as np

from loadlab.recording.histogram import Histogram
from loadlab.recording.window import Window

MOST_REASONS = 16
OTHER_REASONS = "other reasons"


class Kind(IntEnum):
    """What became of a journey that began."""

    FINISHED = 0
    FAILED = 1
    CUT = 2
    """The stage ended before it did."""


class JourneyEvent(NamedTuple):
    """A journey that ended, as its loop tells it."""

    name: str
    kind: Kind
    begun_ns: int
    """When its first step was due."""
    done_ns: int
    why: str = ""
    trace: str = ""


class JourneyCounts(msgspec.Struct, array_like=True):
    """Journeys of one name that began in the window."""

    started: int = 0
    finished: int = 0
    cut: int = 0
    failed: dict[str, int] = {}
    """How many failed, by why; at most `MOST_REASONS`, and what is left together."""
    traces: dict[str, str] = {}
    """Of exceptions in a journey's own code, the first traceback for each reason."""
    duration: Histogram = msgspec.field(default_factory=Histogram)
    """Of those that finished."""

    def take(self, events: Iterable[JourneyEvent]) -> None:
        """Count journeys that ended."""
        took_ns = []
        for event in events:
            self.started += 1
            match event.kind:
                case Kind.FINISHED:
                    self.finished += 1
                    took_ns.append(event.done_ns - event.begun_ns)
                case Kind.FAILED:
                    self._add_failed(event.why, 1, event.trace)
                case Kind.CUT:
                    self.cut += 1
        if took_ns:
            self.duration.record(np.array(took_ns, dtype=np.int64))

    def merge(self, other: Self) -> None:
        """Add what another process counted."""
        self.started += other.started
        self.finished += other.finished
        self.cut += other.cut
        for why, count in other.failed.items():
            self._add_failed(why, count, other.traces.get(why, ""))
        self.duration.merge(other.duration)

    def _add_failed(self, why: str, count: int, trace: str) -> None:
        if why not in self.failed and len(self.failed) >= MOST_REASONS:
            why, trace = OTHER_REASONS, ""
        self.failed[why] = self.failed.get(why, 0) + count
        if trace:
            self.traces.setdefault(why, trace)


def by_name(events: Iterable[JourneyEvent], window: Window) -> dict[str, list[JourneyEvent]]:
    """Return the journeys that began in the window, by their names."""
    found: dict[str, list[JourneyEvent]] = {}
    for event in events:
        if window.holds(event.begun_ns):
            found.setdefault(event.name, []).append(event)
    return found
