"""CPU time of the target's own processes, for where no container accounts it."""

import os
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(workers: Iterable[int], proc: Path = Path("/proc")) -> float | None:
    """Sum the CPU time of this process, of its ended children and of its living workers, in seconds.

    None where a living worker's time can't be read, as on systems without /proc.
    """
    own = os.times()
    total_s = own.user + own.system + own.children_user + own.children_system
    ticks_hz = os.sysconf("SC_CLK_TCK")
    for pid in workers:
        try:
            stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # proc_pid_stat(5): the name in brackets may hold anything, so count from its end: utime and stime
        # are fields 14 and 15.
        fields = stat.rpartition(")")[2].split()
        total_s += (int(fields[11]) + int(fields[12])) / ticks_hz
    return total_s
