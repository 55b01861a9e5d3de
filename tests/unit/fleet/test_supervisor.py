"""When the parent looks at what its workers told it."""

import asyncio

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.fleet.supervisor import _either
from support.fakes import START_NS, FakeClock, run


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
