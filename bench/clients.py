"""How many requests a second one core of a client makes, beside its peers, against nginx on the other core.

Every tool runs in turn, pinned to one core, nginx to another, for several rounds; the table shows the median
of each and its ratio to the lab's, round by round. The lab's figure is what `loadlab run` itself says, and
its count is compared with nginx's own. Needs two cores, the Debian packages nginx-light, wrk and hey, and
the bench venv.
"""

import argparse
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
LOADLAB = Path(sys.executable).with_name("loadlab")
CONNECTIONS = 50
BARE = "bare_aiohttp.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--locust", type=Path, default=HERE.parent / ".venv-bench/bin/locust")
    parser.add_argument("--json", type=Path, help="write the table there, with the environment")
    given = parser.parse_args()
    tools: dict[str, Callable[[str, int], float]] = {
        "loadlab task + aiohttp": lambda url, seconds: loadlab("task", "aiohttp", url, seconds),
        "loadlab callback + wire": lambda url, seconds: loadlab("callback", "wire", url, seconds),
        "aiohttp alone": lambda url, seconds: float(pinned([sys.executable, HERE / BARE, url, seconds])),
        "wrk": wrk,
        "hey": hey,
        "locust FastHttpUser": lambda url, seconds: locust(given.locust, url, seconds),
    }
    rates: dict[str, list[float]] = {name: [] for name in tools}
    with nginx() as url:
        for number in range(given.rounds):
            for name, tool in tools.items():
                rates[name].append(tool(url, given.seconds))
                print(f"round {number + 1}: {name}: {rates[name][-1]:,.0f}/s", file=sys.stderr)
    mine = rates["loadlab task + aiohttp"]
    rows = {
        name: {
            "rate_hz": statistics.median(values),
            "loadlab_ratio": statistics.median(a / b for a, b in zip(mine, values, strict=True)),
        }
        for name, values in rates.items()
    }
    print(f"{'client, one core':26}{'requests/s':>12}   task + aiohttp is")
    for name, row in rows.items():
        print(f"{name:26}{row['rate_hz']:>12,.0f}{row['loadlab_ratio']:>12.2f} x")
    if given.json:
        table = {"rows": rows, "rounds": rates, "environment": environment()}
        given.json.write_text(json.dumps(table, indent=1))


def loadlab(scenario: str, transport: str, url: str, seconds: int) -> float:
    before = served(url)
    command = [
        LOADLAB,
        "run",
        scenario,
        "--transport",
        transport,
        "--target",
        url,
        "--concurrency",
        CONNECTIONS,
    ]
    command += ["--duration", f"{seconds}s", "--warmup", "0.5s", "--json", "--quiet"]
    with tempfile.TemporaryDirectory() as out:
        result = json.loads(pinned([*command, "--out", out]))
    (stage,) = result["stages"]
    # The reading itself is a request, too.
    if served(url) - before - 1 != stage["sent_total"]:
        sys.exit(f"nginx served {served(url) - before - 2}, the lab sent {stage['sent_total']}")
    return float(stage["throughput_hz"])


def wrk(url: str, seconds: int) -> float:
    text = pinned(["wrk", "-t", "1", "-c", CONNECTIONS, "-d", f"{seconds}s", url])
    return found(r"Requests/sec:\s+([\d.]+)", text)


def hey(url: str, seconds: int) -> float:
    text = pinned(["hey", "-z", f"{seconds}s", "-c", CONNECTIONS, "-cpus", "1", url])
    return found(r"Requests/sec:\s+([\d.]+)", text)


def locust(program: Path, url: str, seconds: int) -> float:
    command = [program, "-f", HERE / "locustfile.py", "--headless", "--only-summary", "--json"]
    command += ["-u", CONNECTIONS, "-r", CONNECTIONS, "-t", f"{seconds}s", "--loglevel", "ERROR"]
    command += ["--host", url.rstrip("/")]
    (row,) = json.loads(pinned(command))
    per_second = sorted(row["num_reqs_per_sec"].items())[1:-1]  # the first and the last second are not whole
    return statistics.mean(count for _, count in per_second)


def pinned(command: list[object]) -> str:
    """Run on core 0; what the tool says on standard output."""
    words = ["taskset", "-c", "0", *map(str, command)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        sys.exit(f"{words[3]} said nothing: {done.stderr}")
    return done.stdout


def found(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"{pattern} is not in: {text}")
    return float(match[1])


@contextmanager
def nginx() -> Iterator[str]:
    """Run nginx on core 1, on a free port, from a folder of its own."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("nginx is missing: install the package nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        config.write_text((HERE / "nginx.conf").read_text().replace("PORT", str(port)))
        server = subprocess.Popen(["taskset", "-c", "1", program, "-p", folder, "-c", config])
        try:
            url = f"http://127.0.0.1:{port}/"
            for _ in range(100):
                try:
                    served(url)
                    break
                except OSError:
                    time.sleep(0.05)
            yield url
        finally:
            server.terminate()
            server.wait()


def served(url: str) -> int:
    """How many requests nginx has taken, this one included."""
    with urllib.request.urlopen(f"{url}count") as reply:  # noqa: S310 - nginx's own page, on loopback
        return int(found(r"\d+ \d+ (\d+)", reply.read().decode()))


def environment() -> dict[str, object]:
    return {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}


if __name__ == "__main__":
    main()
