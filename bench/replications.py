"""What independent runs of one point say together about theory, and how sure that is. Pure.

Latencies of neighbours in a queue resemble each other, so an interval from the ranks of one long run would be
too narrow. Runs with seeds of their own are independent. The estimate is the ratio of what all runs measured
together to what theory says of the rate and the S that they realised together; it moves far less from run to
run than either of the two, since theory follows most of what chance did to a run. Its 95 % interval is that
of the jackknife over the runs: Student's t of its pseudo-values (Miller, *The jackknife: a review*,
Biometrika 61, 1974).
"""

import math
import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
from hdrh.histogram import HdrHistogram

from loadlab.analysis.erlang import mean_s, quantile_s
from loadlab.recording.histogram import Histogram, Sparse, bucket_of, quantile_ns

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
FIGURES = ("mean", *QUANTILES)
MOST_HALF_WIDTH = 0.1

# Student's t at 97.5 %, for 1 to 30 degrees of freedom.
_T = [
    *map(float, ["12.706", "4.303", "3.182", "2.776", "2.571", "2.447", "2.365", "2.306", "2.262", "2.228"]),
    *map(float, ["2.201", "2.179", "2.160", "2.145", "2.131", "2.120", "2.110", "2.101", "2.093", "2.086"]),
    *map(float, ["2.080", "2.074", "2.069", "2.064", "2.060", "2.056", "2.052", "2.048", "2.045", "2.042"]),
]


@dataclass
class Replication:
    """One run of a point, or several together."""

    window_s: float
    scheduled: int
    served: int
    """Requests that the target measured its S over."""
    thread_s: float
    """Their time in threads, summed."""
    latency: Histogram

    @classmethod
    def of(cls, stage: dict[str, Any]) -> "Replication":
        """Read it from a stage of `result.json`; ValueError where a request had no answer."""
        latency = stage["latency_ns"]
        if latency["mean"] is None:
            raise ValueError("some requests had no answer")
        served = stage["target"]["requests"]
        return cls(
            window_s=stage["window_ns"] / 1e9,
            scheduled=stage["counts"]["scheduled"],
            served=served,
            thread_s=stage["target"]["thread_ns"] / 1e9 * served,
            latency=_decoded(stage["histograms"]["latency"], latency["mean"], latency["max"]),
        )

    @property
    def rate_hz(self) -> float:
        """Arrivals per second, as they came."""
        return self.scheduled / self.window_s

    @property
    def service_s(self) -> float:
        """S: the mean time that a request occupied a thread, by the target."""
        return self.thread_s / self.served

    @property
    def outside_s(self) -> float:
        """What a request took besides its thread: a constant of the wire, where nothing queues."""
        return measured_s(self)["mean"] - self.service_s


def together(runs: list[Replication]) -> Replication:
    """Add runs up; histograms are merged."""
    latency = Histogram()
    for run in runs:
        latency.merge(run.latency)
    return Replication(
        window_s=sum(run.window_s for run in runs),
        scheduled=sum(run.scheduled for run in runs),
        served=sum(run.served for run in runs),
        thread_s=sum(run.thread_s for run in runs),
        latency=latency,
    )


def measured_s(run: Replication) -> dict[str, float]:
    """Return mean and quantiles of latency; NaN for a quantile that so few requests can't tell."""
    mean_ns = run.latency.mean_ns
    figures = {"mean": math.nan if mean_ns is None else mean_ns / 1e9}
    for name, quantile in QUANTILES.items():
        value_ns = quantile_ns(run.latency, Histogram(), quantile)
        figures[name] = math.nan if value_ns is None else value_ns / 1e9
    return figures


def expected_s(run: Replication, servers: int, outside_s: float) -> dict[str, float]:
    """Return what M/M/c says of the run's rate and S, and the constant of the wire."""
    rate_hz, service_s = run.rate_hz, run.service_s
    return {"mean": mean_s(servers, rate_hz, service_s) + outside_s} | {
        name: quantile_s(servers, rate_hz, service_s, quantile) + outside_s
        for name, quantile in QUANTILES.items()
    }


@dataclass(frozen=True)
class Cell:
    """One figure of one point, compared with theory."""

    measured_s: float
    expected_s: float
    half_width: float
    """Of the 95 % interval of measured / expected."""
    tolerance: float
    """What the deviation may be, whatever the interval."""

    @property
    def deviation(self) -> float:
        """Measured / expected - 1."""
        return self.measured_s / self.expected_s - 1

    @property
    def outcome(self) -> str:
        """`off` beyond interval and tolerance, `untestable` within one that is too wide, otherwise `ok`."""
        if math.isnan(self.half_width):
            return "untestable"
        if abs(self.deviation) > max(self.half_width, self.tolerance):
            return "off"
        return "ok" if self.half_width <= MOST_HALF_WIDTH else "untestable"


def cells(runs: list[Replication], servers: int, outside_s: float, tolerance: float) -> dict[str, Cell]:
    """Hold the runs of a point, two or more, against theory."""
    whole = together(runs)
    measured, expected = measured_s(whole), expected_s(whole, servers, outside_s)
    without = [together(runs[:index] + runs[index + 1 :]) for index in range(len(runs))]
    rests = [(measured_s(rest), expected_s(rest, servers, outside_s)) for rest in without]
    return {
        name: Cell(
            measured[name],
            expected[name],
            half_width(
                measured[name] / expected[name], [mine[name] / theirs[name] for mine, theirs in rests]
            ),
            tolerance,
        )
        for name in FIGURES
    }


def half_width(whole: float, without: list[float]) -> float:
    """Return the half-width of the 95 % interval of an estimate, from itself with each run left out once.

    NaN where one of them can't be told.
    """
    runs = len(without)
    if any(map(math.isnan, without)):
        return math.nan
    pseudo = [runs * whole - (runs - 1) * each for each in without]
    return _T[min(runs - 1, len(_T)) - 1] * statistics.stdev(pseudo) / math.sqrt(runs)


def _decoded(encoded: str, mean_ns: float, max_ns: int) -> Histogram:
    recorded = [
        (item.value_iterated_to, item.count_added_in_this_iter_step)
        for item in HdrHistogram.decode(encoded).get_recorded_iterator()
    ]
    values_ns, counts = np.array(recorded, dtype=np.int64).T
    sum_ns = round(mean_ns * int(counts.sum()))
    return Histogram.of(Sparse.where(bucket_of(values_ns), counts, sum_ns, max_ns))
