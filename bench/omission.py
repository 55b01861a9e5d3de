"""Coordinated omission, the table of docs/method.md: a pause of 1.4 s read in three ways, and the formula."""

import sys
import tempfile
from pathlib import Path

from loadlab.analysis.omission import latency_ns
from loadlab.units import show_ns

sys.path.append(str(Path(__file__).parents[1] / "tests"))
# The stages are those that the tests judge.
from support.paused_target import HOSTS, USERS, closed_through, opened_through

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def main() -> None:
    start = HOSTS["gunicorn"]
    with tempfile.TemporaryDirectory() as folder:
        opened, expected = opened_through(start, Path(folder))
        closed = closed_through(start, Path(folder), opened.service_ns.p50)
    print("| reading | p50 | p90 | p95 | p99 | max |\n| --- | --- | --- | --- | --- | --- |")
    for name, told in (
        (f"closed, {USERS} users with think time, 100/s", closed.latency_ns),
        ("open, from the moment of sending", opened.service_ns),
        ("open, from the due moment", opened.latency_ns),
    ):
        print(row(name, [getattr(told, quantile) for quantile in (*QUANTILES, "max")]))
    print(row("the formula", [latency_ns(expected, quantile) for quantile in (*QUANTILES.values(), 1.0)]))


def row(name: str, values_ns: list[float | None]) -> str:
    return f"| {name} | {' | '.join(map(show_ns, values_ns))} |"


if __name__ == "__main__":
    main()
