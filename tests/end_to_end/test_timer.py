"""Both timers on the real clock and real loops: they ring once, never early, and the loop has its turns."""

import asyncio
import contextlib
import itertools
import socket
import sys
import time
from pathlib import Path

import pytest

from loadlab.clock import MONOTONIC, NS_PER_MS, NS_PER_S
from loadlab.load.timer import CoarseTimer, KernelTimer, new_timer
from loadlab.system import event_loop

pytestmark = [
    pytest.mark.quick,
    pytest.mark.real,
    pytest.mark.timed,
    pytest.mark.parametrize(
        "exact",
        [
            pytest.param(False, id="coarse"),
            pytest.param(
                True,
                id="timer",
                marks=pytest.mark.skipif(sys.platform != "linux", reason="timerfd is Linux's"),
            ),
        ],
    ),
    pytest.mark.parametrize(
        "new_loop", [asyncio.new_event_loop, event_loop.new_event_loop], ids=["asyncio", "best"]
    ),
]

MS = NS_PER_MS
FAR_NS = 3_600 * NS_PER_S


def with_timer(new_loop, exact, what):
    """Run a test's coroutine with a timer on a loop of its own."""

    async def main():
        timer = new_timer(MONOTONIC, exact=exact)
        assert isinstance(timer, KernelTimer if exact else CoarseTimer)
        try:
            return await what(timer)
        finally:
            timer.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main())


def later(by_ns):
    return MONOTONIC.now_ns() + by_ns


async def until(timer, due_ns):
    """Wait for a ring at this moment."""
    rung = asyncio.get_running_loop().create_future()
    timer.call_at(due_ns, lambda: rung.cancelled() or rung.set_result(None))
    await rung


async def waiting(timer, due_ns):
    """Return a task that waits for this moment, and has begun to."""
    task = asyncio.create_task(until(timer, due_ns))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def cancelled(task):
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()


