"""Does memory grow with the number of requests? Private memory of the lab's processes during one run.

A closed run at full rate against nginx on the other core; the growth is from ten seconds into the run to its
end. What a process shares with others is left out, so nothing is counted twice.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clients import LOADLAB, nginx

MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--scenario", default="task")
    parser.add_argument("--transport", default="aiohttp")
    given = parser.parse_args()
    with nginx() as url, tempfile.TemporaryDirectory() as out:
        command = ["taskset", "-c", "0", LOADLAB, "run", given.scenario, "--transport", given.transport]
        command += ["--target", url, "--concurrency", "50", "--warmup", "1s", "--quiet", "--out", out]
        started = time.monotonic()
        run = subprocess.Popen([*command, "--duration", f"{given.seconds}s"], stdout=subprocess.DEVNULL)
        seen: dict[int, dict[int, int]] = {}
        while time.monotonic() - started < given.seconds:
            time.sleep(1)
            seen[round(time.monotonic() - started)] = {pid: private_bytes(pid) for pid in family(run.pid)}
        if run.wait() not in (0, 3):  # 3: its own saturation, which is asked for here
            sys.exit(f"loadlab ended with {run.returncode}")
    last = max(seen)
    print(f"{'process':>10}{'after 10 s':>12}{f'after {last} s':>12}{'growth':>10}   MiB")
    total = 0.0
    for pid in sorted(seen[10].keys() & seen[last].keys()):
        first, final = seen[10][pid] / MIB, seen[last][pid] / MIB
        total += final - first
        print(f"{pid:>10}{first:>12.2f}{final:>12.2f}{final - first:>+10.2f}")
    print(f"{'all':>10}{'':>24}{total:>+10.2f}")


def family(pid: int) -> list[int]:
    """Return a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    if children.exists():
        for child in children.read_text().split():
            found += family(int(child))
    return found


def private_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Private_"))


if __name__ == "__main__":
    main()
