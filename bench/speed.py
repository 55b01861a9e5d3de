"""What one core of a client can do against nginx on the other, compared with its peers: the whole table.

Every tool runs in turn, pinned to core 0, nginx to core 1, 50 connections; for each row the ratio within each
round, and the median of the rounds. The order turns round with every round, so that a machine that
gets slower favours no tool. The lab's figures are what `loadlab run` itself says; it is saturated here on
purpose, calls that INVALID, and is right. Its counts are nginx's own, or the bench ends.

Needs two cores and the Debian packages nginx-light and wrk; hey, apache2-utils and nghttp2-client, Locust
(`make .venv-bench/done`) and oha (`make .bench-tools/bin/oha`, which takes minutes) where they are installed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peers
import table
from lab import Figures
from nginx import CORE, nginx
from rows import GROUPS, ROWS, Row, Setting, contestants, needed
from surroundings import surroundings

QUICK = Setting(rounds=2, seconds=2, open_seconds=3, memory_s=(12, 24))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that all of it works")
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="ROWS", help=" ".join(GROUPS)
    )
    parser.add_argument("--json", type=Path, default=Path("results/bench.json"), help="where it is written")
    parser.add_argument(
        "--show",
        type=Path,
        nargs="+",
        metavar="JSON",
        help="measure nothing: print what was written as Markdown; rows of later files replace earlier ones",
    )
    given = parser.parse_args()
    if given.show:
        whole = _joined([json.loads(path.read_text()) for path in given.show])
        print(table.markdown(whole["rows"], table.medians(whole["rounds"])))
        return
    setting = (
        QUICK
        if given.quick
        else Setting(rounds=given.rounds, seconds=given.seconds, open_seconds=30, memory_s=(60, 300))
    )
    rows = [row for row in ROWS if row.group in given.only]
    rounds, missing = _measured(rows, setting)
    result = {
        "environment": surroundings(peers.versions()),
        "setting": vars(setting),
        "rows": [table.told(row, rounds, missing) for row in rows],
        "rounds": rounds,
    }
    print(table.text(result["rows"], table.medians(rounds)))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"\n{given.json}")


def _measured(rows: list[Row], setting: Setting) -> tuple[dict[str, list[Figures]], dict[str, str]]:
    """Run everybody round by round; return their figures, and the tools that are not here."""
    rounds: dict[str, list[Figures]] = {}
    missing: dict[str, str] = {}
    with _on_core_of_nginx(), nginx() as url:
        everybody = contestants(url, setting)
        chosen = [name for name in everybody if name in needed(rows)]
        for number in range(setting.rounds):
            for name in chosen if number % 2 == 0 else reversed(chosen):
                one = everybody[name]
                if one.tool is not None and peers.program(one.tool) is None:
                    missing[name] = one.tool
                elif number == 0 or not one.once:
                    rounds.setdefault(name, []).append(one.run())
                    _say(f"round {number + 1}: {name}: {_shown(rounds[name][-1])}")
    return rounds, missing


@contextmanager
def _on_core_of_nginx() -> Iterator[None]:
    """Keep this process, which looks at others, out of the way of who is measured."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(CORE)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    rows: dict[str, table.Told] = {}
    rounds: dict[str, list[Figures]] = {}
    for part in parts:
        rows |= {row["what"]: row for row in part["rows"]}
        rounds |= part["rounds"]
    ordered = [rows[row.what] for row in ROWS if row.what in rows]
    return {"rows": ordered, "rounds": rounds}


def _shown(figures: Figures) -> str:
    return ", ".join(f"{name} {value:,.2f}" for name, value in figures.items())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
