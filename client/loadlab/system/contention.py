"""What the machine itself did to this client: held back by a CPU limit, or by a hypervisor with other guests.

Read at the two ends of a stage's window. What the system does not tell is None.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadlab.clock import MONOTONIC

_NS_PER_US = 1_000


class Account(msgspec.Struct, frozen=True):
    """Sums since the machine, or the group, started."""

    at_ns: int
    throttled_ns: Mapping[str, int] = {}
    """Time that a CPU limit held back each group that this process is in (cgroups(7), cpu.stat)."""
    stolen: int | None = None
    """Ticks of the usable cores in which a hypervisor ran something else (proc(5), stat)."""
    ticks: int | None = None
    """All ticks of those cores."""


class Contention(msgspec.Struct, frozen=True):
    """What was taken from the client over a span, as shares of the span."""

    throttled_ratio: float | None = None
    stolen_ratio: float | None = None


def account(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> Account:
    """Read what there is now."""
    stolen, ticks = _steal(proc / "stat")
    return Account(
        at_ns=MONOTONIC.now_ns(),
        throttled_ns=_throttled_ns(proc / "self" / "cgroup", groups),
        stolen=stolen,
        ticks=ticks,
    )


def held(first: Account | None, last: Account | None) -> Contention:
    """Return what was taken between two accounts."""
    if first is None or last is None or last.at_ns <= first.at_ns:
        return Contention()
    return Contention(
        throttled_ratio=_most_throttled(first, last),
        stolen_ratio=_ratio(first.stolen, last.stolen, (last.ticks or 0) - (first.ticks or 0)),
    )


def _most_throttled(first: Account, last: Account) -> float | None:
    """Return the share for which the group that was held back most was: each has a history of its own."""
    before, after, span_ns = first.throttled_ns, last.throttled_ns, last.at_ns - first.at_ns
    ratios = (_ratio(before[group], after[group], span_ns) for group in before.keys() & after.keys())
    return max((ratio for ratio in ratios if ratio is not None), default=None)


def _ratio(before: int | None, after: int | None, whole: int) -> float | None:
    return None if before is None or after is None or whole <= 0 else max(0, after - before) / whole


def _throttled_ns(membership: Path, groups: Path) -> dict[str, int]:
    """Return how long each group on the way from this process's own up to the root was throttled."""
    found = {str(group): _throttled_of(group / "cpu.stat") for group in _groups(membership, groups)}
    return {group: time_ns for group, time_ns in found.items() if time_ns is not None}


def _groups(membership: Path, groups: Path) -> list[Path]:
    """Return the directories of the groups that may limit this process's CPU, in either version."""
    found = []
    for line in _lines(membership):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            bases = (groups, groups / "unified")
        elif "cpu" in controllers.split(","):
            bases = (groups / "cpu", groups / "cpu,cpuacct")
        else:
            continue
        for base in bases:
            own = base / path.strip("/")
            found += [base, *(each for each in (own, *own.parents) if base in each.parents)]
    return found


def _throttled_of(file: Path) -> int | None:
    table = dict(line.split(maxsplit=1) for line in _lines(file) if len(line.split()) == 2)
    if "throttled_usec" in table:
        return int(table["throttled_usec"]) * _NS_PER_US
    return int(table["throttled_time"]) if "throttled_time" in table else None


def _steal(file: Path) -> tuple[int | None, int | None]:
    """Return the stolen ticks and all ticks of the cores that this process may use."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    stolen = ticks = 0
    for line in _lines(file):
        name, *figures = line.split()
        if (
            name.removeprefix("cpu").isdigit()
            and int(name.removeprefix("cpu")) in usable
            and len(figures) >= 8
        ):
            stolen += int(figures[7])
            ticks += sum(int(figure) for figure in figures[:8])  # guest time is part of user time
    return (stolen, ticks) if ticks else (None, None)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
