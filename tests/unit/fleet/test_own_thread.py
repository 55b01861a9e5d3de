"""A task aside has a thread of its own, tells in the caller's, and ends before the caller goes on."""

import asyncio
import gc
import queue
import threading

import pytest

from loadlab.fleet.own_thread import call_in_loop, in_own_thread


def run(awaitable):
    return asyncio.run(asyncio.wait_for(awaitable, 10))


async def assert_cancelled(caller):
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


def test_what_is_done_aside_is_done_in_another_thread_and_comes_back():
    async def work():
        await asyncio.sleep(0)
        return threading.current_thread()

    thread = run(in_own_thread(work)())
    assert thread is not threading.current_thread()
    thread.join(10)
    assert not thread.is_alive(), "its priority ends with it"


def test_each_task_aside_has_a_thread_of_its_own():
    async def work():
        return threading.current_thread()

    async def main():
        return [await in_own_thread(work)() for _ in range(2)]

    one, other = run(main())
    assert one is not other


def test_what_is_raised_aside_is_raised_here():
    async def work():
        raise ValueError("aside")

    with pytest.raises(ValueError, match="aside"):
        run(in_own_thread(work)())


def test_what_is_told_here_is_heard_in_the_callers_thread_before_the_task_goes_on():
    heard = []

    def hear(value):
        assert asyncio.get_running_loop() is not None
        heard.append((value, threading.current_thread()))

    async def main():
        tell = call_in_loop(hear)

        async def work():
            await tell("one")
            seen = len(heard)
            await tell("two")
            return seen

        return await in_own_thread(work)()

    assert run(main()) == 1
    assert heard == [(value, threading.current_thread()) for value in ("one", "two")]


def test_what_hearing_raises_is_raised_in_own_thread():
    def hear(_):
        raise KeyError("heard")

    async def main():
        tell = call_in_loop(hear)

        async def work():
            with pytest.raises(KeyError, match="heard"):
                await tell(None)
            return "went on"

        return await in_own_thread(work)()

    assert run(main()) == "went on"


def test_a_caller_that_is_cancelled_cancels_the_task_and_waits_until_it_has_cleared_up():
    done = []

    async def main():
        here = asyncio.get_running_loop()
        begun = asyncio.Event()

        async def work():
            here.call_soon_threadsafe(begun.set)
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.05)
                done.append("cleared up")

        caller = asyncio.create_task(in_own_thread(work)())
        await begun.wait()
        await assert_cancelled(caller)
        return list(done)

    assert run(main()) == ["cleared up"]


def test_a_caller_that_is_cancelled_at_once_cancels_it_all_the_same():
    async def main():
        async def work():
            await asyncio.sleep(60)

        caller = asyncio.create_task(in_own_thread(work)())
        await asyncio.sleep(0)
        await assert_cancelled(caller)

    run(main())


def test_a_caller_that_is_cancelled_when_the_task_has_just_ended_is_cancelled():
    threads = queue.Queue()

    async def main():
        async def work():
            threads.put(threading.current_thread())

        caller = asyncio.create_task(in_own_thread(work)())
        await asyncio.sleep(0)
        threads.get(timeout=10).join(10)  # this loop is held: it can't hear that the task has ended
        await assert_cancelled(caller)

    run(main())


def test_a_cancel_leaves_nothing_for_asyncio_to_complain_of():
    complaints = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

        async def work():
            await asyncio.sleep(60)

        caller = asyncio.create_task(in_own_thread(work)())
        await asyncio.sleep(0.05)
        await assert_cancelled(caller)
        del caller
        gc.collect()
        await asyncio.sleep(0)

    run(main())
    assert complaints == []