def open_files():
    """Return how many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("ahead_ns", [1_000, 100_000, MS, 1_500_000, 1_500_001, 5 * MS, 30 * MS])
def test_a_wait_never_ends_early(new_loop, exact, ahead_ns):
    async def what(timer):
        for _ in range(10):
            due_ns = later(ahead_ns)
            await until(timer, due_ns)
            assert MONOTONIC.now_ns() >= due_ns

    with_timer(new_loop, exact, what)


@pytest.mark.parametrize("ahead_ns", [0, -1, -NS_PER_S, -(1 << 62)])
def test_a_moment_that_has_passed_is_an_end_at_once(new_loop, exact, ahead_ns):
    async def what(timer):
        for _ in range(3):
            await until(timer, max(0, later(ahead_ns)))

    with_timer(new_loop, exact, what)


def test_it_never_rings_from_within_the_call_that_sets_it(new_loop, exact):
    async def what(timer):
        rings = []
        for ahead_ns in (-MS, 0, 1):
            timer.call_at(later(ahead_ns), lambda: rings.append(MONOTONIC.now_ns()))
            assert not rings
        await asyncio.sleep(0.01)
        assert len(rings) == 1, "the last took the place of those before"

    with_timer(new_loop, exact, what)


def test_it_rings_once_and_can_be_set_anew_from_within_the_ring(new_loop, exact):
    async def what(timer):
        rings = []

        def ring():
            rings.append(MONOTONIC.now_ns())
            if len(rings) < 5:
                timer.call_at(rings[-1] + MS, ring)

        timer.call_at(0, ring)
        while len(rings) < 5:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        assert len(rings) == 5
        assert all(later_ns - before_ns >= MS for before_ns, later_ns in itertools.pairwise(rings))

    with_timer(new_loop, exact, what)


@pytest.mark.parametrize("first_ns", [20_000, 200_000, 2 * MS])
@pytest.mark.parametrize("second_ns", [20_000, 200_000, 4 * MS])
def test_only_the_moment_that_was_set_last_rings_whatever_way_each_is_waited_for(
    new_loop, exact, first_ns, second_ns
):
    async def what(timer):
        for _ in range(20):
            rings = []
            timer.call_at(later(first_ns), lambda: rings.append("first"))  # noqa: B023 - rings before the next
            due_ns = later(second_ns)
            timer.call_at(due_ns, lambda: rings.append(MONOTONIC.now_ns()))  # noqa: B023 - the same
            while not rings:
                await asyncio.sleep(0.001)
            await asyncio.sleep(max(0, first_ns - second_ns) / NS_PER_S + 0.001)
            (rung_ns,) = rings
            assert rung_ns >= due_ns

    with_timer(new_loop, exact, what)


@pytest.mark.parametrize("ahead_ns", [0, 20_000, 200_000, 2 * MS])
def test_closed_it_rings_no_more(new_loop, exact, ahead_ns):
    async def what(_wake):
        rings = []
        other = new_timer(MONOTONIC, exact=exact)
        other.call_at(later(ahead_ns), lambda: rings.append("rung"))
        other.close()
        await asyncio.sleep(0.005)
        assert not rings

    with_timer(new_loop, exact, what)


def test_silent_after_a_ring_it_lets_the_loop_sleep(new_loop, exact):
    """A kernel timer that has rung stays readable: a loop that went on looking at it would never rest."""

    async def what(timer):
        await until(timer, later(MS))
        before_s = time.process_time()
        await asyncio.sleep(0.2)
        assert time.process_time() - before_s < 0.1

    with_timer(new_loop, exact, what)


def test_what_has_rung_does_not_ring_again(new_loop, exact):
    """A second ring would end the wait after it."""

    async def what(timer):
        await until(timer, later(MS))
        task = await waiting(timer, later(FAR_NS))
        await asyncio.sleep(0.02)
        assert not task.done()
        await cancelled(task)

    with_timer(new_loop, exact, what)


def test_a_wait_can_be_cancelled_and_the_next_is_as_good(new_loop, exact):
    async def what(timer):
        for ahead_ns in (FAR_NS, MS, 20 * MS):
            await cancelled(await waiting(timer, later(ahead_ns)))
        due_ns = later(2 * MS)
        await until(timer, due_ns)
        assert MONOTONIC.now_ns() >= due_ns

    with_timer(new_loop, exact, what)


def test_it_can_be_set_to_an_earlier_moment(new_loop, exact):
    """Else it would ring in an hour."""

    async def what(timer):
        await cancelled(await waiting(timer, later(FAR_NS)))
        await until(timer, later(MS))

    with_timer(new_loop, exact, what)


def test_it_can_be_set_to_a_later_moment_and_the_earlier_one_passes_in_silence(new_loop, exact):
    async def what(timer):
        await cancelled(await waiting(timer, later(5 * MS)))
        due_ns = later(30 * MS)
        await until(timer, due_ns)
        assert MONOTONIC.now_ns() >= due_ns

    with_timer(new_loop, exact, what)


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_ring_that_the_loop_has_not_come_to_is_not_that_of_the_next_wait(new_loop, exact, turns):
    """The loop is held past the moment; its ring may stand in line by the time that another wait begins."""

    async def what(timer):
        task = await waiting(timer, later(2 * MS))
        time.sleep(0.01)  # noqa: ASYNC251 - holding the loop is the point
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        due_ns = later(20 * MS)
        await until(timer, due_ns)
        assert MONOTONIC.now_ns() >= due_ns
        await asyncio.wait([task])

    with_timer(new_loop, exact, what)


def test_the_loop_has_its_turns_for_replies_and_timers_while_one_waits(new_loop, exact):
    """Waits of less than a timer's grain, one after another: all of them awake where there is no better."""

    async def what(timer):
        async def wait_on():
            while True:
                await until(timer, later(MS))

        mine, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=mine)
        far_reader, far_writer = await asyncio.open_connection(sock=theirs)
        waits = asyncio.create_task(wait_on())
        for number in range(100):
            writer.write(b"%03d" % number)
            far_writer.write(await far_reader.readexactly(3))
            assert await reader.readexactly(3) == b"%03d" % number
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        assert not waits.done()
        await cancelled(waits)
        for each in (writer, far_writer):
            each.close()
            await each.wait_closed()

    with_timer(new_loop, exact, what)


def test_time_that_it_was_awake_is_told_and_is_no_more_than_it_waited(new_loop, exact):
    async def what(timer):
        began_ns = MONOTONIC.now_ns()
        for _ in range(20):
            await until(timer, later(MS))
        took_ns = MONOTONIC.now_ns() - began_ns
        assert timer.spun_ns == 0 if exact else 0 < timer.spun_ns <= took_ns

    with_timer(new_loop, exact, what)


def test_closed_in_the_midst_of_a_wait_it_gives_back_what_it_took(new_loop, exact):
    async def what(_wake):
        before = open_files()
        for _ in range(3):
            other = new_timer(MONOTONIC, exact=exact)
            await cancelled(await waiting(other, later(FAR_NS)))
            other.close()
        assert open_files() == before

    with_timer(new_loop, exact, what)
