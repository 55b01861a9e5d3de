"""What containers took, between which readings, and when no reading tells it."""

import asyncio

import pytest

from loadlab.results.events import Tick
from loadlab.stack.usage import ContainerUsageMeter, usage
from support.fake_stack import FakeStack, container, frame


def test_a_usage_is_the_difference_over_the_time_between():
    taken = usage(frame(1, 10, 0.5), frame(3, 11, 0.75), container("client", cpu_limit_cores=1.5))
    assert taken.cpu_ratio == 0.5
    assert taken.cpu_throttled_ns == 250_000_000
    assert taken.cpu_limit_cores == 1.5
    assert taken.memory_limit_bytes == 2**30


def test_the_memory_is_the_most_that_was_read():
    assert usage(frame(1, 1, memory_bytes=7), frame(2, 1, memory_bytes=3), container("x")).memory_bytes == 7


def test_the_same_reading_twice_tells_nothing():
    assert usage(frame(1, 10), frame(1, 10), container("client")) is None


def test_a_container_that_was_restarted_in_between_tells_nothing():
    assert usage(frame(1, 10), frame(2, 0.1), container("client")) is None


def tick(phase):
    return Tick(
        index=0,
        phase=phase,
        fraction=0,
        finished=0,
        rate_hz=0,
        in_flight=0,
        p50_ns=None,
        p99_ns=None,
        errors=0,
    )


def metered(*script):
    """Follow a script of ticks' phases and seconds that pass; returns what each stage took, and the stack."""

    async def play():
        stack = FakeStack()
        meter = ContainerUsageMeter(stack)
        taken = []
        for step in script:
            match step:
                case "begin":
                    meter.begin()
                case "end":
                    taken.append(await meter.end())
                case str():
                    meter.follow(tick(step))
                case _:
                    stack.now_s += step
            await asyncio.sleep(0)
        meter.close()
        return taken, stack

    return asyncio.run(play())


def test_a_stage_is_read_at_the_windows_edges():
    [taken], stack = metered(
        "begin", 1, "warm-up", 1, "measuring", 1, "measuring", 1, "draining", 1, "draining", "end"
    )
    assert stack.asked == [1, 3, 5]
    assert set(taken) == {"client", "target"}
    assert taken["client"].cpu_ratio == pytest.approx(0.5)


def test_a_stage_without_an_end_in_sight_is_read_at_its_own():
    _, stack = metered("begin", 1, "measuring", 2, "measuring", "end")
    assert stack.asked == [1, 2, 4]


def test_a_stage_with_one_late_tick_is_read_from_its_start():
    [taken], stack = metered("begin", 0.5, "measuring", "end")
    assert stack.asked == [1, 1.5, 1.5]
    assert taken["client"].cpu_ratio == pytest.approx(0.5)


def test_the_end_of_a_stage_is_the_start_of_the_next():
    _, stack = metered("begin", 1, "measuring", 2, "draining", "end", "begin", 1, "measuring", 2, "end")
    assert stack.asked == [1, 2, 4, 5, 7]


def test_where_no_time_passed_nothing_is_told():
    [taken], _ = metered("begin", "end")
    assert taken is None
