"""Do the lab's numbers agree with queueing theory? Poisson arrivals at a gunicorn with exponential service.

Open: 1 worker × 8 threads, exponential 50 ms waits; measured latency compared with M/M/8 (Erlang C). Theory
gets S as the target measured it, the realised rate, and a wire constant: what a request takes besides its
thread, measured where nothing queues (rho 0.05). Each point is several runs with seeds of their own, and more
of them until the interval of every figure is at most 10 % to either side. A figure is `ok` within its
interval or 5 % of theory (10 % at rho 0.85 and above, where 3 % in S moves the mean by 20 %).

Closed: 1 worker × 8 threads, 100 ms; throughput compared with min(N/S, slots/S): at least 0.95 with as many
users as threads, 0.98 with more.

Ends with 1 where something is off or could not be told, with 3 where the machine is too busy. It takes about
half an hour, of a machine that has nothing else to do.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from replications import FIGURES, MOST_HALF_WIDTH, Cell, Replication, cells, together
from surroundings import surroundings

LOADLAB = Path(sys.executable).with_name("loadlab")
THREADS = 8
SERVICE_S = 0.05
QUIET_RHO = 0.05
HIGH_RHO = 0.85
WARMUP_S = 5
"""At rho 0.85 an empty queue has forgotten that it was empty after one."""
MOST_LEFT_OUT = 3
USERS = {8: 0.95, 16: 0.98, 32: 0.98}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=30, help="of each run")
    parser.add_argument("--runs", type=int, default=8, help="of each point, at least")
    parser.add_argument("--most", type=int, default=24, help="of a point whose interval stays too wide")
    parser.add_argument("--rho", type=float, nargs="*", default=[0.3, 0.5, 0.7, HIGH_RHO])
    parser.add_argument("--users", type=int, nargs="*", choices=USERS, default=list(USERS))
    parser.add_argument("--transport", default="wire")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one point, a few seconds, tolerance 25 %%; what such a short run can't tell is no failure",
    )
    parser.add_argument("--json", type=Path, default=Path("results/ground-truth.json"))
    parser.add_argument("--show", type=Path, metavar="JSON", help="measure nothing: print what was written")
    given = parser.parse_args()
    if given.show:
        print(markdown(json.loads(given.show.read_text())))
        return
    if given.quick:
        given.seconds, given.runs, given.most, given.rho, given.users = 3, 3, 3, [0.5], []
    result = measured(given)
    print(markdown(result))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{given.json}", file=sys.stderr)
    outcomes = [cell["outcome"] for point in result["points"] for cell in point["cells"].values()]
    outcomes += [line["outcome"] for line in result["closed"]]
    if "off" in outcomes or ("untestable" in outcomes and not given.quick):
        sys.exit(1)


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """Measure all points; return them with what they were measured with."""
    seeds = itertools.count(1)
    quiet = together(list(itertools.islice(runs(QUIET_RHO, seeds, given), max(given.runs // 2, 1))))
    points = [point(rho, seeds, quiet.outside_s, given) for rho in given.rho]
    return {
        "environment": surroundings({}),
        "setting": {key: value for key, value in vars(given).items() if not isinstance(value, Path)},
        "outside_s": quiet.outside_s,
        "points": points,
        "closed": [closed(users, next(seeds), given) for users in given.users],
    }


def point(rho: float, seeds: Iterator[int], outside_s: float, given: argparse.Namespace) -> dict[str, Any]:
    """Measure one point until every interval is narrow enough, or there were enough runs."""
    tolerance = 0.25 if given.quick else 0.1 if rho >= HIGH_RHO else 0.05
    done: list[Replication] = []
    for run in runs(rho, seeds, given):
        done.append(run)
        if len(done) >= given.runs:
            found = cells(done, THREADS, outside_s, tolerance)
            if len(done) == given.most or all(cell.half_width <= MOST_HALF_WIDTH for cell in found.values()):
                break
    whole = together(done)
    return {
        "rho": rho,
        "runs": len(done),
        "seconds": whole.window_s,
        "requests": whole.latency.count,
        "service_s": whole.service_s,
        "rate_hz": whole.rate_hz,
        "cells": {name: _shown(cell) for name, cell in found.items()},
    }


def runs(rho: float, seeds: Iterator[int], given: argparse.Namespace) -> Iterator[Replication]:
    """Run a point again and again. A run that the lab calls INVALID is left out, and said to be.

    Ends the program with 3, as the lab does, where that becomes of too many in a row.
    """
    left_out = 0
    rate = round(rho * THREADS / SERVICE_S, 6)  # as people write it: 48, not 47.99999999999999
    for seed in seeds:
        options = ["--rate", rate, "--arrivals", "poisson", "--delay", f"exp:{SERVICE_S * 1e3:g}ms"]
        options += ["--warmup", "1s" if given.quick else f"{WARMUP_S}s", "--seed", seed]
        result = stage(given, options)
        if result["state"] == "invalid":
            findings = "; ".join(finding["message"] for finding in result["findings"])
            print(f"rho {rho}, seed {seed}: left out: {findings}", file=sys.stderr, flush=True)
            left_out += 1
            if left_out == MOST_LEFT_OUT:
                print("this machine is too busy to measure on", file=sys.stderr)
                sys.exit(3)
            continue
        left_out = 0
        print(f"rho {rho}, seed {seed}", file=sys.stderr, flush=True)
        yield Replication.of(result)


def closed(users: int, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Measure a closed stage and its bound."""
    options = ["--concurrency", users, "--delay", "100ms", "--seed", seed]
    result = stage(given, options)
    ratio = result["throughput_hz"] / result["theory"]["bound_hz"]
    limit = USERS[users]
    outcome = "ok" if ratio >= limit and result["state"] != "invalid" else "off"
    return {"users": users, "ratio": ratio, "limit": limit, "outcome": outcome, "state": result["state"]}


