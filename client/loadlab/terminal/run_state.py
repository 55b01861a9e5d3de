"""How a run stands: what the events have told so far. No I/O, no clock."""

from collections import deque

from loadlab.results.events import Event, RunBegan, StageBegan, StageEnded, Tick
from loadlab.results.result import StageResult
from loadlab.workload.plan import Plan

_REMEMBERED = 240
"""Ticks whose rate is kept: two minutes of them."""


class RunState:
    """The last that was heard of each stage."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.running: int | None = None
        """The index of the stage that has begun and not ended."""
        self.ticks: dict[int, Tick] = {}
        self.results: dict[int, StageResult] = {}
        self.rates_hz: deque[float] = deque(maxlen=_REMEMBERED)
        """Of the last ticks, whatever their stage."""

    def take(self, event: Event) -> None:
        """Take note of one event."""
        match event:
            case RunBegan(_, _, plan):
                self.plan = plan
            case StageBegan(index):
                self.running = index
            case Tick():
                self.ticks[event.index] = event
                self.rates_hz.append(event.rate_hz or 0.0)
            case StageEnded(index, result):
                self.results[index] = result
                self.running = None
            case _:
                pass

    @property
    def tick(self) -> Tick | None:
        """The last of the stage that runs."""
        return None if self.running is None else self.ticks.get(self.running)
