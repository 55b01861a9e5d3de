"""What queueing theory says of an open system: M/M/c, the exact answer for Poisson arrivals.

a = arrival rate x mean service, c servers, rho = a / c. Formulas: Kleinrock, Queueing Systems, vol. 1 (1975),
section 3.5; the time in system is service plus an exponential wait with probability C(c, a). Pure.
"""

import math

_NEVER_S = 1e9


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability that an arrival must wait; offered load in servers, below their number.

    By the recursion of Erlang's loss formula, B(n) = a B(n-1) / (n + a B(n-1)), which neither overflows nor
    loses digits.
    """
    if not 0 <= offered < servers:
        raise ValueError(f"an offered load of {offered} does not settle with {servers} servers")
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def mean_s(servers: int, rate_hz: float, service_s: float) -> float:
    """Return the mean time in system: service + C / (c/S - rate)."""
    return service_s + erlang_c(servers, rate_hz * service_s) / (servers / service_s - rate_hz)


def beyond(servers: int, rate_hz: float, service_s: float, at_s: float) -> float:
    """Return the probability of a time in system of more than this."""
    waits = erlang_c(servers, rate_hz * service_s)
    leave_hz, free_hz = 1 / service_s, servers / service_s - rate_hz
    alone = math.exp(-leave_hz * at_s)
    if math.isclose(free_hz, leave_hz, rel_tol=1e-9):
        together = (1 + leave_hz * at_s) * alone
    else:
        together = (free_hz * alone - leave_hz * math.exp(-free_hz * at_s)) / (free_hz - leave_hz)
    return (1 - waits) * alone + waits * together


def quantile_s(servers: int, rate_hz: float, service_s: float, quantile: float) -> float:
    """Return a quantile of the time in system, by bisection to a millionth of the service time."""
    low, high = 0.0, service_s
    while beyond(servers, rate_hz, service_s, high) > 1 - quantile:
        low, high = high, high * 2
        if high > _NEVER_S:
            raise ValueError(f"no quantile {quantile}")
    while high - low > service_s * 1e-6:
        middle = (low + high) / 2
        if beyond(servers, rate_hz, service_s, middle) > 1 - quantile:
            low = middle
        else:
            high = middle
    return high
