"""For how long a worker has said nothing, as far as that is the worker's own doing.

On a machine with much else to do the parent may get no core for seconds: what its workers said meanwhile is
heard late, and a look after such a time counts as one look. A worker whose threads are ready to run has no
core, or computes: it is given ten times as long.
"""

from collections.abc import Callable
from pathlib import Path

from loadlab.clock import NS_PER_MS

_LONGEST_LOOK_NS = 100 * NS_PER_MS
"""Twice as long as the parent rests between two looks."""
_USUAL_NS = 500 * NS_PER_MS
"""Two of a worker's heartbeats: before that nothing needs to be explained."""
_PATIENCE = 10


class Silence:
    """One worker's, from looks at uneven distances."""

    def __init__(self, now_ns: int) -> None:
        self._looked_ns = now_ns
        self.lasts_ns = 0

    def reset(self) -> None:
        """Take note that it has said something."""
        self.lasts_ns = 0

    def look(self, now_ns: int, wants_core: Callable[[], bool]) -> int:
        """Return how long it lasts by now; `wants_core` tells whether the worker is ready to run."""
        passed_ns = min(now_ns - self._looked_ns, _LONGEST_LOOK_NS)
        self._looked_ns = now_ns
        if self.lasts_ns >= _USUAL_NS and wants_core():
            passed_ns //= _PATIENCE
        self.lasts_ns += passed_ns
        return self.lasts_ns


def wants_core(pid: int) -> bool:
    """Tell whether a thread of this process runs or waits for a core (proc(5), `stat`)."""
    try:
        stats = [(each / "stat").read_text() for each in Path(f"/proc/{pid}/task").iterdir()]
        return any(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)
    except (OSError, IndexError):
        return False
