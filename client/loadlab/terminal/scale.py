"""From values to places on an axis, and its labels. Pure."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_EVEN = (1, 2, 5, 10)
"""On a logarithmic axis these lie about as far apart."""
_UNEVEN = 4
"""Steps of which the largest is so many times the smallest or more are shown on a logarithmic axis."""
_FAR = 20
"""Values that are so many times apart or more, too."""
_MORE = 1.0001
"""What is apart by less is the same but for rounding."""
_DECIMALS = 6
"""Of milliseconds these are nanoseconds."""


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

    def ticks(self, most: int) -> list[float]:
        """Return the values that get a label, both ends among them: at most so many, 3 or more.

        By ratios they are 1, 2 and 5 of each decade, or powers of ten where that is too many.
        """
        if not self.log:
            return [self.low, (self.low + self.high) / 2, self.high]
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        powers = range(first, last + 1)
        fine = [step * 10.0**power for power in powers for step in _EVEN[:-1]]
        every = range(1, len(powers) + 1)
        for steps in (fine, *([10.0**power for power in powers[::apart]] for apart in every)):
            inner = [value for value in steps if self.low * _MORE < value < self.high / _MORE]
            if len(inner) + 2 <= most:
                return [self.low, *inner, self.high]
        return [self.low, self.high]


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
        return Scale(_round_down(lowest), _round_up(highest, _EVEN), log=True)
    return Scale(0.0, _round_up(highest, _NICE) if highest > 0 else 1.0)


def tick(value: float) -> str:
    """Write a round number in full, as short as that can be."""
    shown = f"{value:,.{_DECIMALS}f}"
    return shown.rstrip("0").rstrip(".")


def _round_up(value: float, steps: Sequence[float]) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in steps if step * power * _MORE >= value), 10 * power)


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in _EVEN if step * power <= value * _MORE)
