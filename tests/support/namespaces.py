"""A network of a test's own, where few ports, or those of others, are no trouble to this machine; a clock."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest


@functools.cache
def can_be_made() -> bool:
    """Tell whether `unshare -n` makes one, and its loopback can be brought up."""
    try:
        made = subprocess.run(
            ["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return made.returncode == 0


@functools.cache
def clock_can_be_set_ahead() -> bool:
    """Tell whether a process can be given a monotonic clock of its own."""
    script = "from support.pipe_worker_process import set_clock_ahead; set_clock_ahead(1)"
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    made = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    return made.returncode == 0


def need_network() -> None:
    """Skip the test where none can be made, or have it fail where one is demanded."""
    if not can_be_made():
        _do_without("no network of one's own can be made here (unshare -n)")


def need_clock() -> None:
    """Skip the test where no clock can be set ahead, or have it fail where that is demanded."""
    if not clock_can_be_set_ahead():
        _do_without("no clock of one's own can be made here (time namespaces)")


def _do_without(reason: str) -> None:
    if os.environ.get("LOADLAB_REQUIRE_NAMESPACES") == "1":
        pytest.fail(f"{reason} (and LOADLAB_REQUIRE_NAMESPACES=1 demands it)", pytrace=False)
    pytest.skip(reason)
