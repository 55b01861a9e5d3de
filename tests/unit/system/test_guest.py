"""When a loop lets a thread in that waits for the interpreter."""

import asyncio

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.system.scheduling import ReporterTurn
from support.fakes import FakeClock, run

MS = NS_PER_MS


class Held:
    """A rest that comes at once or not at all, where something else holds the guest: then the clock turns."""

    def __init__(self, clock, *, comes_to_rest):
        self.clock = clock
        self.comes_to_rest = comes_to_rest
        self.waits = 0

    def clear(self):
        pass

    def set(self):
        pass

    def wait(self, within_s):
        self.waits += 1
        if not self.comes_to_rest:
            self.clock.turn(round(within_s * 1_000 * MS))
        return self.comes_to_rest


def waits_within(span_ms, *, wakes_in_ms, busy=1.0, comes_to_rest=False):
    """Return how often a loop that is so busy stops for a guest that wakes then, or has never rested."""
    clock = FakeClock()
    guest = ReporterTurn(clock)
    held = guest._rests = Held(clock, comes_to_rest=comes_to_rest)

    async def main():
        if wakes_in_ms is not None:
            guest.rest_until(clock.now_ns() + wakes_in_ms * MS)
        letting = asyncio.ensure_future(guest.yield_to_reporter(lambda: round(busy * clock.now_ns())))
        await asyncio.sleep(span_ms / 1_000)
        letting.cancel()
        await asyncio.wait([letting])
        assert letting.cancelled(), "it goes on until then"

    run(clock, main())
    return held.waits


@pytest.mark.parametrize("wakes_in_ms", [None, 300], ids=["has not begun", "rests"])
def test_the_loop_does_not_stop_for_a_guest_that_does_not_wait(wakes_in_ms):
    assert waits_within(200, wakes_in_ms=wakes_in_ms) == 0


def test_a_busy_loop_stops_for_a_guest_that_is_late():
    assert waits_within(35, wakes_in_ms=12) == 1


def test_a_loop_that_sleeps_does_not_stop_for_a_guest_that_has_no_core():
    assert waits_within(200, wakes_in_ms=0, busy=0.7) == 0


def test_a_guest_that_is_late_again_after_its_rest_is_let_in_again():
    assert waits_within(105, wakes_in_ms=0, comes_to_rest=True) == 10


def test_a_guest_that_something_else_holds_takes_no_more_than_a_tenth_of_the_loops_time():
    assert waits_within(1_000, wakes_in_ms=0) in range(12, 21)
