"""Does memory grow with the number of requests? Private memory of the lab's processes during one long run.

A closed run at full rate against nginx. The growth is from one moment of the run to another, each the median
of the ten seconds before it. What a process shares with others is left out, so nothing is counted twice.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

from lab import CONNECTIONS, LOADLAB, Figures
from nginx import nginx
from processes import family, private_bytes

MIB = 1 << 20
_MEDIAN_OF_S = 10
_AFTER_S = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first_s", type=int, default=60, help="seconds into the run")
    parser.add_argument("--to", dest="last_s", type=int, default=300)
    parser.add_argument("--scenario", default="callback")
    parser.add_argument("--transport", default="wire")
    given = parser.parse_args()
    with nginx() as url:
        figures = growth(given.scenario, given.transport, url, given.first_s, given.last_s)
    for name, value in figures.items():
        print(f"{name:24}{value:10.2f}")


def growth(scenario: str, transport: str, url: str, first_s: int, last_s: int) -> Figures:
    """Return by how much the processes grew between two moments of a run, in MiB: all, and each."""
    command: list[object] = ["taskset", "-c", 0, LOADLAB, "run", scenario, "--transport", transport]
    command += ["--target", url, "--concurrency", CONNECTIONS, "--warmup", "0s", "--quiet"]
    looks: list[tuple[float, dict[int, float]]] = []
    with tempfile.TemporaryDirectory() as out:
        command += ["--out", out, "--duration", f"{last_s + _AFTER_S}s"]
        run = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started_s = time.monotonic()
        while (passed_s := time.monotonic() - started_s) < last_s:
            time.sleep(1)
            looks.append((passed_s, {pid: private_bytes(pid) / MIB for pid in family(run.pid)}))
        if run.wait() not in (0, 3):  # 3: its own saturation, which is asked for here
            sys.exit(f"loadlab ended with {run.returncode}")
    first, last = (_median(looks, at_s) for at_s in (first_s, last_s))
    each = {f"process {pid} MiB": last[pid] - first[pid] for pid in first.keys() & last.keys()}
    return {"growth_mib": sum(each.values()), "at_first_mib": sum(first.values())} | each


def _median(looks: list[tuple[float, dict[int, float]]], at_s: float) -> dict[int, float]:
    """Return each process's memory in the seconds before a moment."""
    near = [sizes for looked_s, sizes in looks if at_s - _MEDIAN_OF_S < looked_s <= at_s]
    return {pid: statistics.median(sizes[pid] for sizes in near if pid in sizes) for pid in near[-1]}


if __name__ == "__main__":
    main()
