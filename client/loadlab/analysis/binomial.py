"""How large a share may really be, given how many of so many it was. Pure."""

import math

_TAIL = 0.025
_STEPS = 60
_TERMS = 10_000
_TINY = 1e-300
_CLOSE = 1e-12


def least_ratio(hits: int, trials: int) -> float:
    """Return the lower end of the 95 % Clopper-Pearson interval of a share.

    It is the p at which so many hits or more have a probability of 2.5 % (Clopper & Pearson, *Biometrika* 26,
    1934). Unlike an approximation it is never too high, however few the trials.
    """
    if not hits:
        return 0.0
    low, high = 0.0, hits / trials
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if at_least(hits, trials, middle) < _TAIL:
            low = middle
        else:
            high = middle
    return low


def at_least(hits: int, trials: int, ratio: float) -> float:
    """Return the probability of so many hits or more, for hits >= 1 and a ratio below hits / trials.

    It is the regularised incomplete beta function I(ratio; hits, trials - hits + 1), by its continued
    fraction (DLMF 8.17.22) and Lentz's method.
    """
    if ratio <= 0.0:
        return 0.0
    a, b = float(hits), float(trials - hits + 1)
    log_front = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(ratio)
        + b * math.log1p(-ratio)
        - math.log(a)
    )
    return math.exp(log_front) / _fraction(a, b, ratio)


def _fraction(a: float, b: float, x: float) -> float:
    """Return 1 + d1 / (1 + d2 / (1 + ...))."""
    whole = c = 1.0
    d = 0.0
    for term in range(1, _TERMS):
        half, odd = divmod(term, 2)
        top = (
            -(a + half) * (a + b + half) * x / ((a + term - 1) * (a + term))
            if odd
            else half * (b - half) * x / ((a + term - 1) * (a + term))
        )
        d = 1 + top * d
        d = 1 / (d or _TINY)
        c = 1 + top / c or _TINY
        whole *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return whole
