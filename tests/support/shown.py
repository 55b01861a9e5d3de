"""What a panel's series may have to be: exact, within a bucket, between two values, a staircase, an area."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import pairwise

from loadlab.metrics.buckets import EDGES_S
from support.grafana import Series

Check = Callable[[list[Series]], str]
"""Returns with what a panel agrees, or raises AssertionError."""
THROUGHPUT = 0.02
"""How far a rate or an increase may be from the truth, besides what comes between two scrapes."""


def _buckets(value_s: float) -> set[int]:
    """Those that a percentile may lie in: it is exact to a thousandth, so near an edge there are two."""
    return {bisect_left(EDGES_S, value_s * by) for by in (1 - 1e-3, 1 + 1e-3)}


def exactly(value: float) -> Check:
    def check(found: list[Series]) -> str:
        shown = [series.last for series in found]
        assert all(math.isclose(last, value, rel_tol=1e-9, abs_tol=1e-12) for last in shown), (value, shown)
        return f"= {value:.6g}"

    return check


def near(value: int, what: str, *, per_s: float) -> Check:
    """An increase, which is extrapolated: within 2 % and what comes between two scrapes."""

    def check(found: list[Series]) -> str:
        [series] = found
        assert abs(series.last - value) <= THROUGHPUT * value + per_s, (value, series.last)
        return f"{series.last:.1f} of {value} {what}"

    return check


def between(low: float, high: float) -> Check:
    def check(found: list[Series]) -> str:
        values = [value for series in found for value in series.values]
        assert all(low <= value <= high for value in values), (low, high, values)
        return f"{low:.4g} to {high:.4g}"

    return check


def in_bucket_of(value_s: float) -> Check:
    def check(found: list[Series]) -> str:
        [series] = found
        assert _buckets(series.last) & _buckets(value_s), (value_s, series.last)
        return f"in the bucket of {value_s:.4g} s"

    return check


def steps_through(possible: set[float], reached: set[float]) -> Check:
    """A staircase: nothing but these steps and 0, and each that must be reached."""

    def check(found: list[Series]) -> str:
        for series in found:
            assert set(series.values) <= possible | {0}, (possible, set(series.values))
        shown = {value for series in found for value in series.values}
        assert reached <= shown, (reached, shown)
        return "steps " + ", ".join(f"{step:g}" for step in sorted(shown))

    return check


def names(*expected: str) -> Check:
    """States that hold, which is the value 1, by their names."""

    def check(found: list[Series]) -> str:
        assert {series.name for series in found} == set(expected), found
        assert {series.last for series in found} == {1}, found
        return "= " + ", ".join(expected)

    return check


def all_zero(found: list[Series]) -> str:
    assert all(value == 0 for series in found for value in series.values), found
    return "= 0"


def peaks(low: float, high: float) -> Check:
    """The highest of all values lies between the two."""

    def check(found: list[Series]) -> str:
        values = [value for series in found for value in series.values]
        assert low <= max(values) <= high, (low, high, max(values))
        return f"highest {max(values):.4g}, of {low:.4g} to {high:.4g}"

    return check


def of_runs(run_ids: Iterable[str]) -> Check:
    """A state, 1 or 0: each of these runs was in it."""
    expected = set(run_ids)

    def check(found: list[Series]) -> str:
        assert {value for series in found for value in series.values} <= {0, 1}, found
        was_in_it = {series.labels["run"] for series in found if 1 in series.values}
        assert expected <= was_in_it, (expected, was_in_it)
        return f"{len(expected)} runs"

    return check


def as_drawn(_: list[Series]) -> str:
    """A column of a chart, which is held against the results as a whole."""
    return "as drawn"


def anything(_: list[Series]) -> str:
    return "has data"


def adds_up_to(value: int, what: str, *, of_last: bool = False) -> Check:
    """The area under a rate, of all series or of the last bucket: within 2 % and what lies at its ends."""

    def check(found: list[Series]) -> str:
        counted = [max(found, key=lambda each: float(each.labels["le"]))] if of_last else found
        moments = sorted({moment for series in counted for moment, _ in series.points})
        step_s = min(later - sooner for sooner, later in pairwise(moments))
        area = sum(value for series in counted for value in series.values) * step_s
        highest = max(value for series in counted for value in series.values)
        assert abs(area - value) <= THROUGHPUT * value + highest * step_s, (value, area)
        return f"area {area:.0f} of {value} {what}"

    return check


def each_adds_up_to(expected: dict[str, int], what: str) -> Check:
    """The area under each rate, by the name of its series; one that is not expected is 0 all the time."""

    def check(found: list[Series]) -> str:
        assert expected.keys() <= {series.name for series in found}, (expected, found)
        said = [
            adds_up_to(expected.get(series.name, 0), f"{what} {series.name}")([series]) for series in found
        ]
        return ", ".join(said)

    return check


def moments(expected: dict[tuple[str, ...], tuple[float, float]], *labels: str) -> Check:
    """Annotations whose value is their moment: one for each of these labels, between two of Unix time."""

    def check(found: list[Series]) -> str:
        told = {
            tuple(series.labels[label] for label in labels): {value / 1000 for value in series.values}
            for series in found
        }
        assert told.keys() == expected.keys(), (expected, told)
        for key, (low_s, high_s) in expected.items():
            assert len(told[key]) == 1, (key, told[key])
            assert all(low_s <= moment_s <= high_s for moment_s in told[key]), (key, told[key], low_s, high_s)
        return f"{len(expected)} moments"

    return check
