"""The table of docs/scenarios.md: every scenario with the same work, against the same kind of target.

A batch of 40 requests, and 12 users for two seconds where the scenario can have them, each against a fresh
gunicorn of 1 worker × 64 threads whose handler waits 100 ms.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from loadlab.scenarios import scenario
from loadlab.workload.traits import Workload

LOADLAB = Path(sys.executable).with_name("loadlab")
ORDER = ("blocking", "coroutine", "blocked-loop", "task", "callback", "threads", "pool", "pool-map")


def main() -> None:
    print("| scenario | Cost time of 40 requests | predicted | replies/s of 12 users | p50 | bound |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ORDER:
        traits = scenario(name).TRAITS
        batch = stage(name, "--workload", "batch", "--requests", "40")
        cells = [f"{batch['makespan_ns'] / 1e9:.2f} s", f"{batch['theory']['makespan_ns'] / 1e9:.2f} s"]
        if Workload.CLOSED in traits.workloads:
            users = "1" if traits.single_user else "12"
            closed = stage(name, "--concurrency", users, "--duration", "2s")
            note = " (1 user)" if traits.single_user else ""
            cells += [
                f"{closed['throughput_hz']:.0f}{note}",
                f"{closed['latency_ns']['p50'] / 1e6:.0f} ms",
                f"{closed['theory']['bound_hz']:.0f}/s",
            ]
        else:
            cells += ["–", "–", "–"]
        print(f"| `{name}` | {' | '.join(cells)} |")


def stage(name: str, *options: str) -> dict:
    with tempfile.TemporaryDirectory() as out:
        command = [LOADLAB, "run", name, *options, "--json", "--quiet", "--out", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    (only,) = json.loads(done.stdout)["stages"]
    return only


if __name__ == "__main__":
    main()
