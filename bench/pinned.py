"""Running a tool on given cores, and what CPU time it took."""

import os
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from processes import cpu_s, family

_LOOK_S = 0.2


class Look(NamedTuple):
    """What each of a tool's processes had used at a moment."""

    at_s: float
    cpu_s: dict[int, float]


class Ran(NamedTuple):
    """What a tool said on standard output, and what it took."""

    text: str
    cpu_s: float
    """User and system, of the tool and all its children that it waited for."""
    looks: list[Look]
    code: int = 0
    """What it ended with: what that means is the tool's own."""
    errors: str = ""
    """What it said on standard error."""


def pinned(command: list[object], cores: str = "0", *, looks: bool = False) -> Ran:
    """Run a command on these cores; `looks` has its processes looked at five times a second."""
    words = ["taskset", "-c", cores, *map(str, command)]
    seen = []
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        tool = subprocess.Popen(words, stdout=out, stderr=err)
        pid = 0
        while not pid:
            if looks:
                seen.append(Look(time.monotonic(), {each: cpu_s(each) for each in family(tool.pid)}))
            time.sleep(_LOOK_S)
            pid, status, used = os.wait4(tool.pid, os.WNOHANG)
        tool.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, errors = out.read(), err.read()
    if not text.strip():
        sys.exit(f"{words[3]} said nothing and ended with {tool.returncode}: {errors}")
    return Ran(text, used.ru_utime + used.ru_stime, seen, tool.returncode, errors)
