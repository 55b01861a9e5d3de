"""How long a user thinks between a reply and its next request: a mean, and how the pauses lie about it. Pure.

A spec is one of `2s`, `exp:2s` (mean), `uniform:1s-3s` (both ends) and `lognormal:2s:0.5` (median, sigma of
the logarithm), as of a target's delay. A shape has a mean of 1 and is scaled by the mean think time, so what
theory needs of a plan is one number.
"""

import math
from statistics import NormalDist

import msgspec

from loadlab.errors import UsageError
from loadlab.units import duration_ns, number
from loadlab.workload.ranges import number_problem

MOST_SIGMA = 5.0
_ACCEPTED = "write 2s, exp:2s, uniform:1s-3s or lognormal:2s:0.5"
_NORMAL = NormalDist()


class Fixed(msgspec.Struct, frozen=True, tag="fixed"):
    """The same pause each time."""

    @property
    def variation(self) -> float:
        """Standard deviation over the mean."""
        return 0.0

    def at(self, chance: float) -> float:
        """Return the pause below which a share `chance` of all pauses lie: a random number makes a draw."""
        del chance
        return 1.0

    def rest(self, share: float, chance: float) -> float:
        """Return what is left of a pause, of one who looks at it at a random moment.

        Over even `share`s in [0, 1) and random `chance`s these have the distribution of the time to the next
        request in a process that has gone on for ever: its density is the share of pauses that are longer
        (Cox, *Renewal Theory*, 1962, section 5.2).
        """
        del chance
        return share

    def problem(self, option: str) -> str | None:
        """Say what is wrong with its numbers."""
        del option
        return None


class Exponential(msgspec.Struct, frozen=True, tag="exponential"):
    """Memoryless pauses."""

    @property
    def variation(self) -> float:
        """Standard deviation over the mean."""
        return 1.0

    def at(self, chance: float) -> float:
        """Return the quantile."""
        return -math.log1p(-chance)

    def rest(self, share: float, chance: float) -> float:
        """Return what is left of a pause: without memory, a whole one."""
        del chance
        return -math.log1p(-share)

    def problem(self, option: str) -> str | None:
        """Say what is wrong with its numbers."""
        del option
        return None


class Uniform(msgspec.Struct, frozen=True, tag="uniform"):
    """Pauses that are equally likely from 1 - half to 1 + half."""

    half: float

    @property
    def variation(self) -> float:
        """Standard deviation over the mean."""
        return self.half / math.sqrt(3)

    def at(self, chance: float) -> float:
        """Return the quantile."""
        return 1 + self.half * (2 * chance - 1)

    def rest(self, share: float, chance: float) -> float:
        """Return what is left of a pause: as likely as not while no pause is so short, and then ever less."""
        del chance
        if share <= 1 - self.half:
            return share
        return 1 + self.half - 2 * math.sqrt(self.half * (1 - share))

    def problem(self, option: str) -> str | None:
        """Say what is wrong with its numbers."""
        return number_problem(f"{option}: half of a uniform think time's width, in its mean", self.half, 0, 1)


class Lognormal(msgspec.Struct, frozen=True, tag="lognormal"):
    """Pauses whose logarithm is normal; sigma makes the tail longer."""

    sigma: float

    @property
    def variation(self) -> float:
        """Standard deviation over the mean."""
        return math.sqrt(math.expm1(self.sigma**2))

    def at(self, chance: float) -> float:
        """Return the quantile."""
        return math.exp(self.sigma * _NORMAL.inv_cdf(chance) - self.sigma**2 / 2)

    def rest(self, share: float, chance: float) -> float:
        """Return what is left of a pause: a share of one that was drawn in proportion to its length."""
        return share * math.exp(self.sigma * _NORMAL.inv_cdf(chance) + self.sigma**2 / 2)

    def problem(self, option: str) -> str | None:
        """Say what is wrong with its numbers."""
        return number_problem(f"{option}: sigma", self.sigma, 0, MOST_SIGMA)


Shape = Fixed | Exponential | Uniform | Lognormal


def read(text: str, option: str) -> tuple[int, Shape]:
    """Read a spec; return the mean in nanoseconds and the shape, or raise UsageError naming the option."""
    kind, colon, rest = text.partition(":")
    match kind.strip(), rest.split("-"), rest.split(":"):
        case _, _, _ if not colon:
            return duration_ns(text, option), Fixed()
        case "exp", _, _:
            return duration_ns(rest, option), Exponential()
        case "uniform", [low, high], _:
            low_ns, high_ns = duration_ns(low, option), duration_ns(high, option)
            if low_ns > high_ns:
                raise UsageError(f"{option}: {text!r} ends below its beginning; {_ACCEPTED}")
            both_ns = low_ns + high_ns
            return both_ns // 2, Uniform((high_ns - low_ns) / both_ns) if both_ns else Fixed()
        case "lognormal", _, [median, sigma]:
            shape = Lognormal(_sigma(sigma, option))
            return round(duration_ns(median, option) * math.exp(shape.sigma**2 / 2)), shape
    raise UsageError(f"{option}: {text!r} is not a think time; {_ACCEPTED}")


def _sigma(text: str, option: str) -> float:
    sigma = number(text)
    if sigma is None or not 0 <= sigma <= MOST_SIGMA:
        raise UsageError(f"{option}: the sigma {text!r} is not a number from 0 to {MOST_SIGMA:g}")
    return sigma
