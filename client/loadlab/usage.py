"""What the containers took over a stage's measured part, read beside the stream of events.

The engine is asked when the events say that the window begins and ends, so the edges are as exact as the
ticks: about half a second. A stage too short to have a tick is taken from its start to its end.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from loadlab.clock import NS_PER_MS
from loadlab.events import Tick
from loadlab.hosts.compose import Container
from loadlab.hosts.stats import Frame
from loadlab.result import ContainerUsage

_LEAST_NS = 200 * NS_PER_MS
_PATIENCE_S = 3.0

Frames = dict[str, Frame]


class Metered(Protocol):
    """Containers that can be read."""

    @property
    def containers(self) -> Mapping[str, Container]:
        """The containers by service, with their limits."""
        ...

    async def frames(self) -> Frames:
        """Read what each has used until now; one that can't be read is left out."""
        ...


class Meter:
    """Follows one stage after the other."""

    def __init__(self, containers: Metered) -> None:
        self._containers = containers
        self._edges: dict[str, asyncio.Task[Frames]] = {}

    def begin(self) -> None:
        """Take note that a stage begins."""
        self.close()
        self._read("stage")

    def follow(self, tick: Tick) -> None:
        """Take note of the first tick of each phase."""
        if tick.phase not in self._edges and tick.phase != "warm-up":
            self._read(tick.phase)

    async def end(self) -> dict[str, ContainerUsage] | None:
        """Return what each container took over the stage that ends now; None where none could be read."""
        self._read("end")
        edges = dict(self._edges)
        await asyncio.wait(edges.values(), timeout=_PATIENCE_S)
        read = {
            name: task.result()
            for name, task in edges.items()
            if task.done() and not task.cancelled() and not task.exception()
        }
        firsts = [read[name] for name in ("measuring", "stage") if name in read]
        lasts = [read[name] for name in ("draining", "end") if name in read]
        found = {}
        for service, container in self._containers.containers.items():
            usage = _over(
                [frames[service] for frames in firsts if service in frames],
                [frames[service] for frames in lasts if service in frames],
                container,
            )
            if usage is not None:
                found[service] = usage
        return found or None

    def close(self) -> None:
        """Forget what is still being read."""
        for task in self._edges.values():
            task.cancel()
        self._edges = {}

    def _read(self, name: str) -> None:
        self._edges[name] = asyncio.create_task(self._containers.frames())


def _over(firsts: list[Frame], lasts: list[Frame], container: Container) -> ContainerUsage | None:
    """Return the usage over the innermost span that is long enough to tell."""
    spans = [(first, last) for last in lasts for first in firsts if last.at_ns - first.at_ns >= _LEAST_NS]
    for first, last in spans or [(first, last) for last in lasts[-1:] for first in firsts[-1:]]:
        if (found := usage(first, last, container)) is not None:
            return found
    return None


def usage(first: Frame, last: Frame, container: Container) -> ContainerUsage | None:
    """Return what a container took between two frames; None where it was restarted in between."""
    span_ns = last.at_ns - first.at_ns
    if span_ns <= 0 or last.cpu_ns < first.cpu_ns:
        return None
    return ContainerUsage(
        cpu_ratio=(last.cpu_ns - first.cpu_ns) / span_ns,
        cpu_throttled_ns=max(0, last.throttled_ns - first.throttled_ns),
        memory_bytes=last.memory_bytes,
        cpu_limit_cores=container.cpu_limit_cores,
        memory_limit_bytes=container.memory_limit_bytes,
    )
