"""A network of a test's own, where few ports, or the ports of others, are no trouble to this machine."""

import functools
import os
import subprocess

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


def need_network() -> None:
    """Skip the test where none can be made, or have it fail where one is demanded."""
    if can_be_made():
        return
    reason = "no network of one's own can be made here (unshare -n)"
    if os.environ.get("LOADLAB_REQUIRE_NAMESPACES") == "1":
        pytest.fail(f"{reason} (and LOADLAB_REQUIRE_NAMESPACES=1 demands it)", pytrace=False)
    pytest.skip(reason)
