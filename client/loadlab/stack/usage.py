"""What the containers took over a stage's measured part, read while the events come in.

The engine is asked when the events say that the window begins and ends, so the edges are as exact as the
ticks: about half a second. A stage too short to have a tick is taken from its start to its end. Engines
collect once a second and let an earlier question wait: so the end of a stage is also the start of the next.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from loadlab.clock import NS_PER_MS
from loadlab.results.events import Tick
from loadlab.results.result import ContainerUsage
from loadlab.stack.container import Container
from loadlab.stack.stats import Frame

_LEAST_NS = 200 * NS_PER_MS
_PATIENCE_S = 3.0
_COLLECTED_EVERY_S = 1.0

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


class ContainerUsageMeter:
    """Follows one stage after the other."""

    def __init__(self, containers: Metered) -> None:
        self._containers = containers
        self._edges: list[asyncio.Task[Frames]] = []
        """Of the stage: its start, the window's start, the window's end or the stage's."""
        self._phase = ""
        self._asked_s = 0.0

    def begin(self) -> None:
        """Take note that a stage begins."""
        self._phase = ""
        if self._edges and time.monotonic() - self._asked_s < _COLLECTED_EVERY_S:
            self._edges = self._edges[-1:]
        else:
            self._edges = []
            self._read()

    def follow(self, tick: Tick) -> None:
        """Take note of the first tick of each phase."""
        if tick.phase not in ("warm-up", self._phase):
            self._phase = tick.phase
            self._read()

    async def end(self) -> dict[str, ContainerUsage] | None:
        """Return what each container took over the stage that ends now; None where none could be read."""
        if self._phase != "draining":
            self._read()
        edges = list(self._edges)
        await asyncio.wait(edges, timeout=_PATIENCE_S)
        read = [task.result() for task in edges if task.done() and not task.exception()]
        found = {}
        for service, container in self._containers.containers.items():
            frames = [each[service] for each in read if service in each]
            if (taken := _over(frames, container)) is not None:
                found[service] = taken
        return found or None

    def close(self) -> None:
        """Forget what is still being read."""
        for task in self._edges:
            task.cancel()

    def _read(self) -> None:
        self._asked_s = time.monotonic()
        self._edges.append(asyncio.create_task(self._containers.frames()))


def _over(frames: list[Frame], container: Container) -> ContainerUsage | None:
    """Return the usage up to the last frame since the latest that is far enough from it to tell."""
    for first in reversed(frames[:-1]):
        if frames[-1].at_ns - first.at_ns >= _LEAST_NS:
            return usage(first, frames[-1], container)
    return usage(frames[0], frames[-1], container) if frames else None


def usage(first: Frame, last: Frame, container: Container) -> ContainerUsage | None:
    """Return what a container took between two frames; None where it was restarted in between."""
    span_ns = last.at_ns - first.at_ns
    if span_ns <= 0 or last.cpu_ns < first.cpu_ns:
        return None
    return ContainerUsage(
        cpu_ratio=(last.cpu_ns - first.cpu_ns) / span_ns,
        cpu_throttled_ns=max(0, last.throttled_ns - first.throttled_ns),
        memory_bytes=max(first.memory_bytes, last.memory_bytes),
        cpu_limit_cores=container.cpu_limit_cores,
        memory_limit_bytes=container.memory_limit_bytes,
    )
