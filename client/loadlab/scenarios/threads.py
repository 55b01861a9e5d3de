"""N threads with blocking calls: the operating system does the switching."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

from loadlab.drive import BlockingUser
from loadlab.plan import Traits, Workload
from loadlab.scenarios import Barrier
from loadlab.shard import Shard
from loadlab.transports import blocking_transport

TRAITS = Traits(
    name="threads",
    idea="N threads with blocking calls",
    transports=("requests",),
    workloads=(Workload.CLOSED, Workload.BATCH),
)

_POLL_S = 0.02


async def carry(shard: Shard, barrier: Barrier, traits: Traits = TRAITS) -> None:
    """Give every user a thread and a connection of its own; the event loop only waits for them."""
    users: list[BlockingUser] = []
