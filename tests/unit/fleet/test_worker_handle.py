"""When the parent takes a worker for lost, by its own clock: it looks twenty times a second."""

import asyncio

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet import worker_handle
from loadlab.fleet.messages import Ended, Heartbeat, Quit, Ready
from loadlab.fleet.worker_handle import WorkerHandle
from loadlab.load.shard import Share
from loadlab.scenarios import blocked_loop, pool_map, task
from loadlab.transports.connection_stats import ConnectionStats
from support.fakes import FakeClock, plan

LOOK_NS = 50 * NS_PER_MS
PULSE_LOOKS = 5
"""Looks from one heartbeat to the next."""


def pulse(clock, *, progress):
    told = dict.fromkeys(Heartbeat.__struct_fields__, 0)
    return Heartbeat(**told | {"at_ns": clock.now_ns(), "progress": progress})


def lost_after_s(monkeypatch, traits, *, looks, first=(), pulses=None):
    """Look so often at a worker that said `first`; return when and why it was lost, None where it was not.

    `pulses` tells the progress of each heartbeat by its number; without it the worker says nothing more.
    """
    clock = FakeClock()
    monkeypatch.setattr(worker_handle, "MONOTONIC", clock)

    async def watch():
        member = WorkerHandle(plan(), Share(plan().stages[0]), asyncio.Event(), traits)
        try:
            for message in first:
                member.tell(message) if isinstance(message, Quit) else member._hear(message)
            began_ns = clock.now_ns()
            for look in range(looks):
                if pulses and look % PULSE_LOOKS == 0:
                    member._hear(pulse(clock, progress=pulses(look // PULSE_LOOKS)))
                clock.turn(LOOK_NS)
                member.check()
                if member.broken:
                    return (clock.now_ns() - began_ns) / NS_PER_S, member.broken
            return None
        finally:
            member.pipe.close()
            member._theirs.close()

    return asyncio.run(watch())


def test_one_that_says_nothing_any_more_is_lost_within_two_seconds(monkeypatch):
    at_s, why = lost_after_s(monkeypatch, task.TRAITS, looks=100, first=[Ready()])
    assert at_s == pytest.approx(1.55)
    assert why == "has been silent: it is stopped or hangs"


def test_one_whose_loop_does_not_turn_is_lost_within_two_seconds(monkeypatch):
    at_s, why = lost_after_s(monkeypatch, task.TRAITS, looks=100, first=[Ready()], pulses=lambda _: 7)
    assert 1.5 < at_s < 2
    assert why == "hangs: its loop does not turn"


def test_a_loop_that_starts_processes_has_as_long_as_any_start(monkeypatch):
    at_s, why = lost_after_s(monkeypatch, pool_map.TRAITS, looks=1_000, first=[Ready()], pulses=lambda _: 7)
    assert 30 < at_s < 30.5
    assert why == "hangs: its loop does not turn"


@pytest.mark.parametrize(
    ("traits", "first", "pulses"),
    [
        (task.TRAITS, [Ready()], lambda number: number),
        (blocked_loop.TRAITS, [Ready()], lambda _: 7),
        (task.TRAITS, [], None),
        (task.TRAITS, [Ready(), Ended(ConnectionStats())], None),
    ],
    ids=["works", "is held by design", "is being started", "has ended"],
)
def test_one_that_speaks_or_need_not_is_not_lost(monkeypatch, traits, first, pulses):
    assert lost_after_s(monkeypatch, traits, looks=1_000, first=first, pulses=pulses) is None


def test_one_that_does_not_quit_when_it_is_told_to_is_given_up(monkeypatch):
    at_s, why = lost_after_s(
        monkeypatch, task.TRAITS, looks=1_000, first=[Ready(), Quit()], pulses=lambda number: number
    )
    assert at_s == pytest.approx(8.05)
    assert why == "did not end when it was told to"
