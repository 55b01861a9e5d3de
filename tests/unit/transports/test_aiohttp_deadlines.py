"""One timer for all requests in flight, on a loop whose clock the test turns."""

import asyncio
from collections.abc import Callable

import pytest

from loadlab.clock import NS_PER_S
from loadlab.transports.aiohttp_deadlines import Deadlines


class Handle:
    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when, self.call = when, call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """As much of an event loop as a timer needs."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Handle] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> Handle:
        self.timers.append(Handle(when, call))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.when <= self.now and not timer.cancelled]
        self.timers = [timer for timer in self.timers if timer not in due]
        for timer in due:
            timer.call()


class Task:
    """As much of a task as a cancellation needs."""

    def __init__(self) -> None:
        self.count = 0

    def cancel(self) -> None:
        self.count += 1

    def uncancel(self) -> int:
        self.count -= 1
        return self.count

    def cancelling(self) -> int:
        return self.count


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def deadlines(loop) -> Deadlines:
    return Deadlines(loop, 10 * NS_PER_S)


def test_a_request_in_time_is_left_alone(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    loop.advance(9)
    deadlines.leave(task)
    loop.advance(5)

    assert task.count == 0
    assert not deadlines.ran_out(task)


def test_a_late_request_is_cancelled_at_its_limit_and_can_go_on(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    loop.advance(10)

    assert task.count == 1
    assert deadlines.ran_out(task)
    assert task.count == 0, "the cancellation is taken back"


def test_each_request_has_its_own_limit(loop, deadlines):
    early, late = Task(), Task()
    deadlines.watch(early)
    loop.advance(4)
    deadlines.watch(late)

    loop.advance(6)
    assert (early.count, late.count) == (1, 0)
    loop.advance(4)
    assert late.count == 1


def test_a_thousand_requests_need_one_timer(loop, deadlines):
    for _ in range(1000):
        task = Task()
        deadlines.watch(task)
        loop.advance(0.001)
        deadlines.leave(task)

    assert len(loop.timers) == 1


def test_the_timer_rests_while_nothing_is_in_flight(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    deadlines.leave(task)
    loop.advance(10)

    assert loop.timers == []
    deadlines.watch(task)
    assert [timer.when for timer in loop.timers] == [120.0]


def test_a_cancellation_by_somebody_else_is_not_a_timeout(deadlines):
    task = Task()
    deadlines.watch(task)
    task.cancel()

    assert not deadlines.ran_out(task)
    assert task.count == 1


def test_a_cancellation_by_somebody_else_as_well_is_passed_on(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    task.cancel()
    loop.advance(10)

    assert not deadlines.ran_out(task)
    assert task.count == 1


def test_a_task_that_was_being_cancelled_before_it_sent_still_times_out(loop, deadlines):
    task = Task()
    task.cancel()
    deadlines.watch(task)
    loop.advance(10)

    assert deadlines.ran_out(task)


def test_a_request_that_finished_although_it_was_cancelled_is_not_cancelled_any_more(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    loop.advance(10)
    deadlines.leave(task)

    assert task.count == 0


def test_close_ends_what_is_in_flight_once_and_for_all(loop, deadlines):
    task = Task()
    deadlines.watch(task)
    deadlines.close()
    loop.advance(20)

    assert task.count == 1
    assert deadlines.ran_out(task)


@pytest.mark.real
def test_it_keeps_its_time_on_a_real_loop():
    async def run() -> bool:
        task = asyncio.current_task()
        deadlines = Deadlines(asyncio.get_running_loop(), 1)
        deadlines.watch(task)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return deadlines.ran_out(task)
        return False

    assert asyncio.run(run())
