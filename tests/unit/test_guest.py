"""When a loop lets a thread in that waits for the interpreter."""

import asyncio

import pytest

from fakes import FakeClock, run
from loadlab.clock import NS_PER_MS
from loadlab.turns import Guest

MS = NS_PER_MS


class Held:
    """A rest that does not come: a guest that something else holds; each wait for it turns the clock."""

    def __init__(self, clock):
        self.clock = clock
        self.waits = 0

    def clear(self):
        pass

    def set(self):
        pass

    def wait(self, within_s):
        self.waits += 1
        self.clock.turn(round(within_s * 1_000 * MS))


def waits_within(span_ms, *, wakes_in_ms):
    """Return how often the loop stops for a guest that wakes so late, or never says that it rests."""
    clock = FakeClock()
    guest = Guest(clock)
    held = guest._rests = Held(clock)

    async def main():
        if wakes_in_ms is not None:
            guest.rest_until(clock.now_ns() + wakes_in_ms * MS)
        letting = asyncio.ensure_future(guest.let_in())
        await asyncio.sleep(span_ms / 1_000)
        letting.cancel()
        await asyncio.wait([letting])

    run(clock, main())
    return held.waits


@pytest.mark.parametrize("wakes_in_ms", [None, 300], ids=["has not begun", "rests"])
def test_the_loop_does_not_stop_for_a_guest_that_does_not_wait(wakes_in_ms):
    assert waits_within(200, wakes_in_ms=wakes_in_ms) == 0


def test_the_loop_stops_for_a_guest_that_is_late():
    assert waits_within(40, wakes_in_ms=10) == 1


def test_a_guest_that_something_else_holds_takes_no_more_than_a_tenth_of_the_loops_time():
    assert waits_within(1_000, wakes_in_ms=0) in range(15, 21)
