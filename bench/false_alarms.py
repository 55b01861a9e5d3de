"""How often are steady loads called unsteady, and how often is a change found? On queues that are simulated.

Each load is run many times, with seeds of its own: steady; with a service time that steps up by 25 % at the
middle of the window; and with one that is doubled in the first fifth. What a client records of its seconds is
judged by the checks `stationary` and `warmed_up`, as a stage is. A run is suspect where one of the two fails.

The smallest targets are run steady alone: most of their windows are too coarse to be judged.

Exits 1 where more than 1 % of a load's steady runs are suspect, fewer than 90 % of the changed ones are, or a
steady run was untestable.
"""

import argparse
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from queues import Floats, Pace, Target, closed_load, open_load, recorded, slow_start, steady, step_up
from surroundings import surroundings

from loadlab.analysis import summary
from loadlab.analysis.checks.check import CheckInput
from loadlab.analysis.checks.steady_state import batches_of, least_found, stationary, warmed_up
from loadlab.clock import NS_PER_S
from loadlab.results.result import (
    CheckOutcome,
    ClientStage,
    Counts,
    Distribution,
    Histograms,
    StageResult,
    State,
)
from loadlab.scenarios import scenario
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

MOST_SUSPECT, LEAST_FOUND = 0.01, 0.9
CHUNK = 100
URL = "http://127.0.0.1:8000/"
NOTHING = Distribution(count=0, mean=None, p50=None, p90=None, p99=None, p999=None, max=None)


class Load(NamedTuple):
    """A load that is simulated: open where it has a rho, closed where it has users."""

    target: Target
    window_s: int
    rho: float | None = None
    users: int | None = None
    think_s: float = 0.0
    constant_rate: bool = False

    def __str__(self) -> str:
        """Name it."""
        service = f"{'constant ' if self.target.constant else ''}{self.target.service_s * 1e3:g} ms"
        what = f"{self.users} users" if self.users else f"rho {self.rho}"
        if self.think_s:
            what += f", think {self.think_s * 1e3:g} ms"
        if self.constant_rate:
            what += ", constant rate"
        return f"1 × {self.target.threads}, {service}, {self.window_s} s, {what}"

    def drawn(self, runs: int, pace: Pace, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return due and done of so many runs."""
        if self.users:
            return closed_load(
                self.target, self.users, self.window_s, runs, rng, pace=pace, think_s=self.think_s
            )
        return open_load(
            self.target,
            self.rho or 0.0,
            self.window_s,
            runs,
            rng,
            pace=pace,
            constant_rate=self.constant_rate,
        )


WIDE, NARROW = Target(64, 0.1), Target(8, 0.05)
RHOS = (0.3, 0.5, 0.7, 0.85)
LOADS = (
    *(Load(WIDE, 25, rho=rho) for rho in RHOS),
    *(Load(NARROW, 60, rho=rho) for rho in RHOS),
    Load(NARROW, 60, rho=0.7, constant_rate=True),
    Load(NARROW._replace(constant=True), 60, rho=0.7),
    *(Load(WIDE, 25, users=users) for users in (32, 64, 128)),
    *(Load(NARROW, 60, users=users) for users in (4, 8, 32)),
    Load(WIDE, 25, users=128, think_s=0.2),
    Load(NARROW, 60, users=32, think_s=0.2),
)
SMALL = tuple(Load(Target(1, 0.1), window_s, rho=rho) for window_s in (25, 60) for rho in (0.5, 0.75))
"""Of so few requests that most windows are too coarse to be judged; a steady one is suspect as rarely."""
COURSES = {"steady": lambda _: steady, "step": step_up, "slow start": slow_start}


class Verdict(NamedTuple):
    """What the checks say of one run."""

    stationary: CheckOutcome
    warmed_up: CheckOutcome
    least: float
    """The smallest change that it could have found."""
    grows: bool
    """Whether the queue is said to grow."""

    @property
    def suspect(self) -> bool:
        """Whether one of the two failed."""
        return CheckOutcome.FAIL in (self.stationary, self.warmed_up)

    @property
    def untestable(self) -> bool:
        """Whether neither failed and one could not tell."""
        return not self.suspect and CheckOutcome.UNTESTABLE in (self.stationary, self.warmed_up)


def verdicts(load: Load, course: str, runs: int, seed: int) -> list[Verdict]:
    """Judge so many runs of a load."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{load} {course}".encode())])
    due_s, done_s = load.drawn(runs, COURSES[course](load.window_s), rng)
    return [judged(load, due, done) for due, done in zip(due_s, done_s, strict=True)]


def judged(load: Load, due_s: Floats, done_s: Floats) -> Verdict:
    """Judge one run, whose requests are due and done at these moments."""
    case = case_of(load, due_s, done_s)
    halves, beginning = stationary(case), warmed_up(case)
    least = least_found(batches_of(case.stage), case.stage)
    return Verdict(halves.outcome, beginning.outcome, least, "the queue grows" in halves.message)


