"""The execution models of the client: how concurrency comes about.

A scenario is a module of this package with two names: `TRAITS`, what it can do, and `run`, which
runs one shard of a stage. It makes everything ready, awaits the barrier, and returns when nothing is
in flight any more. Adding a file adds a scenario.
"""

import pkgutil
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from loadlab.load.shard import Shard
from loadlab.workload.traits import Traits

Barrier = Callable[[], Awaitable[None]]
"""Awaiting it says "ready" and returns at the stage's common start, `shard.begin_ns`."""


class Scenario(Protocol):
    """A module of this package."""

    TRAITS: Traits

    async def run(self, shard: Shard, barrier: Barrier) -> None:
        """Run one shard of a stage from its set-up to the end of its drain."""
        ...


def scenario(name: str) -> Scenario:
    """Return the scenario of this name; KeyError where there is none."""
    if name not in names():
        raise KeyError(name)
    return cast("Scenario", import_module(f"{__name__}.{name.replace('-', '_')}"))


@cache
def names() -> tuple[str, ...]:
    """Return the names of all scenarios, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))
