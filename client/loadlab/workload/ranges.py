"""Whether a number can be one of a plan's: finite, of the right kind and in its range. Pure.

Who made the plan does not matter: options are read by `units`, a posted plan comes as it is. Each function
returns what is wrong in a sentence that names the option, None where nothing is.
"""

import math
from typing import TypeGuard

from loadlab.clock import NS_PER_S
from loadlab.units import LONGEST_NS

LEAST_HZ = 1e-9
MOST_HZ = 1_000_000


def span_problem(option: str, span_ns: object) -> str | None:
    """Check a span of time, in nanoseconds; a drain may be a second longer than the longest timeout."""
    return _whole_problem(option, span_ns, LONGEST_NS + NS_PER_S, "1000h")


def size_problem(option: str, size: object, most: int) -> str | None:
    """Check how many of something there are."""
    return _whole_problem(option, size, most, f"{most:,}")


def rate_problem(option: str, rate_hz: object) -> str | None:
    """Check a rate per second."""
    if rate_hz is None or (_is_finite(rate_hz) and (rate_hz == 0 or LEAST_HZ <= rate_hz <= MOST_HZ)):
        return None
    return f"{option}: {rate_hz!r} is not a rate per second from 0 to {MOST_HZ:,}"


def ratio_problem(option: str, ratio: object) -> str | None:
    """Check a part of one."""
    if ratio is None or (_is_finite(ratio) and 0 <= ratio <= 1):
        return None
    return f"{option}: it must be from 0% to 100%, or none"


def number_problem(what: str, value: object, least: float, most: float) -> str | None:
    """Check a number of another kind; `what` names the option and what it is."""
    if _is_finite(value) and least <= value <= most:
        return None
    return f"{what}: {value!r} is not a number from {least:g} to {most:g}"


def weight_problem(option: str, weight: object) -> str | None:
    """Check how often one request is sent, compared with the others."""
    if _is_finite(weight) and weight > 0:
        return None
    return f"{option}: the weight {weight!r} is not a number of more than 0"


def statuses_problem(option: str, first: object, last: object) -> str | None:
    """Check a span of HTTP statuses, both ends included."""
    if type(first) is int and type(last) is int and 100 <= first <= last <= 599:
        return None
    return f"{option}: {first!r}-{last!r} is no span of statuses from 100 to 599"


def _whole_problem(option: str, value: object, most: int, shown: str) -> str | None:
    if value is None:
        return None
    if type(value) is not int:
        return f"{option}: {value!r} is not a whole number"
    if value < 0:
        return f"{option}: it must not be negative"
    return f"{option}: {value:,} is more than {shown}" if value > most else None


def _is_finite(value: object) -> TypeGuard[float]:
    """Tell whether it is a number, and a truth value is none."""
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type] # it is one by now
