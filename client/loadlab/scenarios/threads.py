"""N threads with blocking calls: the operating system does the switching."""

import asyncio
import threading
from collections.abc import Iterator

from loadlab.load.closed_users import BlockingUser
from loadlab.load.pacing import Pace
from loadlab.load.shard import Shard
from loadlab.recording.sample import Reply
from loadlab.scenarios import Barrier
from loadlab.transports import REQUESTS, blocking_transport
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="threads",
    idea="N threads with blocking calls",
    transports=(REQUESTS,),
    workloads=(Workload.CLOSED, Workload.BATCH),
)

_POLL_S = 0.02


async def run(shard: Shard, barrier: Barrier, traits: Traits = TRAITS) -> None:
    """Give every user a thread and a connection of its own; the event loop only waits for them."""
    sending = threading.Lock()
    by_user = shard.requests_by_user(list(range(len(shard.plan.requests))), apart=not traits.single_user)
    threads = [
        _UserThread(shard, requests, sending, shard.pace(index)) for index, requests in enumerate(by_user)
    ]
    for thread in threads:
        thread.start()
    await barrier()
    for thread in threads:
        thread.gate.set()
    while any(thread.is_alive() for thread in threads) and shard.drain_left_ns() > 0:
        if any(thread.error is not None for thread in threads):
            break
        await asyncio.sleep(_POLL_S)
    for thread in threads:
        thread.user.cut()
    for thread in threads:
        if thread.error is not None:
            raise thread.error


class _UserThread(threading.Thread):
    """One user's thread. A daemon, so that a call that never returns can't keep the process."""

    def __init__(self, shard: Shard, requests: Iterator[int], sending: threading.Lock, pace: Pace) -> None:
        super().__init__(daemon=True)
        self._shard = shard
        self._transport = blocking_transport(shard.plan.transport)
        self._transport.open(shard.plan)
        self._prepared = [self._transport.prepare(request) for request in shard.plan.requests]
        self._sending = sending
        self.gate = threading.Event()
        self.error: Exception | None = None
        self.user = BlockingUser(shard, requests, self._send, sending, pace)

    def _send(self, index: int) -> Reply:
        return self._transport.send(self._prepared[index])

    def run(self) -> None:
        self.gate.wait()
        try:
            self.user.run()
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits for this one
            self.error = error
        finally:
            self._transport.close()
            with self._sending:
                self._shard.stats.add(self._transport.stats)
