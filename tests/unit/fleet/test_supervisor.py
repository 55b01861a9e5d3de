"""When the parent looks at what its workers told it, and what a worker hears first."""

import asyncio
import threading

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.fleet.messages import Go, Quit, from_parent
from loadlab.fleet.supervisor import _either
from loadlab.fleet.worker_handle import WorkerHandle
from loadlab.load.shard import Share
from loadlab.scenarios.task import TRAITS
from support.fakes import START_NS, FakeClock, plan, run


@pytest.mark.parametrize(
    ("told_after_ms", "looks_after_ms"),
    [(0, 0), (30, 30), (500, 100)],
    ids=["told before", "told meanwhile", "told nothing"],
)
def test_the_parent_looks_when_it_is_told_something_and_after_a_pause_otherwise(
    told_after_ms, looks_after_ms
):
    clock = FakeClock()

    async def main():
        heard = asyncio.Event()
        if told_after_ms:
            teller = asyncio.get_running_loop().call_later(told_after_ms / 1_000, heard.set)
        else:
            heard.set()
        await _either(heard, 0.1)
        looked_ns = clock.now_ns()
        assert not heard.is_set()
        if told_after_ms:
            teller.cancel()
        return looked_ns - START_NS

    assert round(run(clock, main()) / NS_PER_MS) == looks_after_ms


def test_a_worker_hears_its_task_first_however_early_it_is_told_to_quit():
    whole = plan()
    heard = []

    async def main():
        member = WorkerHandle(whole, Share(whole.stages[0]), asyncio.Event(), TRAITS)
        for message in (Go(START_NS), Quit()):
            member.tell(message)
        listener = threading.Thread(target=member._listen, daemon=True)
        listener.start()
        with member._theirs as line:
            heard.extend([line.recv(), from_parent(line.recv_bytes()), from_parent(line.recv_bytes())])
        await asyncio.to_thread(listener.join)
        member.pipe.close()

    asyncio.run(main())
    assert heard == [(whole, Share(whole.stages[0])), Go(START_NS), Quit()]
