"""Coordinated omission: what a stall of the target makes of latencies that count from due. Pure.

Requests are due at a constant rate r over a window T. Each takes b, until the target stands still for s, with
`places` in flight at most; who finds none waits with its due moment. When the target goes on, those who wait
are answered at the rate c = places / b at which the places come free (Little's law), so while
load = r / c < 1 their line gets shorter.

Who is due x after the stall's beginning is number r x in that line. It is answered r x / c after the stall's
end, which is s - x after it was due, so its latency is

    s - x + r x / c + b  =  b + s - x (1 - load)

That falls evenly from b + s for x = 0 to b for x = s / (1 - load), when the line is empty, and due moments
are spread evenly: of all requests in T, the share with a latency above b + t is (s - t) / ((1 - load) T), for
t from 0 to s. Without a limit in flight load is 0: the s / T that are due in the stall wait evenly for 0 to
s. Where that share is 1 - q, the quantile q is

    b + s - (1 - q) (1 - load) T,  and never less than b

Its grain is 1 / r: of two neighbours in the line, one waits that much longer. The whole line must lie in the
window. Gil Tene, How NOT to Measure Latency, has the case without a line.
"""

import msgspec

from loadlab.clock import NS_PER_S


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """A constant rate of arrivals, and a target that once stands still."""

    rate_hz: float
    window_ns: int
    stall_ns: int
    base_ns: float
    """What a request takes that does not wait."""
    places: int | None = None
    """How many requests may be in flight; None without a limit."""

    @property
    def load(self) -> float:
        """The rate as a share of what the places can carry."""
        return self.rate_hz * self.base_ns / NS_PER_S / self.places if self.places else 0.0

    @property
    def over_ns(self) -> float:
        """When the last of those who wait is answered, counted from the stall's beginning."""
        return self.stall_ns / (1 - self.load)


def latency_ns(stall: Stall, quantile: float) -> float:
    """Return a quantile of the latency from due; ValueError where the line does not end in the window."""
    if stall.load >= 1 or stall.over_ns > stall.window_ns:
        raise ValueError("the line that a stall leaves must end in the window")
    waits_ns = stall.stall_ns - (1 - quantile) * (1 - stall.load) * stall.window_ns
    return stall.base_ns + max(0.0, waits_ns)
