"""Prometheus's own programs, of both its generations, for tests that hold files and expositions against them.

Generation 3 reads a range as open at its left end and writes `le="1"` as `le="1.0"`; queries must not mind.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATIONS = ("2", "3")
_FOLDERS = {"3": os.environ.get("LOADLAB_PROMETHEUS_3", "/usr/local/lib/prometheus-3")}
"""Where the programs of a generation are; the other is the one on the PATH."""


def newest() -> str:
    """The newest generation that is here; where Prometheus is demanded, the newest of all."""
    demanded = os.environ.get("LOADLAB_REQUIRE_PROMTOOL") == "1"
    here = [each for each in GENERATIONS if demanded or shutil.which("prometheus", path=_FOLDERS.get(each))]
    return (here or GENERATIONS)[-1]


def program(name: str, generation: str = "2") -> str:
    """Where `promtool` or `prometheus` is; without it the test is skipped, or fails where it is demanded."""
    folder = _FOLDERS.get(generation)
    found = shutil.which(name, path=folder)
    if found is None:
        where = f"in {folder} (or the folder that LOADLAB_PROMETHEUS_3 names)" if folder else "here"
        reason = f"{name} is not installed {where} (Debian: prometheus)"
        if os.environ.get("LOADLAB_REQUIRE_PROMTOOL") == "1":
            pytest.fail(f"{reason} (and LOADLAB_REQUIRE_PROMTOOL=1 demands it)", pytrace=False)
        pytest.skip(reason)
    return found


def promtool(*args: str, given: str | None = None, generation: str = "2") -> subprocess.CompletedProcess[str]:
    """`promtool ARGS` in the checkout's root, with that on its standard input; nothing is checked."""
    return subprocess.run(
        [program("promtool", generation), *args],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
