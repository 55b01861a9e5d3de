"""What the kernel accounts to the target's own container, from its cgroup (version 2 or 1).

Only a cgroup that is the container's own is read: the one that is mounted as the root of what this process
can see, unless that is the root of the whole host. What can't be read is None, never a guess.
"""

from dataclasses import dataclass
from pathlib import Path

_UNLIMITED_FROM_BYTES = 2**60  # cgroup v1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, kw_only=True)
class Usage:
    """One reading. CPU limit in cores; None where there is no limit or no way to tell."""

    cpu_s: float | None = None
    cpu_limit_cores: float | None = None
    throttled_s: float | None = None
    throttled_periods: int | None = None
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None


class Cgroup:
    """The container's own cgroup; outside of a container every reading is empty."""

    def __init__(self, proc_self: Path = Path("/proc/self")) -> None:
        self._directories = _own_directories(proc_self)

    def read(self) -> Usage:
        """Read what is there now."""
        unified = self._directories.get("")
        # A hybrid system mounts both; version 2 is then a tree without controllers.
        if unified is None or self._directories.keys() & {"cpu", "cpuacct", "memory"}:
            return _read_v1(self._directories)
        return _read_v2(unified)


def _own_directories(proc_self: Path) -> dict[str, Path]:
    """Map each controller ("" for version 2) to the directory of the container's own cgroup."""
    try:
        paths = _paths((proc_self / "cgroup").read_text(encoding="utf-8"))
        mounts = (proc_self / "mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    own = {}
    for line in mounts:
        # proc_pid_mountinfo(5): id parent device root mount-point options [...] - type source super-options
        left, _, right = line.partition(" - ")
        root, mount_point = left.split()[3:5]
        kind, _, options = right.split(maxsplit=2)
        controllers = {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, [])
        directory = Path(mount_point)
        for controller in controllers:
            # Where path and mount root differ, this process lives in a part of a larger tree: a host's.
            if paths.get(controller) == root and not _is_host_root(directory, kind):
                own[controller] = directory
    return own


def _paths(text: str) -> dict[str, str]:
    rows = [line.split(":", 2) for line in text.splitlines()]
    return {controller: path for _, controllers, path in rows for controller in controllers.split(",")}


def _is_host_root(directory: Path, kind: str) -> bool:
    # Only the very root of a hierarchy lacks cgroup.type (version 2) or has release_agent (version 1).
    return (
        not (directory / "cgroup.type").exists()
        if kind == "cgroup2"
        else (directory / "release_agent").exists()
    )


def _read_v2(directory: Path) -> Usage:
    cpu = _table(directory / "cpu.stat")
    quota, _, period = (_text(directory / "cpu.max") or "max").partition(" ")
    return Usage(
        cpu_s=_scaled(cpu.get("usage_usec"), 1e-6),
        cpu_limit_cores=int(quota) / int(period) if quota != "max" else None,
        throttled_s=_scaled(cpu.get("throttled_usec"), 1e-6),
        throttled_periods=cpu.get("nr_throttled"),
        memory_bytes=_in_use_bytes(
            _number(directory / "memory.current"), _table(directory / "memory.stat").get("inactive_file")
        ),
        memory_limit_bytes=_number(directory / "memory.max"),
    )


def _read_v1(directories: dict[str, Path]) -> Usage:
    # A controller that isn't there is looked for in a directory that can't exist: every reading is None then.
    nowhere = Path("/nonexistent")
    cpu = directories.get("cpu", nowhere)
    memory = directories.get("memory", nowhere)
    throttling = _table(cpu / "cpu.stat")
    quota_us, period_us = _number(cpu / "cpu.cfs_quota_us"), _number(cpu / "cpu.cfs_period_us")
    limit_bytes = _number(memory / "memory.limit_in_bytes")
    return Usage(
        cpu_s=_scaled(_number(directories.get("cpuacct", nowhere) / "cpuacct.usage"), 1e-9),
        cpu_limit_cores=quota_us / period_us if quota_us and period_us and quota_us > 0 else None,
        throttled_s=_scaled(throttling.get("throttled_time"), 1e-9),
        throttled_periods=throttling.get("nr_throttled"),
        memory_bytes=_in_use_bytes(
            _number(memory / "memory.usage_in_bytes"),
            _table(memory / "memory.stat").get("total_inactive_file"),
        ),
        memory_limit_bytes=limit_bytes if limit_bytes and limit_bytes < _UNLIMITED_FROM_BYTES else None,
    )


def _in_use_bytes(usage_bytes: int | None, inactive_file_bytes: int | None) -> int | None:
    # The page cache that the kernel would give back first is not a need; Docker counts the same way.
    return None if usage_bytes is None else max(0, usage_bytes - (inactive_file_bytes or 0))


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text and text.lstrip("-").isdigit() else None


def _table(file: Path) -> dict[str, int]:
    rows = [line.split() for line in (_text(file) or "").splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor
