"""What a bench was made with, for its JSON."""

import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from loadlab.system import environment


def surroundings(tools: dict[str, str]) -> dict[str, Any]:
    """Return the date, the machine, the commit, and the versions of the lab's packages and of the tools."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "kernel": platform.release(),
        "tools": tools,
    } | msgspec.to_builtins(environment.read("this machine"))
