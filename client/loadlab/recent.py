"""The last second of a stage, as its workers reported it: what is told of it is the same to everybody."""

from collections import deque

from loadlab.fleet.live import Live
from loadlab.histogram import Histogram, quantile_ns
from loadlab.recorder import Recorder
from loadlab.sample import Outcome


class Recent:
    """The last second: workers report once in it, and what is told of them is told twice."""

    def __init__(self) -> None:
        self._parts: deque[Recorder] = deque(maxlen=2)

    def take(self, live: Live) -> None:
        """Note what came since the last call."""
        self._parts.append(live.fresh)

    def achieved_hz(self, live: Live) -> float:
        """Return the rate of responses: throughput is of these, not of requests that came to nothing."""
        finished = sum(part.finished for part in self._parts)
        answered = sum(part.answered for part in self._parts)
        return live.finished_hz * (answered / finished if finished else 1.0)

    def errors_hz(self, live: Live) -> float:
        """Return the rate of requests due in the window that did not end ok.

        Reports come once a second, so how many errors are new since the last look is either none or all.
        """
        finished = sum(part.finished for part in self._parts)
        errors = sum(sum(part.counts) - part.counts[Outcome.OK] for part in self._parts)
        return live.finished_hz * (errors / finished) if finished else float(errors)

    def quantiles(self, *quantiles: float) -> list[int | None]:
        """Return quantiles of the latencies; None where too few, or unanswered ones, leave them open."""
        latency, late = Histogram(), Histogram()
        for part in self._parts:
            latency.merge(part.latency)
            late.merge(part.late)
        return [quantile_ns(latency, late, quantile) for quantile in quantiles]
