"""Prometheus's own programs, for tests that hold files and expositions against them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def program(name: str) -> str:
    """Where `promtool` or `prometheus` is; without it the test is skipped, or fails where it is demanded."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed (Debian: prometheus)"
        if os.environ.get("LOADLAB_REQUIRE_PROMTOOL") == "1":
            pytest.fail(f"{reason} (and LOADLAB_REQUIRE_PROMTOOL=1 demands it)", pytrace=False)
        pytest.skip(reason)
    return found


def promtool(*args: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """`promtool ARGS` in the checkout's root, with that on its standard input; nothing is checked."""
    return subprocess.run(
        [program("promtool"), *args],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
