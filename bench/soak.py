"""Account for each of millions of requests to a server that misbehaves at random.

The server (`unruly_server.py`) closes, resets, cuts off, sends garbage, is late or slow, as its seed has it.
Runs of `loadlab run` follow one another until each transport has sent its number. In some of them a worker is
killed, in others one is stopped. After each run its result must add up, and agree with what the server has
read (`accounting.py`). Then the same with responses that are mutated at random, where each request must have
an outcome that the transport foresaw. Then mutated responses in memory (`fuzz_wire.py`), and the agent's API,
asked at random (`fuzz_api.py`).

Exits with 1 where something is not accounted for; it says each such thing as it finds it.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from accounting import OUTCOMES, Served, problems
from processes import family
from surroundings import surroundings

LOADLAB = Path(sys.executable).with_name("loadlab")
SERVER = Path(__file__).with_name("unruly_server.py")
CLIENTS = {
    "wire": ("pool", "--transport", "wire", "--processes", "2", "--concurrency", "128"),
    "aiohttp": ("pool", "--transport", "aiohttp", "--processes", "2", "--concurrency", "64"),
    "requests": ("threads", "--concurrency", "32"),
}
SOAKED = {"wire": 10_000_000, "aiohttp": 1_000_000, "requests": 200_000}
MUTATED = {"wire": 0, "aiohttp": 1_000_000, "requests": 100_000}
"""Those of `wire` are mutated in memory (`fuzz_wire.py`), which is faster and cuts them, too."""
FUZZERS = {"parser": ("fuzz_wire.py", "--count", 1_000_000), "api": ("fuzz_api.py", "--seconds", 600)}
RUNS = 20
LOSSES = {3: signal.SIGKILL, 7: signal.SIGSTOP}
"""Which of ten runs in a row lose a worker, and how."""
SILENCE = "silence"
"""How a worker is lost that is not touched: on a machine so busy that it does not speak for 1.5 s."""
REPORTED_S = 2.0
"""What a worker did in its last second, it may not have reported; the other one is for a busy machine."""
_GOOD = {0, 1, 3}
"""Exit codes of a run: 1 is FAIL, 3 is INVALID, which one that lost a worker is."""


@dataclass
class Sums:
    """What all runs of a transport came to."""

    sent: int = 0
    read: int = 0
    runs: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    took_s: float = 0.0
    problems: list[str] = field(default_factory=list)

    def add(self, stage: dict[str, Any], served: Served) -> None:
        """Add a run."""
        self.runs += 1
        self.sent += stage["sent_total"]
        self.read += served.total
        self.outcomes.update({name: stage["counts"][name] for name in OUTCOMES})
        if served.unknown:
            outcomes = stage["counts"]["scheduled"] - stage["counts"]["dropped"]
            self.unknown += max(served.total - outcomes, stage["sent_total"] - outcomes)
        self.problems += problems(stage, served)


class Server:
    """The server that misbehaves, in a process of its own."""

    def __init__(self, seed: int, *, mutated: bool) -> None:
        words = [sys.executable, SERVER, "--seed", str(seed), *(["--mutated"] if mutated else [])]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self._heard()["url"]

    def take(self, lost_s: float | None) -> Served:
        """Ask what it has read since it was last asked; a worker was lost at that moment."""
        span = None if lost_s is None else (lost_s - REPORTED_S, time.monotonic())
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(span) + "\n")
        self._process.stdin.flush()
        heard = self._heard()
        return Served(heard["done"], heard["settled"], heard["around"])

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("the server has gone")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.communicate(timeout=20)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    every = [*CLIENTS, *FUZZERS]
    parser.add_argument("--only", nargs="*", choices=every, default=every, help="these parts")
    parser.add_argument("--part", type=float, default=1.0, help="this share of the full numbers")
    parser.add_argument("--runs", type=int, default=RUNS, help="in how many runs, about, each number is sent")
    parser.add_argument(
        "--lose", choices=["SIGKILL", "SIGSTOP"], help="a worker of every run, and not of some"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=Path("results/soak.json"))
    parser.add_argument("--show", nargs="+", type=Path, help="print the table of docs/security.md from these")
    given = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    for path in given.show or ():
        found |= json.loads(path.read_text())["soak"]
    if given.show:
        print(table(found))
        return
    for name, numbers, mutated in (("misbehaves", SOAKED, False), ("mutated", MUTATED, True)):
        for transport in CLIENTS:
            goal = round(numbers[transport] * given.part)
            if transport in given.only and goal:
                losses = dict.fromkeys(range(10), signal.Signals[given.lose]) if given.lose else LOSSES
                sums = soak(transport, goal, given.runs, given.seed, losses, mutated=mutated)
                found[f"{transport}, {name}"] = vars(sums)
                print(f"{transport}, {name}: {line(sums)}", flush=True)
    print(table(found))
    codes = [fuzzed(*FUZZERS[name], given.part) for name in FUZZERS if name in given.only]
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({"environment": surroundings({}), "soak": found}, indent=1) + "\n")
    sys.exit(any(codes) or any(each["problems"] for each in found.values()))


def fuzzed(script: str, option: str, most: int, part: float) -> int:
    """Run a fuzzer and return its exit code."""
    words = [sys.executable, Path(__file__).with_name(script), option, str(max(1, round(most * part)))]
    return subprocess.run(words, check=False).returncode


def soak(
    transport: str, goal: int, runs: int, seed: int, losses: dict[int, signal.Signals], *, mutated: bool
) -> Sums:
    """Send as many requests on a transport, or have as many mutated responses: those that were asked for."""
    sums = Sums()
    rng = random.Random(seed)
    begun_s = time.monotonic()
    with Server(seed, mutated=mutated) as server:
        while (done := sums.read if mutated else sums.sent) < goal:
            size = min(-(-goal // runs), goal - done)
            loss = losses.get(sums.runs % 10)
            stage, lost_s = run(transport, server.url, max(size, 256), rng.uniform(0.5, 2.0), loss)
            if lost_s is not None and loss is not None:
                sums.lost[loss.name] += 1
            elif missing_ns := stage["missing_shard_ns"]:
                sums.lost[SILENCE] += 1
                lost_s = time.monotonic() - missing_ns / 1e9
            known = len(sums.problems)
            sums.add(stage, server.take(lost_s))
            for problem in sums.problems[known:]:
                print(f"  run {sums.runs}: {problem}", flush=True)
            print(f"  {transport}: {sums.read if mutated else sums.sent:,} of {goal:,}", flush=True)
    sums.took_s = time.monotonic() - begun_s
    return sums


def run(
    transport: str, url: str, size: int, after_s: float, loss: signal.Signals | None
) -> tuple[dict[str, Any], float | None]:
    """Make one run; return its stage, and when a worker was lost, if one was."""
    scenario, *options = CLIENTS[transport]
    with tempfile.TemporaryDirectory() as out:
        words = [LOADLAB, "run", scenario, *options, "--requests", str(size), "--target", url]
        words += ["--timeout", "1s", "--connect-timeout", "1s", "--max-errors", "none"]
        words += ["--json", "--quiet", "--out", out]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            lost_s = None if loss is None else lose(process, loss, after_s)
            text, errors = process.communicate()
        if process.returncode not in _GOOD or not text:
            sys.exit(f"{' '.join(map(str, words))} ended with {process.returncode}: {errors}")
    (stage,) = json.loads(text)["stages"]
    return stage, lost_s


def lose(process: subprocess.Popen[str], how: signal.Signals, after_s: float) -> float | None:
    """Kill or stop a worker of a run some time after it has started; None where the run was over by then."""
    while process.poll() is None:
        if workers := workers_of(process.pid):
            time.sleep(after_s)
            try:
                os.kill(workers[0], how)
            except ProcessLookupError:
                return None
            return time.monotonic()
        time.sleep(0.02)
    return None


def workers_of(pid: int) -> list[int]:
    """Return the processes of a run that lead a group of their own, as its workers do."""
    return sorted(each for each in family(pid)[1:] if group_of(each) == each)


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return what all runs came to as Markdown, a transport and kind of server a row."""
    heads = ("sent", "read", "ok", "timeout", "broken", "killed, stopped, silent", "unknown", "not explained")
    rows = [f"| transport, server | {' | '.join(heads)} |", "| --- |" + " --: |" * len(heads)]
    for name, sums in found.items():
        counts = sums["outcomes"]
        lost = ", ".join(str(sums["lost"].get(how, 0)) for how in ("SIGKILL", "SIGSTOP", SILENCE))
        broken = counts["protocol_error"] + counts["connect_error"] + counts["unfinished"]
        figures = (sums["sent"], sums["read"], counts["ok"], counts["timeout"], broken)
        cells = [*(f"{each:,}" for each in figures), lost, f"{sums['unknown']:,}", str(len(sums["problems"]))]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def line(sums: Sums) -> str:
    """Say what the runs of a transport came to."""
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sums.outcomes.most_common() if count)
    lost = " and ".join(f"{count} by {name}" for name, count in sums.lost.items()) or "none"
    return (
        f"{sums.sent:,} sent in {sums.runs} runs and {sums.took_s:.0f} s, {sums.read:,} read by the server;"
        f" {outcomes}; workers lost: {lost}, {sums.unknown:,} outcomes unknown;"
        f" {len(sums.problems)} unaccounted for"
    )


if __name__ == "__main__":
    main()
