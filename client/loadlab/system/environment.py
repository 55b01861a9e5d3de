"""What a run is measured with: versions, processor, memory, limits. What can't be read is absent."""

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path

import msgspec

from loadlab.system import event_loop


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the numbers were measured with."""

    versions: dict[str, str]
    event_loop: str
    cpu_model: str
    cpu_count: int
    cpu_usable: float
    memory_bytes: int | None
    open_files_limit: int | None
    system: str
    container: bool
    where: str
    """Where load and target ran, in words."""


_PACKAGES = (
    "concurrency-lab",
    "aiohttp",
    "aiomultiprocess",
    "httptools",
    "msgspec",
    "requests",
    "urllib3",
    "numpy",
    "gunicorn",
    "flask",
)


def read(where: str) -> Environment:
    """Look around; `where` says in words where load and target run."""
    return Environment(
        versions={"python": platform.python_version()} | _versions(),
        event_loop=event_loop.NAME,
        cpu_model=_cpu_model(),
        cpu_count=os.cpu_count() or 1,
        cpu_usable=cpus(),
        memory_bytes=_memory_bytes(),
        open_files_limit=open_files_limit(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        container=Path("/.dockerenv").exists() or Path("/run/.containerenv").exists(),
        where=where,
    )


def cpus() -> float:
    """Return how many cores this process may use, its cgroup's quota included."""
    usable = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_cores()
    return usable if quota is None else min(usable, quota)


def open_files_limit() -> int | None:
    """Return the soft limit of open files, None where the platform has none to tell."""
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:  # pragma: no cover - a platform without it
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def tested_pythons() -> tuple[str, ...]:
    """Return the Pythons that the lab is tested with, as in "3.13", oldest first."""
    try:
        known = metadata("concurrency-lab").get_all("Classifier", [])
    except PackageNotFoundError:
        return ()
    found = (re.fullmatch(r"Programming Language :: Python :: (\d+\.\d+)", each) for each in known)
    return tuple(match[1] for match in found if match)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cgroup_cores() -> float | None:
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        quota_us = int(Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").read_text())
        period_us = int(Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota_us / period_us if quota_us > 0 else None


def _cpu_model() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
