"""Run the unit tests, and each scenario on each of its transports once, on the Python that runs this.

Prints a line for each, its parts separated by tabs: version, what was run, PASS or FAILED, how long it took.
What a failure said goes to standard error. Exit code 1 where something failed.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from loadlab.scenarios import names, scenario

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
INVALID = 3
TRIES = 3
"""Of a run that is INVALID: a busy machine makes its client late, whatever the Python."""


def main() -> int:
    """Run everything, whatever fails."""
    passed = [_shown("unit tests", [_unit_tests()])]
    for name, transport in _ways():
        command = _run(name, transport)
        passed.append(_shown(f"{name} on {transport}", [command] * TRIES))
    return 0 if all(passed) else 1


def _ways() -> Iterator[tuple[str, str]]:
    for name in names():
        for transport in scenario(name).TRAITS.transports:
            if transport.contacts_target:  # elsewhere the client is its own limit, which is INVALID
                yield name, transport.name


def _unit_tests() -> list[str]:
    return ["scripts/test.sh", "", "-q", "tests/unit"]


def _run(name: str, transport: str) -> list[str]:
    traits = scenario(name).TRAITS
    if traits.workloads[0].traits.at_once:
        load = ["--requests", "8"]
    else:
        load = ["--duration", "1s", "--concurrency", "1" if traits.single_user else "4"]
    lab = str(Path(sys.executable).with_name("loadlab"))
    return [lab, "run", name, "--transport", transport, *load, "--quiet", "--out", "results"]


def _shown(what: str, tries: list[list[str]]) -> bool:
    began = time.monotonic()
    for command in tries:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != INVALID:
            break
    passed = done.returncode == 0
    outcome = "PASS" if passed else "FAILED"
    print(VERSION, what, outcome, f"{time.monotonic() - began:.1f} s", sep="\t", flush=True)
    if not passed:
        print(" ".join(command), done.stdout, done.stderr, sep="\n", file=sys.stderr, flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main())
