"""How long the target waits: a constant or a distribution, drawn from a stream that repeats.

A spec is one of `50ms`, `exp:50ms` (mean), `uniform:20ms-80ms` (both ends) and `lognormal:50ms:0.5`
(median, sigma of the logarithm). No draw exceeds the ceiling, so the tail of a distribution is cut there.
"""

import random
import re
import threading
from dataclasses import dataclass
from math import log
from typing import Protocol

from loadlab_target.quantities import QuantityError, parse_duration_s

MAX_DELAY_S = 60.0
MAX_SIGMA = 5.0
_SIGMA = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?|\.[0-9]{1,15}")
ACCEPTED = "50ms, exp:50ms, uniform:20ms-80ms or lognormal:50ms:0.5"


class Delay(Protocol):
    """Something that can be waited for."""

    def draw_s(self, source: random.Random) -> float:
        """Give the next wait in seconds."""


@dataclass(frozen=True)
class Constant:
    """The same wait each time."""

    delay_s: float

    def draw_s(self, source: random.Random) -> float:
        """Give the wait; the source is left alone."""
        del source
        return self.delay_s


@dataclass(frozen=True)
class Exponential:
    """Memoryless waits with a mean."""

    mean_s: float

    def draw_s(self, source: random.Random) -> float:
        """Give the next wait in seconds."""
        return source.expovariate(1 / self.mean_s) if self.mean_s else 0.0


@dataclass(frozen=True)
class Uniform:
    """Waits that are equally likely from the lowest to the highest."""

    low_s: float
    high_s: float

    def draw_s(self, source: random.Random) -> float:
        """Give the next wait in seconds."""
        return source.uniform(self.low_s, self.high_s)


@dataclass(frozen=True)
class Lognormal:
    """Waits whose logarithm is normal: a median, and a tail that sigma makes longer."""

    median_s: float
    sigma: float

    def draw_s(self, source: random.Random) -> float:
        """Give the next wait in seconds."""
        return source.lognormvariate(log(self.median_s), self.sigma) if self.median_s else 0.0


def parse_delay(spec: str) -> Delay:
    """Read a delay spec; raise QuantityError with a sentence that shows the accepted forms."""
    kind, colon, rest = spec.partition(":")
    try:
        match kind, rest.split("-"), rest.split(":"):
            case _, _, _ if not colon:
                return Constant(_duration_s(spec))
            case "exp", _, _:
                return Exponential(_duration_s(rest))
            case "uniform", [low, high], _:
                low_s, high_s = _duration_s(low), _duration_s(high)
                if low_s <= high_s:
                    return Uniform(low_s, high_s)
            case "lognormal", _, [median, sigma]:
                return Lognormal(_duration_s(median), _sigma(sigma))
    except QuantityError as error:
        raise QuantityError(f"{error} (a delay is {ACCEPTED})") from None
    raise QuantityError(f"is {spec!r}; a delay is {ACCEPTED}")


class DelayStream:
    """One repeating sequence of draws.

    The same delay, seed and name give the same sequence in every run. Which request gets which draw depends
    on the order of their arrival, so a run repeats its set of waits, not the wait of each request.
    """

    def __init__(self, delay: Delay, *, seed: int, name: str) -> None:
        self._delay = delay
        self._source = random.Random(f"{seed}/{name}")
        # One draw can take several random numbers: threads that interleave them would not repeat.
        self._lock = threading.Lock()

    def next_s(self) -> float:
        """Give the next wait in seconds, at most MAX_DELAY_S."""
        with self._lock:
            return min(self._delay.draw_s(self._source), MAX_DELAY_S)


def _duration_s(text: str) -> float:
    return parse_duration_s(text, ceiling_s=MAX_DELAY_S)


def _sigma(text: str) -> float:
    if not _SIGMA.fullmatch(text) or float(text) > MAX_SIGMA:
        raise QuantityError(f"has the sigma {text!r}; give a number from 0 to {MAX_SIGMA:g}")
    return float(text)
