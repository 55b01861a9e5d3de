"""Did a series change? Student's t on batch means, for values of which neighbours resemble each other. Pure.

A window's seconds are averaged in batches that are long enough to be nearly independent (Schmeiser, *Batch
size effects in the analysis of simulation output*, Operations Research 30, 1982). Two parts of the window
differ beyond chance where their means are further apart than the scatter of the batches explains.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LEAST_BATCHES = 6
_CLOSE_ENOUGH = 1e-6


class Change(NamedTuple):
    """Two parts of a window, side by side."""

    before: float
    """Mean of the batches of the first part."""
    after: float
    """Mean of those of the second part."""
    least: float
    """The smallest difference of the two that chance does not explain."""
    batches: int
    """How many batches the first part has."""

    @property
    def times_least(self) -> float:
        """How many times the smallest such difference the two parts are apart."""
        apart = abs(self.after - self.before)
        return apart / self.least if self.least else math.inf if apart else 0.0

    @property
    def beyond_chance(self) -> bool:
        """Whether the two parts differ by more than chance explains."""
        return self.times_least > 1

    @property
    def least_ratio(self) -> float:
        """The smallest ratio of the larger to the smaller that chance does not explain; infinite for none."""
        middle = (self.before + self.after) / 2
        if self.least >= 2 * middle:
            return math.inf
        return (middle + self.least / 2) / (middle - self.least / 2)


def batch_means(values: Sequence[float], length: int) -> Floats:
    """Return the means of successive batches of this length; what is left at the end is left out."""
    whole = len(values) // length
    batches: Floats = np.array(values[: whole * length], dtype=np.float64).reshape(whole, length).mean(axis=1)
    return batches


def between_halves(batches: Floats, chance: float) -> Change | None:
    """Compare the first half of the batches with the second; None of fewer than six.

    `chance` is how often halves that differ by chance alone may seem to differ beyond it. The scatter is that
    about a straight line within each half: a drift would otherwise hide itself in it.
    """
    half = len(batches) // 2
    if len(batches) < LEAST_BATCHES:
        return None
    first, second = batches[:half], batches[-half:]
    freedom = 2 * half - 4
    variance = (_about_line(first) + _about_line(second)) / freedom
    least = student_t(chance, freedom) * math.sqrt(variance * 2 / half)
    return Change(float(first.mean()), float(second.mean()), least, half)


def beginning(batches: Floats, chance: float, least_difference: float) -> Change | None:
    """Return the beginning that differs from the rest beyond chance, None if none does or of fewer than six.

    It is of half of the batches at most, and differs from the rest by at least this share of the rest. What
    then begins is looked at in turn: a warm-up may end by and by.
    """
    if len(batches) < LEAST_BATCHES:
        return None
    end, most = 0, len(batches) // 2
    while (more := _first_cut(batches[end:], most - end, chance, least_difference)) is not None:
        end += more
    return _at(batches, end, chance) if end else None


def _first_cut(batches: Floats, most: int, chance: float, least_difference: float) -> int | None:
    """Return after how many batches, `most` at most, the two parts differ most significantly.

    The best of several cuts differs by chance more often than one that was chosen beforehand (Worsley, *On
    the likelihood ratio test for a shift in location of normal populations*, Journal of the American
    Statistical Association 74, 1979), so each is allowed its share of `chance`.
    """
    found, furthest = None, 1.0
    for cut in range(1, most + 1):
        change = _at(batches, cut, chance / most)
        apart = abs(change.after - change.before)
        if apart > change.least * furthest and apart > least_difference * change.after:
            found, furthest = cut, apart / change.least if change.least else math.inf
    return found


def _at(batches: Floats, cut: int, chance: float) -> Change:
    first, rest = batches[:cut], batches[cut:]
    freedom = len(batches) - 2
    variance = (cut * first.var() + len(rest) * rest.var()) / freedom
    least = student_t(chance, freedom) * math.sqrt(variance * (1 / cut + 1 / len(rest)))
    return Change(float(first.mean()), float(rest.mean()), least, cut)


def rises(batches: Floats, chance: float) -> bool:
    """Tell whether the straight line through three batches or more rises, by more than chance explains."""
    at = np.arange(len(batches)) - (len(batches) - 1) / 2
    freedom = len(batches) - 2
    error = math.sqrt(_about_line(batches) / freedom / float(at @ at))
    return float(at @ batches / (at @ at)) > student_t(chance, freedom) * error


def _about_line(values: Floats) -> float:
    """Return the sum of the squared distances from the straight line that fits best."""
    at = np.arange(len(values)) - (len(values) - 1) / 2
    around = values - values.mean()
    return max(0.0, float(around @ around - (around @ at) ** 2 / (at @ at)))


@lru_cache(maxsize=1024)
def student_t(outside: float, freedom: int) -> float:
    """Return the t that this share of Student's distribution lies beyond, on both sides together."""
    low, high = 0.0, 1.0
    while student_t_outside(high, freedom) > outside:
        low, high = high, high * 2
    while high - low > _CLOSE_ENOUGH * high:
        middle = (low + high) / 2
        if student_t_outside(middle, freedom) > outside:
            low = middle
        else:
            high = middle
    return high


def student_t_outside(t: float, freedom: int) -> float:
    """Return the share of Student's distribution that lies beyond -t and t.

    Abramowitz & Stegun, *Handbook of Mathematical Functions* (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, squared_cosine = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term, total = (math.cos(angle) if odd else 1.0), 0.0
    for step in range(1 + odd, freedom, 2):
        total += term
        term *= squared_cosine * step / (step + 1)
    inside = (angle + sine * total) * 2 / math.pi if odd else sine * total
    return 1 - inside