def stage(given: argparse.Namespace, options: list[object]) -> dict[str, Any]:
    """Run one stage of `task` against a gunicorn of its own."""
    command: list[object] = [LOADLAB, "run", "task", "--threads", THREADS, "--transport", given.transport]
    command += [*options, "--duration", f"{given.seconds}s", "--json", "--quiet"]
    with tempfile.TemporaryDirectory() as out:
        words = list(map(str, [*command, "--out", out]))
        done = subprocess.run(words, capture_output=True, cwd=out, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"loadlab ended with {done.returncode}: {done.stderr.decode()}")
    (only,) = json.loads(done.stdout)["stages"]
    return dict(only)


def markdown(result: dict[str, Any]) -> str:
    """Lay the tables out."""
    lines = [
        f"Wire constant, at rho {QUIET_RHO}: {result['outside_s'] * 1e3:.2f} ms.",
        "",
        "| rho | runs | S | rate | mean | p50 | p90 | p99 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in result["points"]:
        shown = " | ".join(_cell(each["cells"][name]) for name in FIGURES)
        lines.append(
            f"| {each['rho']} | {each['runs']} × {each['seconds'] / each['runs']:.0f} s "
            f"| {each['service_s'] * 1e3:.1f} ms | {each['rate_hz']:.1f}/s | {shown} |"
        )
    if result["closed"]:
        lines += ["", "| users | achieved / bound | at least | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {each['users']} | {each['ratio']:.3f} | {each['limit']} | {each['outcome']} |"
        for each in result["closed"]
    ]
    return "\n".join(lines)


def _shown(cell: Cell) -> dict[str, Any]:
    """Return a cell as JSON has it, which has no NaN."""
    shown = asdict(cell) | {"deviation": cell.deviation, "outcome": cell.outcome}
    return {key: None if value != value else value for key, value in shown.items()}  # noqa: PLR0124 - NaN


def _cell(cell: dict[str, Any]) -> str:
    if cell["half_width"] is None:
        return str(cell["outcome"])
    figures = f"{cell['measured_s'] * 1e3:.1f} / {cell['expected_s'] * 1e3:.1f} ms"
    return f"{figures}, {cell['deviation']:+.1%} ± {cell['half_width']:.1%} {cell['outcome']}"


if __name__ == "__main__":
    main()
