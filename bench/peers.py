"""The tools that the lab is compared with: how each is run on one core, and where it says its rate.

CPU time per request is that of the tool, user and system, over the requests that nginx served it.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lab import CONNECTIONS, Figures
from nginx import served
from pinned import pinned

HERE = Path(__file__).parent
ROOT = HERE.parent
LOCUST = ROOT / ".venv-bench/bin/locust"
K9 = ROOT / ".venv-bench/bin/k9"
OHA = ROOT / ".bench-tools/bin/oha"


def wrk(url: str, seconds: float) -> Figures:
    """One thread."""
    command = ["wrk", "-t", 1, "-c", CONNECTIONS, "-d", f"{seconds:g}s", url]
    return _measured(command, url, lambda text: _found(r"Requests/sec:\s+([\d.]+)", text))


def hey(url: str, seconds: float) -> Figures:
    """One core, as Go counts them."""
    command = ["hey", "-z", f"{seconds:g}s", "-c", CONNECTIONS, "-cpus", 1, url]
    return _measured(command, url, lambda text: _found(r"Requests/sec:\s+([\d.]+)", text))


def oha(url: str, seconds: float) -> Figures:
    """As many threads as it finds cores."""
    command = [program("oha"), "-z", f"{seconds:g}s", "-c", CONNECTIONS, "--no-tui"]
    command += ["--output-format", "json", url]
    return _measured(command, url, lambda text: float(json.loads(text)["summary"]["requestsPerSec"]))


def ab(url: str, seconds: float) -> Figures:
    """Keep-alive; without a number of requests it would stop at 50,000, and it keeps memory for each."""
    command = ["ab", "-q", "-k", "-c", CONNECTIONS, "-t", round(seconds), "-n", round(seconds * 1e6), url]
    return _measured(command, url, lambda text: _found(r"Requests per second:\s+([\d.]+)", text))


def h2load(url: str, seconds: float) -> Figures:
    """HTTP/1.1, one thread."""
    command = ["h2load", "--h1", "-t", 1, "-c", CONNECTIONS, "-D", round(seconds), url]
    return _measured(command, url, lambda text: _found(r"([\d.]+) req/s", text))


def locust(url: str, seconds: float, file: str = "locustfile.py") -> Figures:
    """FastHttpUser without a pause; its first and its last second are not whole and do not count."""
    command = [LOCUST, "-f", HERE / file, "--headless", "--only-summary", "--json"]
    command += ["-u", CONNECTIONS, "-r", CONNECTIONS, "-t", f"{round(seconds) + 2}s", "--loglevel", "ERROR"]
    return _measured([*command, "--host", url.rstrip("/")], url, _seconds_of_locust)


def k9_journeys(url: str, seconds: float) -> Figures:
    """Take the steps of journeys_lab.py in a script, one process."""
    os.environ |= {"URL_OF_LOAD": url, "SECONDS_OF_LOAD": f"{round(seconds)}s"}
    command = [program("k9"), "run", "--quiet", "--vus", CONNECTIONS, "--duration", f"{round(seconds)}s"]
    return _measured(
        [*command, HERE / "journeys_k9.py"], url, lambda text: _found(r"http_reqs\D+\d+\s+([\d.]+)/s", text)
    )


def locust_journeys(url: str, seconds: float) -> Figures:
    """FastHttpUser that takes the steps of journeys_lab.py."""
    return locust(url, seconds, "journeys_locust.py")


def aiohttp_alone(url: str, seconds: float) -> Figures:
    """Its own session and one counter."""
    return _our_script("bare_aiohttp.py", url, seconds)


def one_counter(url: str, seconds: float) -> Figures:
    """Our loop without its record."""
    return _our_script("one_counter.py", url, seconds)


def program(name: str) -> str | None:
    """Return where a tool is; None where it is not installed."""
    own = {"locust": LOCUST, "oha": OHA, "k9": K9}.get(name)
    return str(own) if own is not None and own.exists() else shutil.which(name)


def versions() -> dict[str, str]:
    """Return the version of each tool that is installed."""
    asked = {
        "wrk": "-v",
        "hey": None,
        "oha": "--version",
        "ab": "-V",
        "h2load": "--version",
        "locust": "--version",
        "k9": "--version",
        "nginx": "-v",
    }
    return {name: _version(name, option) for name, option in asked.items()}


def _version(name: str, option: str | None) -> str:
    path = program(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        return "not installed"
    # Without an option for it, its package tells.
    asked = ["dpkg-query", "-W", "-f", "${Version}", name] if option is None else [path, option]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d[\w.+~-]*", said.stdout + said.stderr)
    return "installed" if number is None else number[0]


def _our_script(name: str, url: str, seconds: float) -> Figures:
    """Run a script that tells its CPU time itself, without that of its start."""
    rate, cpu_us = pinned([sys.executable, HERE / name, url, seconds]).text.split()
    return {"rate_hz": float(rate), "cpu_us": float(cpu_us)}


def _measured(command: list[object], url: str, rate: Callable[[str], float]) -> Figures:
    before = served(url)
    ran = pinned(command)
    count = served(url) - before - 1
    return {"rate_hz": rate(ran.text), "cpu_us": ran.cpu_s / count * 1e6}


def _seconds_of_locust(text: str) -> float:
    """Return the mean over the whole seconds of what all paths together had."""
    counted: Counter[str] = Counter()
    for row in json.loads(text):
        counted.update(row["num_reqs_per_sec"])
    return statistics.mean(counted[second] for second in sorted(counted)[1:-1])


def _found(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"{pattern} is not in: {text}")
    return float(match[1])
