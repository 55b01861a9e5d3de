"""The measured span of a stage: which requests lie in it, and how much of their time."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from loadlab.clock import NS_PER_S
from loadlab.recording.histogram import Int64s

Bools = npt.NDArray[np.bool_]


class Window(msgspec.Struct, array_like=True, frozen=True):
    """The measured span of a stage on the monotonic clock; without an end it lasts until the last reply."""

    start_ns: int
    end_ns: int | None = None

    def among(self, rows: Int64s, by: int) -> Int64s:
        """Return the rows whose moment in column `by` lies in the window: its start counts, its end not."""
        moments_ns = rows[:, by]
        if self.holds(int(moments_ns.min())) and self.holds(int(moments_ns.max())):
            return rows
        inside = moments_ns >= self.start_ns
        return rows[inside if self.end_ns is None else inside & (moments_ns < self.end_ns)]

    def inside_ns(self, rows: Int64s) -> int:
        """Return the sum of the time from sent to done of all rows, as far as it lies in the window."""
        sent, done = rows[:, 1], rows[:, 2]
        if not (self.holds(int(sent.min())) and self.holds(int(done.max()))):
            sent = np.maximum(sent, self.start_ns)
            done = done if self.end_ns is None else np.minimum(done, self.end_ns)
        return int(np.maximum(done - sent, 0).sum())

    def parts_inside(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        """Return when each row's time from sent to done begins and ends inside, both counted from the start.

        Rows that have no moment in the window are left out.
        """
        from_ns = np.maximum(rows[:, 1], self.start_ns)
        to_ns = rows[:, 2] if self.end_ns is None else np.minimum(rows[:, 2], self.end_ns - 1)
        touches = from_ns <= to_ns
        return from_ns[touches] - self.start_ns, to_ns[touches] - self.start_ns

    def seconds_of(self, moments_ns: Int64s) -> Iterator[tuple[int, Bools]]:
        """Tell of each second, counted from the start, which of these moments of the window lie in it.

        Seconds in which none lies are left out.
        """
        first, last = (self._second_of(int(moment_ns)) for moment_ns in (moments_ns.min(), moments_ns.max()))
        if first == last:
            yield first, np.ones(len(moments_ns), dtype=np.bool_)
            return
        for second in range(first, last + 1):
            from_ns = self.start_ns + second * NS_PER_S
            here = (moments_ns >= from_ns) & (moments_ns < from_ns + NS_PER_S)
            if here.any():
                yield second, here

    def second_of_all(self, rows: Int64s) -> int | None:
        """Return the second in which all of these rows are done; None if several, or any is due outside."""
        due, done = rows[:, 0], rows[:, 2]
        first, last = int(done.min()), int(done.max())
        if self._second_of(first) != self._second_of(last):
            return None
        edges = (first, last, int(due.min()), int(due.max()))
        return self._second_of(first) if all(map(self.holds, edges)) else None

    def _second_of(self, moment_ns: int) -> int:
        return (moment_ns - self.start_ns) // NS_PER_S

    def holds(self, moment_ns: int) -> bool:
        """Tell whether a moment lies in it: its start does, its end does not."""
        return self.start_ns <= moment_ns and (self.end_ns is None or moment_ns < self.end_ns)

    @property
    def length_ns(self) -> int:
        """How long it is; one without an end has no length."""
        assert self.end_ns is not None
        return self.end_ns - self.start_ns

    def overlap_ns(self, from_ns: int, to_ns: int) -> int:
        """Return how much of a span lies in the window."""
        to_ns = to_ns if self.end_ns is None else min(to_ns, self.end_ns)
        return max(0, to_ns - max(from_ns, self.start_ns))
