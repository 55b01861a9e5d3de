"""How much of a resource the system gives to this process. What it does not tell is None."""

import mmap
from pathlib import Path

from loadlab.system.resources import Resource, resource_of

# Not when it is needed: an import takes a file, and that may be what has run out.
try:
    import resource as limits
except ImportError:  # pragma: no cover - a platform without it
    limits = None  # type: ignore[assignment]

_STACK_BYTES = 8 << 20
"""What a thread gets on Linux by default (pthread_create(3))."""
_PORTS = "net/ipv4/ip_local_port_range"


def limit_of(
    resource: Resource, settings: Path = Path("/proc/sys"), groups: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Return how much there is: ports, files and processes by number, memory in bytes."""
    match resource:
        case Resource.PORTS:
            ends = _numbers(settings / _PORTS)
            return ends[1] - ends[0] + 1 if len(ends) == 2 else None
        case Resource.FILES:
            return _least(_soft_limit("RLIMIT_NOFILE"))
        case Resource.TASKS:
            return _least(_soft_limit("RLIMIT_NPROC"), *_numbers(groups / "pids.max"))
        case Resource.MEMORY:
            return _least(_soft_limit("RLIMIT_AS"), *_numbers(groups / "memory.max"))
    return None


def lacking(error: BaseException) -> Resource | None:
    """Return what had run out where this error kept a process or a thread from its work, None for another.

    The system has one word for no more processes and for no memory for a thread's stack; here they are told
    apart.
    """
    resource = resource_of(error, starting=True)
    return Resource.MEMORY if resource is Resource.TASKS and not _has_room_for_a_stack() else resource


def _has_room_for_a_stack() -> bool:
    """Tell whether this process may have the memory that a thread needs for its stack."""
    try:
        mmap.mmap(-1, _STACK_BYTES).close()
    except (OSError, ValueError):
        return False
    return True


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _soft_limit(name: str) -> int | None:
    if limits is None:  # pragma: no cover - a platform without it
        return None
    soft, _ = limits.getrlimit(getattr(limits, name))
    return None if soft == limits.RLIM_INFINITY else soft


def _numbers(file: Path) -> list[int]:
    """Return a file's whole numbers; none where it can't be read or has words instead, such as `max`."""
    try:
        return [int(word) for word in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
