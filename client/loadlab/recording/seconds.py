"""One second of a stage's window: sums that merge and, when it is over, its figures alone."""

from typing import Self

import msgspec

from loadlab.recording.histogram import Histogram, Sparse, quantile_ns

_NOTHING = Sparse()


class Figures(msgspec.Struct, array_like=True, frozen=True):
    """What a second's latencies come to; all that is kept of a second that is over."""

    count: int
    p50_ns: int | None
    p99_ns: int | None
    sum_ns: int = 0


class Slice(msgspec.Struct, array_like=True):
    """The completions of one second of the window."""

    latency: Sparse = _NOTHING
    late: Sparse = _NOTHING
    """How long the requests that were given up in this second had been waited for."""
    errors: int = 0
    in_flight_integral_ns: int = 0
    answered: int = 0
    """Bits of the ticks in which a request was answered (`presence`)."""
    failing_sent: int = 0
    """Bits of the ticks in which a request was sent that failed, through no shortage of this machine."""
    failing: int = 0
    """Bits of the ticks in which such a request was under way."""
    settled: Figures | None = None
    ok: int = 0
    """Requests that ended well in this second."""
    dropped: int = 0
    """Of the errors, those that were never sent."""
    waiting: int = 0
    """Bits of the ticks in which a request was under way that took a second or longer to be answered."""
    ended_well: int = 0
    """Bits of the ticks in which a request ended well."""
    ended_badly: int = 0
    """Bits of the ticks in which one failed, or had an answer with an unexpected status."""
    closed_unheard: int = 0
    """Bits of the ticks in which one met a kept connection that the target had closed."""

    def merge(self, other: Self) -> None:
        """Add what an unsettled other counted; replies that come after this one was settled still count."""
        if other.settled is not None:
            raise ValueError("a settled second can't be added to another")
        if self.settled is None:
            self.latency = self.latency.plus(other.latency)
            self.late = self.late.plus(other.late)
        else:
            mine, theirs = self.settled, other.figures()
            self.settled = Figures(
                mine.count + theirs.count, mine.p50_ns, mine.p99_ns, mine.sum_ns + theirs.sum_ns
            )
        self.errors += other.errors
        self.ok += other.ok
        self.dropped += other.dropped
        self.in_flight_integral_ns += other.in_flight_integral_ns
        self.answered |= other.answered
        self.failing_sent |= other.failing_sent
        self.failing |= other.failing
        self.waiting |= other.waiting
        self.ended_well |= other.ended_well
        self.ended_badly |= other.ended_badly
        self.closed_unheard |= other.closed_unheard

    def figures(self) -> Figures:
        """Return count and quantiles."""
        if self.settled is not None:
            return self.settled
        latency, late = Histogram.of(self.latency), Histogram.of(self.late)
        p50_ns, p99_ns = (quantile_ns(latency, late, quantile) for quantile in (0.5, 0.99))
        return Figures(latency.count, p50_ns, p99_ns, latency.sum_ns)

    def settle(self) -> None:
        """Keep the figures alone: a long run must not keep a distribution of every second."""
        self.settled = self.figures()
        self.latency = self.late = _NOTHING
