"""A distribution's figures, and those of each second. Pure."""

from loadlab.clock import NS_PER_S
from loadlab.recording.histogram import Histogram, interval_ns, quantile_ns
from loadlab.recording.recorder import Recorder
from loadlab.recording.seconds import Slice
from loadlab.results.result import Distribution, SliceResult

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


def distribution(known: Histogram, censored: Histogram) -> Distribution:
    """Return the figures of a distribution; None where too few or unanswered requests leave them open."""

    def at(quantile: float) -> int | None:
        return quantile_ns(known, censored, quantile)

    complete = censored.count == 0 and known.count > 0
    return Distribution(
        count=known.count,
        mean=known.mean_ns if complete else None,
        **{name: at(quantile) for name, quantile in _QUANTILES.items()},
        max=known.max_ns if complete else None,
        intervals={
            name: found
            for name, quantile in _QUANTILES.items()
            if (found := interval_ns(known, censored, quantile)) is not None
        },
    )


def slices(counted: Recorder, window_ns: int, *, sees_flight: bool = True) -> tuple[SliceResult, ...]:
    """Return the figures of each second of the window, and of the part of one that is left at its end."""
    seconds = -(-window_ns // NS_PER_S)
    made = []
    for second in range(seconds):
        part = counted.slices.get(second, Slice())
        figures = part.figures()
        length_ns = min(NS_PER_S, window_ns - second * NS_PER_S)
        made.append(
            SliceResult(
                at_ns=second * NS_PER_S,
                count=figures.count,
                errors=part.errors,
                ok=part.ok,
                p50=figures.p50_ns,
                p99=figures.p99_ns,
                in_flight=part.in_flight_integral_ns / length_ns if sees_flight else None,
                mean=figures.sum_ns / figures.count if figures.count else None,
            )
        )
    return tuple(made)
