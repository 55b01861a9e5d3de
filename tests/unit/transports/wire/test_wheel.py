"""The wheel, on a loop that is turned by hand."""

import pytest

from loadlab.transports.wire import timeouts as module
from loadlab.transports.wire.timeouts import GRAIN_NS, TimerWheel


class Clock:
    def __init__(self):
        self.ns = 5 * GRAIN_NS + 7

    def now_ns(self):
        return self.ns


class Loop:
    """As much of an event loop as one timer needs."""

    def __init__(self):
        self.timers = []

    def call_later(self, _delay, call):
        self.timers.append(Handle(self, call))
        return self.timers[-1]


class Handle:
    def __init__(self, loop, call):
        self.loop, self.call = loop, call

    def cancel(self):
        self.loop.timers.remove(self)


class Watched:
    def __init__(self, *agains):
        self.looks = []
        self.agains = list(agains)

    def look(self, now_ns):
        self.looks.append(now_ns)
        return self.agains.pop(0) if self.agains else None


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "MONOTONIC", clock)
    return clock


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def turned():
    return []


@pytest.fixture
def wheel(clock, loop, turned):
    return TimerWheel(loop, turned.append)


def turn(clock, loop, by_ns=GRAIN_NS):
    clock.ns += by_ns
    loop.timers.pop().call()


def test_a_limit_is_kept_never_early_and_two_grains_late_at_most(clock, loop, wheel):
    for offset_ns in range(0, 3 * GRAIN_NS, GRAIN_NS // 7):
        one, at_ns = Watched(), clock.ns + offset_ns
        wheel.watch(one, at_ns)
        while not one.looks:
            turn(clock, loop)
        assert at_ns <= one.looks[0] <= at_ns + 2 * GRAIN_NS


def test_who_says_when_is_looked_at_then_again_and_who_does_not_is_not(clock, loop, wheel):
    again_ns = clock.ns + 10 * GRAIN_NS
    one = Watched(again_ns)
    wheel.watch(one, clock.ns)
    for _ in range(30):
        turn(clock, loop)
    assert len(one.looks) == 2
    assert again_ns <= one.looks[1] <= again_ns + 2 * GRAIN_NS


def test_a_moment_that_is_past_already_comes_with_the_next_turns(clock, loop, wheel):
    one = Watched()
    wheel.watch(one, 0)
    turn(clock, loop)
    turn(clock, loop)
    assert len(one.looks) == 1


def test_a_stall_skips_nobody(clock, loop, wheel):
    many = [Watched() for _ in range(50)]
    for number, one in enumerate(many):
        wheel.watch(one, clock.ns + number * GRAIN_NS)
    turn(clock, loop, by_ns=100 * GRAIN_NS)
    assert [len(one.looks) for one in many] == [1] * 50


def test_there_is_one_timer_and_after_a_stop_none(clock, loop, wheel, turned):
    for _ in range(100):
        wheel.watch(Watched(), clock.ns + GRAIN_NS)
    assert len(loop.timers) == 1
    turn(clock, loop)
    assert (len(loop.timers), turned) == (1, [clock.ns])
    wheel.stop()
    assert loop.timers == []
