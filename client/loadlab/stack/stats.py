"""What a container has used up to a moment, by the engine's account, on either generation of cgroups."""

from datetime import datetime
from typing import Any, Self

import msgspec

from loadlab.clock import NS_PER_S


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of the engine's statistics. Two of them make a usage."""

    at_ns: int
    """By the engine's clock."""
    cpu_ns: int
    throttled_ns: int
    memory_bytes: int
    """In use: without the page cache that the kernel would give back."""

    @classmethod
    def of(cls, stats: dict[str, Any]) -> Self | None:
        """Read what the engine's API returns; None for a container that does not run."""
        try:
            cpu, memory = stats["cpu_stats"], stats["memory_stats"]
            usage, detail = memory["usage"], memory.get("stats", {})
            # cgroup v1 counts the children under names of their own, v2 always includes them.
            cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
            return cls(
                at_ns=_moment_ns(stats["read"]),
                cpu_ns=cpu["cpu_usage"]["total_usage"],
                throttled_ns=cpu.get("throttling_data", {}).get("throttled_time", 0),
                memory_bytes=usage - cache if cache < usage else usage,
            )
        except (KeyError, TypeError, ValueError):
            return None


def _moment_ns(text: str) -> int:
    """Read RFC 3339 with its nanoseconds, which datetime would cut."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return int(seconds) * NS_PER_S + int(fraction.ljust(9, "0")[:9] or 0)
