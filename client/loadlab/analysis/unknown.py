"""Which figures of a stage can't be told, and why. Pure.

Such a figure is `–` wherever it is shown, with its reason.
"""

from loadlab.clock import NS_PER_S
from loadlab.workload.traits import Traits

IN_FLIGHT = "in_flight_mean"
RATE = "throughput_hz"

SIGMAS = 3
MOST_NOISE = 0.5
"""Of a figure: one whose error is more says nothing."""


def in_flight(traits: Traits, error: float | None, flown_mean: float) -> str | None:
    """Say why what was seen in flight says nothing; None where it does.

    `error` is the standard error of the sampling, `flown_mean` what the requests' own stamps say.
    """
    if traits.hides_flight:
        return "the processes that make the requests come and go unseen"
    if error is None or noise(error, flown_mean) > MOST_NOISE:
        return "too few looks met a request; use a longer --duration, or more --requests"
    return None


def noise(error: float, flown_mean: float) -> float:
    """Return how far what was seen in flight may be off, as a share of what the requests' stamps say."""
    return SIGMAS * error / flown_mean if flown_mean else 0.0


def rate(answered: int, completions: int, window_ns: int) -> str | None:
    """Say why a rate of 0 is none: requests were answered, and every answer came after the window's end.

    `answered` are requests due in the window, `completions` answers in it.
    """
    if completions or not answered:
        return None
    return (
        f"none of its {answered:,} answers came within its window of {window_ns / NS_PER_S:.3g} s: use a"
        " --duration longer than an answer takes"
    )
