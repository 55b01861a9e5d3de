"""Do the lab's numbers agree with queueing theory? Poisson arrivals at a gunicorn with exponential service.

Open: 1 worker × 8 threads, exponential 50 ms waits; measured latency beside M/M/8 with S as the target itself
measured it, the rate as it was realised, and a wire constant: what a request takes besides its thread,
measured where nothing queues (rho 0.05). Closed: achieved throughput beside min(N/S, slots/S).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from loadlab.analysis.queueing import mean_s, quantile_s

LOADLAB = Path(sys.executable).with_name("loadlab")
THREADS = 8
SERVICE_S = 0.05
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rho", type=float, nargs="*", default=[0.3, 0.5, 0.7, 0.85])
    parser.add_argument("--transport", default="wire")
    given = parser.parse_args()
    quiet = open_stage(0.05, given.seconds, given.transport)
    wire_s = (quiet["latency_ns"]["mean"] - quiet["theory"]["service_ns"]) / 1e9
    print(f"wire constant, at rho 0.05: {wire_s * 1e3:.2f} ms\n")
    print("| rho | S | rate | mean | p50 | p90 | p99 | (measured / M/M/8, ms; deviation)")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for rho in given.rho:
        print(row(rho, open_stage(rho, given.seconds, given.transport), wire_s))
    print("\n| users | achieved / bound, 1 × 8 at 100 ms |\n| --- | --- |")
    for users in (8, 16, 32):
        stage = closed_stage(users, given.seconds // 4, given.transport)
        print(f"| {users} | {stage['throughput_hz'] / stage['theory']['bound_hz']:.3f} |")


def row(rho: float, stage: dict, wire_s: float) -> str:
    service_s = stage["theory"]["service_ns"] / 1e9
    rate_hz = stage["counts"]["scheduled"] / (stage["window_ns"] / 1e9)
    expected = {"mean": mean_s(THREADS, rate_hz, service_s) + wire_s}
    expected |= {name: quantile_s(THREADS, rate_hz, service_s, q) + wire_s for name, q in QUANTILES.items()}
    cells = []
    for name, value_s in expected.items():
        if stage["latency_ns"][name] is None:
            cells.append("–")
            continue
        measured_s = stage["latency_ns"][name] / 1e9
        cells.append(f"{measured_s * 1e3:.1f} / {value_s * 1e3:.1f} ({measured_s / value_s - 1:+.1%})")
    return f"| {rho} | {service_s * 1e3:.1f} ms | {rate_hz:.1f}/s | {' | '.join(cells)} |"


def open_stage(rho: float, seconds: int, transport: str) -> dict:
    rate = rho * THREADS / SERVICE_S
    return stage(
        "--rate",
        f"{rate:g}",
        "--arrivals",
        "poisson",
        "--delay",
        f"exp:{SERVICE_S * 1e3:g}ms",
        "--duration",
        f"{seconds}s",
        "--transport",
        transport,
    )


def closed_stage(users: int, seconds: int, transport: str) -> dict:
    return stage(
        "--concurrency", str(users), "--delay", "100ms", "--duration", f"{seconds}s", "--transport", transport
    )


def stage(*options: str) -> dict:
    with tempfile.TemporaryDirectory() as out:
        command = [
            LOADLAB,
            "run",
            "task",
            "--threads",
            str(THREADS),
            *options,
            "--json",
            "--quiet",
            "--out",
            out,
        ]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=out, check=False
        )
    if done.returncode not in (0, 3):
        sys.exit(f"loadlab ended with {done.returncode}")
    (only,) = json.loads(done.stdout)["stages"]
    return only


if __name__ == "__main__":
    main()
