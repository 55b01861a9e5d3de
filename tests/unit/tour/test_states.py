"""What is said of a coroutine, a task and a future is what they are: other code, other words."""

import asyncio

import pytest

from loadlab.tour.states import HEAD, Watched, state_of


class StillClock:
    def now_ns(self):
        return 0


def states(lines):
    return [tuple(line[len("    0 ns") + 2 + 18 :].split()) for line in lines]


async def until_done(future):
    await asyncio.wait([future])
    await asyncio.sleep(0)


def watched(body, use=lambda seen: None):
    """Run a coroutine as a task with a future that gets its result, and return what was said."""
    lines = []

    async def main():
        seen = Watched(StillClock(), lines.append)
        seen.coroutine = body(seen)
        seen.task = asyncio.create_task(seen.coroutine)
        seen.future = asyncio.get_running_loop().create_future()
        keep = seen.future.set_result
        seen.task.add_done_callback(lambda task: task.cancelled() or task.exception() or keep(task.result()))
        use(seen)
        await until_done(seen.task)

    asyncio.run(main())
    return lines


def test_a_task_that_waits_goes_through_every_state():
    async def body(seen):
        seen.look("inside")
        asyncio.get_running_loop().call_soon(seen.look, "loop")
        await asyncio.sleep(0)
        return "done"

    assert states(watched(body)) == [
        ("created", "–", "–"),
        ("created", "pending", "–"),
        ("created", "pending", "pending"),
        ("running", "pending", "pending"),
        ("suspended", "pending", "pending"),
        ("closed", "finished", "pending"),
        ("closed", "finished", "finished"),
    ]


def test_a_task_that_never_waits_is_never_seen_suspended():
    async def body(seen):
        asyncio.get_running_loop().call_soon(seen.look, "loop")
        return "done"

    assert "suspended" not in {state for row in states(watched(body)) for state in row}


def test_a_task_that_raises_is_seen_to_fail_and_its_future_stays_open():
    async def body(_):
        raise ValueError

    assert states(watched(body))[-1] == ("closed", "failed", "pending")


def test_a_task_that_is_cancelled_before_it_runs_never_runs():
    async def body(seen):
        seen.look("inside")

    seen = states(watched(body, use=lambda seen: seen.task.cancel()))
    assert seen[-1] == ("closed", "cancelled", "pending")
    assert ("running", "pending", "pending") not in seen


def test_nothing_is_said_while_nothing_changes():
    lines = []
    seen = Watched(StillClock(), lines.append)
    seen.look("first")
    assert lines == []

    async def nothing():
        pass

    seen.coroutine = nothing()
    seen.look("again")
    seen.coroutine.close()
    seen.look("closed")
    assert states(lines) == [("created", "–", "–"), ("closed", "–", "–")]


def test_the_columns_stand_under_their_heads():
    async def body(_):
        return ""

    lines = watched(body)
    assert len(lines) > 2
    for line in lines:
        for name, state in zip(("coroutine", "task", "future"), line.split()[-3:], strict=True):
            assert line[HEAD.index(name) :].startswith(state)


@pytest.mark.parametrize(("result", "word"), [(1, "finished"), (ValueError(), "failed"), (None, "cancelled")])
def test_a_future_is_named_by_how_it_ended(result, word):
    async def main():
        future = asyncio.get_running_loop().create_future()
        assert state_of(future) == "pending"
        match result:
            case None:
                future.cancel()
            case ValueError():
                future.set_exception(result)
            case _:
                future.set_result(result)
        assert state_of(future) == word

    asyncio.run(main())
