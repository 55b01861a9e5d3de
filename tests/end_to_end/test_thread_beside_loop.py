"""A thread and a loop that never sleeps: it gets the interpreter, however long the loop's turns are."""

import asyncio
import sys
import threading
import time

import pytest

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.system.event_loop import new_event_loop
from loadlab.system.scheduling import ReporterTurn, set_switch_interval

pytestmark = [pytest.mark.real, pytest.mark.timed]

OFTEN = 80
"""In two seconds; with turns of 60 to 100 µs a thread that is not let in has about ten."""


class LooksOften(threading.Thread):
    """Rests for a millisecond, and again; counts how often it had the interpreter."""

    def __init__(self, guest):
        super().__init__(daemon=True)
        self.guest = guest
        self.over = threading.Event()
        self.looks = 0

    def run(self):
        while not self.over.is_set():
            self.guest.rest_until(MONOTONIC.now_ns() + NS_PER_MS)
            time.sleep(0.001)
            self.looks += 1


async def never_sleep(turn_us, until_ns):
    """Keep the loop busy with turns of one length."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def turn():
        turn_ends_ns = MONOTONIC.now_ns() + turn_us * 1_000
        while (now_ns := MONOTONIC.now_ns()) < turn_ends_ns:
            pass
        if now_ns < until_ns:
            loop.call_soon(turn)
        else:
            over.set_result(None)

    turn()
    await over


@pytest.mark.parametrize("turn_us", [1, 20, 60, 80, 100, 500])
def test_a_guest_of_a_loop_that_never_sleeps_is_let_in_however_long_its_turns_are(turn_us):
    async def main():
        set_switch_interval()
        guest = ReporterTurn(MONOTONIC)
        thread = LooksOften(guest)
        letting = asyncio.ensure_future(guest.yield_to_reporter())
        thread.start()
        await never_sleep(turn_us, MONOTONIC.now_ns() + 2 * NS_PER_S)
        letting.cancel()
        thread.over.set()
        thread.join()
        assert thread.looks > OFTEN

    loop = new_event_loop()
    interval_s = sys.getswitchinterval()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
        sys.setswitchinterval(interval_s)