def case_of(load: Load, due_s: Floats, done_s: Floats) -> CheckInput:
    """Return one run as the lab's stage."""
    counted = recorded(due_s, done_s, load.window_s)
    window_ns = load.window_s * NS_PER_S
    stage = StageResult(
        label="simulated",
        concurrency=load.users,
        requests=None,
        processes=1,
        window_ns=window_ns,
        counts=Counts(),
        statuses={},
        throughput_hz=0.0,
        received_bytes=0,
        in_flight_mean=counted.in_flight_integral_ns / window_ns,
        in_flight_dispersion=summary.in_flight_dispersion(counted, 1, window_ns),
        makespan_ns=None,
        state=State.VALID,
        findings=(),
        sent_total=0,
        missing_shard_ns=0,
        latency_ns=NOTHING,
        service_ns=NOTHING,
        lag_ns=NOTHING,
        histograms=Histograms(latency="", service="", lag=""),
        slices=summary.slices(counted, window_ns),
        client=ClientStage(cpu_ratio=(), loop_stall_max_ns=0, connections_opened=None, connections_lost=None),
        target=None,
        theory=None,
    )
    plan = Plan(
        scenario="task",
        transport="wire",
        workload=Workload.CLOSED if load.users else Workload.OPEN,
        target=URL,
        requests=(Request(url=URL),),
        stages=(Stage(concurrency=load.users) if load.users else Stage(rate_hz=1.0),),
    )
    return CheckInput(plan, scenario("task").TRAITS, 1.0, stage)


def measured(loads: tuple[Load, ...], runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Judge so many runs of each load in each course; return its figures."""
    with ProcessPoolExecutor() as pool:
        for load in loads:
            found = {}
            for course in COURSES:
                chunks = [min(CHUNK, runs - first) for first in range(0, runs, CHUNK)]
                seeds = range(seed * 1000, seed * 1000 + len(chunks))
                parts = pool.map(partial(verdicts, load, course), chunks, seeds)
                found[course] = [verdict for part in parts for verdict in part]
            yield figures(load, found)


def small(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Judge so many steady runs of each of the smallest targets; return its figures."""
    for load in SMALL:
        calm = verdicts(load, "steady", runs, seed)
        yield {"load": str(load), "runs": runs} | alarms(calm)


def figures(load: Load, found: dict[str, list[Verdict]]) -> dict[str, Any]:
    """Return the shares of a load's runs that each check failed, or could not tell."""
    calm = found["steady"]
    least = sorted(each.least for each in calm)
    row = {
        "load": str(load),
        "runs": len(calm),
        **alarms(calm),
        "least_median": median(least),
        "least_most": least[-1],
        "step": share(found["step"], "suspect"),
        "slow start": share(found["slow start"], "suspect"),
    }
    holds = (
        row["suspect"] <= MOST_SUSPECT
        and row["untestable"] == 0
        and min(row["step"], row["slow start"]) >= LEAST_FOUND
    )
    return row | {"outcome": "ok" if holds else "off"}


def alarms(calm: list[Verdict]) -> dict[str, float]:
    """Return of how many steady runs each thing is said, as shares."""
    failed = Counter(
        name for each in calm for name in ("stationary", "warmed_up") if getattr(each, name) == "fail"
    )
    return {
        "suspect": share(calm, "suspect"),
        "stationary": failed["stationary"] / len(calm),
        "warmed_up": failed["warmed_up"] / len(calm),
        "untestable": share(calm, "untestable"),
        "grows": share(calm, "grows"),
    }


def share(verdicts: list[Verdict], what: str) -> float:
    """Return the share of the runs of which this is so."""
    return sum(getattr(each, what) for each in verdicts) / len(verdicts)


HEAD = (
    '| load | suspect | `stationary` | `warmed_up` | untestable | "grows" | could have found: median, most '
    "| step found | slow start found | |\n" + "| --- " * 10 + "|"
)


SMALL_HEAD = '| load | suspect | `stationary` | `warmed_up` | untestable | "grows" |\n' + "| --- " * 6 + "|"
ALARMS = ("suspect", "stationary", "warmed_up", "untestable", "grows")


def small_line(row: dict[str, Any]) -> str:
    """Return the row of one of the smallest targets."""
    return f"| {' | '.join((row['load'], *(f'{row[name]:.1%}' for name in ALARMS)))} |"


def line(row: dict[str, Any]) -> str:
    """Return a load's row of the table."""
    cells = [row["load"], *(f"{row[name]:.1%}" for name in ALARMS)]
    cells.append(f"{row['least_median']:.0%}, {row['least_most']:.0%}")
    cells += [f"{row[name]:.1%}" for name in ("step", "slow start")]
    return f"| {' | '.join((*cells, row['outcome']))} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000, help="of each load in each course")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("results/false-alarms.json"))
    parser.add_argument("--small", action="store_true", help="the smallest targets alone")
    given = parser.parse_args()
    print(SMALL_HEAD, flush=True)
    smallest = list(small(given.runs, given.seed))
    print(*map(small_line, smallest), sep="\n", flush=True)
    calm = all(row["suspect"] <= MOST_SUSPECT for row in smallest)
    if given.small:
        sys.exit(not calm)
    rows = []
    print(HEAD, flush=True)
    for row in measured(LOADS, given.runs, given.seed):
        rows.append(row)
        print(line(row), flush=True)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(
        json.dumps({"environment": surroundings({}), "loads": rows, "smallest": smallest}, indent=1) + "\n"
    )
    sys.exit(not calm or any(row["outcome"] != "ok" for row in rows))


if __name__ == "__main__":
    main()
