"""What being awake is called, on a clock that moves on by as much as each look at it is said to cost."""

import asyncio

import pytest

from loadlab.load.timer import IdleTurnEstimate, SpinTimer

US = 1_000


class LookedAt:
    """A clock on which time passes only between one look and the next."""

    def __init__(self, turns_us):
        self._turns_us = iter(turns_us)
        self._at_ns = 0

    def now_ns(self):
        self._at_ns += round(next(self._turns_us) * US)
        return self._at_ns


def spun_us(turns_us, due_us):
    """Return what was spun, and when it rang, where the loop's turns take so long one after another."""
    clock = LookedAt([0, *turns_us])

    async def main():
        awake = SpinTimer(clock)
        rung = asyncio.get_running_loop().create_future()
        awake.call_at(due_us * US, lambda: rung.set_result(clock._at_ns))
        at_ns = await rung
        return awake.spun_ns / US, at_ns / US

    return asyncio.run(main())


def test_turns_with_nothing_to_do_are_spun_but_for_the_first_of_all():
    """It tells nothing, and is not called spinning as long as nothing is known of an empty one."""
    assert spun_us([3] * 10, 30) == (27, 30)


def test_of_a_turn_with_work_no_more_than_an_empty_one_takes_is_spun():
    spun, at = spun_us([3, 3, 20, 3, 40, 3], 70)
    assert spun == pytest.approx(0 + 3 + 3 + 3 + 3 + 3, rel=0.01)
    assert at == 72


def test_from_the_part_of_a_turn_that_a_wait_begins_with_nothing_is_learnt():
    """Else all turns after it would be work: none is as short."""
    assert spun_us([0.3, *[3] * 10], 30)[0] == pytest.approx(30)


def test_a_processor_that_gets_slower_is_believed_after_a_while():
    empty = IdleTurnEstimate()
    for _ in range(100):
        empty.part_of(2_000, whole=True)
    spun = [empty.part_of(5_000, whole=True) for _ in range(1_000)]
    assert (spun[0], spun[-1]) == (2_002, 5_000)


@pytest.mark.parametrize("due_us", [0, -5])
def test_a_turn_given_to_others_once_the_moment_has_passed_is_work(due_us):
    assert spun_us([50], due_us) == (0, 50)


def test_it_rings_no_more_once_it_is_closed():
    rings = []

    async def main():
        awake = SpinTimer(LookedAt([0] * 100))
        awake.call_at(0, lambda: rings.append("rung"))
        awake.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert rings == []


def test_the_moment_set_last_is_the_one_that_counts():
    clock = LookedAt([0, 0, *[3] * 20])
    rings = []

    async def main():
        awake = SpinTimer(clock)
        awake.call_at(6 * US, lambda: rings.append("first"))
        awake.call_at(30 * US, lambda: rings.append(clock._at_ns // US))
        while not rings:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert rings == [30]
