"""From values to places on an axis, and what stands beside it. Pure."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from loadlab.units import show_figure

_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_UNEVEN = 4
"""Steps of which the largest is so many times the smallest or more are shown on a logarithmic axis."""
_FAR = 20
"""Values that are so many times apart or more, too."""


class Scale(NamedTuple):
    """An axis from its low end to its high end."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high one."""
        low, high, at = (self.low, self.high, value)
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return (at - low) / (high - low) if high > low else 0.5

    @property
    def middle(self) -> float:
        """What lies half-way."""
        return math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2


def of_steps(steps: Sequence[float]) -> Scale:
    """Return the axis on which the steps of a sweep lie well: by their ratios where they grow by ratios."""
    values = sorted(set(steps))
    gaps = [after - before for before, after in pairwise(values)]
    uneven = len(gaps) > 1 and max(gaps) >= _UNEVEN * min(gaps)
    return Scale(values[0], values[-1], log=uneven and values[0] > 0)


def of_values(values: Sequence[float], *, may_be_log: bool = False) -> Scale:
    """Return an axis from 0 to a round number; by ratios, where that is allowed and they are far apart."""
    highest, lowest = max(values, default=0.0), min(values, default=0.0)
    if may_be_log and lowest > 0 and highest >= _FAR * lowest:
        return Scale(_round_down(lowest), _round_up(highest), log=True)
    return Scale(0.0, _round_up(highest) if highest > 0 else 1.0)


def tick(value: float) -> str:
    """Write a round number as short as it can be."""
    shown = show_figure(value)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next((nice * power for nice in _NICE if nice * power >= value * 0.9999), 10 * power)


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(nice * power for nice in _NICE if nice * power <= value * 1.0001)
