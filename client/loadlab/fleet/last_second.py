"""The last second of a stage, as its workers reported it, the same for every reader."""

from collections import deque

from loadlab.clock import NS_PER_S
from loadlab.fleet.live import Live
from loadlab.recording.histogram import Histogram, quantile_ns
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome

_FIRST_NS = 3 * NS_PER_S // 2
"""By then each worker has reported; until then, what finished is taken for answered."""


class LastSecond:
    """The last second: workers report once in it, and progress is shown twice."""

    def __init__(self) -> None:
        self._parts: deque[Recorder] = deque(maxlen=2)
        self._answered_ratio: float | None = None
        """Of the last requests that a worker reported as finished; None: none was."""
        self._errors_ratio = 0.0
        """Errors for each of them: less than 1, but for what was dropped and never finished."""

    def take(self, live: Live) -> None:
        """Note what came since the last call."""
        self._parts.append(live.fresh)
        if finished := sum(part.finished for part in self._parts):
            self._answered_ratio = sum(part.answered for part in self._parts) / finished
            self._errors_ratio = self._errors / finished

    def achieved_hz(self, live: Live) -> float | None:
        """Return the rate of responses: throughput is of these, not of requests that came to nothing.

        None where requests finished after a second of none, and what came of them is not reported yet.
        """
        if not live.finished_hz:
            return 0.0
        ratio = self._answered_ratio
        if ratio is None and live.now_ns - live.begin_ns < _FIRST_NS:
            ratio = 1.0
        return None if ratio is None else live.finished_hz * ratio

    def errors_hz(self, live: Live) -> float:
        """Return the rate of requests due in the window that did not end ok.

        Reports come once a second, so how many errors are new since the last look is either none or all.
        """
        return live.finished_hz * self._errors_ratio if live.finished_hz else float(self._errors)

    @property
    def _errors(self) -> int:
        return sum(sum(part.counts) - part.counts[Outcome.OK] for part in self._parts)

    def quantiles(self, *quantiles: float) -> list[int | None]:
        """Return quantiles of the latencies; None where too few, or unanswered ones, leave them open."""
        latency, late = Histogram(), Histogram()
        for part in self._parts:
            latency.merge(part.latency)
            late.merge(part.late)
        return [quantile_ns(latency, late, quantile) for quantile in quantiles]
