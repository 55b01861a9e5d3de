"""When the parent takes a worker for lost, by its own clock: it looks twenty times a second."""

import asyncio

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.messages import Ended, Failed, Halt, Heartbeat, Quit, Ready, Report
from loadlab.fleet.watched_worker import WatchedWorker
from loadlab.fleet.worker_clock import SAME_CLOCK
from loadlab.fleet.worker_handle import Gone
from loadlab.load.shard import Share
from loadlab.recording.recorder import Recorder
from loadlab.recording.window import Window
from loadlab.scenarios import blocked_loop, pool_map, task
from loadlab.transports.connection_stats import ConnectionStats
from support.fakes import FakeClock, plan

LOOK_NS = 50 * NS_PER_MS
BEAT_LOOKS = 5
"""Looks from one heartbeat to the next."""
SHARE = Share(plan().stages[0])
ENDED = Ended(ConnectionStats())


class ScriptedHandle:
    """A `WorkerHandle` without a process: it says what it is given, and keeps what it hears."""

    clock = SAME_CLOCK

    def __init__(self, *said, fault=None, computes=False):
        self.told = []
        self.over = False
        self._said = said
        self._fault = fault
        self._computes = computes

    def start(self, share):
        self.told.append(share)

    def tell(self, message):
        self.told.append(message)

    async def events(self):
        for event in self._said:
            yield event
        if self._fault is not None:
            raise self._fault
        await asyncio.Event().wait()

    def wants_core(self):
        return self._computes

    async def end(self):
        self.over = True


def watched(handle=None, traits=task.TRAITS, clock=None, heard=None):
    return WatchedWorker(
        handle or ScriptedHandle(), SHARE, traits, heard or asyncio.Event(), clock or FakeClock()
    )


def heartbeat(clock, *, progress):
    told = dict.fromkeys(Heartbeat.__struct_fields__, 0)
    return Heartbeat(**told | {"at_ns": clock.now_ns(), "progress": progress})


def lost_after_s(traits, *, looks, first=(), progress=None, computes=False):
    """Look so often at a worker that said `first`; return when and why it was lost, None where it was not.

    `progress` tells that of each heartbeat by its number; without it the worker says nothing more.
    """
    clock = FakeClock()
    worker = watched(ScriptedHandle(computes=computes), traits, clock)
    for message in first:
        worker.tell(message) if isinstance(message, Quit) else worker.hear(message)
    began_ns = clock.now_ns()
    for look in range(looks):
        if progress and look % BEAT_LOOKS == 0:
            worker.hear(heartbeat(clock, progress=progress(look // BEAT_LOOKS)))
        clock.turn(LOOK_NS)
        worker.check()
        if worker.broken:
            return (clock.now_ns() - began_ns) / NS_PER_S, worker.broken
    return None


def test_one_that_says_nothing_any_more_is_lost_within_two_seconds():
    at_s, why = lost_after_s(task.TRAITS, looks=100, first=[Ready()])
    assert at_s == pytest.approx(1.55)
    assert why == "has been silent: it is stopped or hangs"


def test_one_that_wants_a_core_may_be_silent_for_ten_times_as_long():
    at_s, _ = lost_after_s(task.TRAITS, looks=1_000, first=[Ready()], computes=True)
    assert 10 < at_s < 11


def test_one_whose_loop_does_not_turn_is_lost_within_two_seconds():
    at_s, why = lost_after_s(task.TRAITS, looks=100, first=[Ready()], progress=lambda _: 7)
    assert 1.5 < at_s < 2
    assert why == "hangs: its loop does not turn"


def test_a_loop_that_starts_processes_has_as_long_as_any_start():
    at_s, why = lost_after_s(pool_map.TRAITS, looks=1_000, first=[Ready()], progress=lambda _: 7)
    assert 30 < at_s < 30.5
    assert why == "hangs: its loop does not turn"


@pytest.mark.parametrize(
    ("traits", "first", "progress"),
    [
        (task.TRAITS, [Ready()], lambda number: number),
        (blocked_loop.TRAITS, [Ready()], lambda _: 7),
        (task.TRAITS, [], None),
        (task.TRAITS, [Ready(), ENDED], None),
    ],
    ids=["works", "is held by design", "is being started", "has ended"],
)
def test_one_that_speaks_or_need_not_is_not_lost(traits, first, progress):
    assert lost_after_s(traits, looks=1_000, first=first, progress=progress) is None


def test_one_that_does_not_quit_when_it_is_told_to_is_given_up():
    at_s, why = lost_after_s(
        task.TRAITS, looks=1_000, first=[Ready(), Quit()], progress=lambda number: number
    )
    assert at_s == pytest.approx(8.05)
    assert why == "did not end when it was told to"


@pytest.mark.parametrize(
    ("events", "broken"),
    [
        ([Ready(), Gone("was killed")], "was killed"),
        ([Failed("raised", ""), Gone("ended by itself")], "raised"),
        ([Ready(), ENDED, Gone("ended by itself")], None),
    ],
)
def test_its_first_last_word_counts(events, broken):
    worker = watched()
    for event in events:
        worker.hear(event)
    assert (worker.broken, worker.over) == (broken, True)


def test_who_is_lost_or_has_ended_is_told_nothing_more():
    handle = ScriptedHandle()
    worker = watched(handle)
    worker.tell(Halt())
    worker.hear(ENDED)
    worker.tell(Quit())
    assert handle.told == [Halt()]


@pytest.mark.parametrize(("event", "is_news"), [(Ready(), True), (heartbeat(FakeClock(), progress=1), False)])
def test_all_but_heartbeats_are_news(event, is_news):
    heard = asyncio.Event()
    watched(heard=heard).hear(event)
    assert heard.is_set() is is_news


def test_reports_are_given_once_and_tell_what_is_known():
    worker = watched()
    worker.hear(Report(Recorder(Window(0), sent=5, finished=3), 7))
    worker.hear(Report(Recorder(Window(0), sent=1, finished=2), 9))
    assert worker.upto_ns == 0
    assert [report.sent for report in worker.take_reports()] == [5, 1]
    assert (worker.sent, worker.finished, worker.upto_ns) == (6, 5, 9)
    assert worker.take_reports() == []


def test_it_listens_from_its_start_to_its_end():
    handle = ScriptedHandle(Ready())

    async def main():
        worker = watched(handle)
        worker.start()
        await asyncio.sleep(0)
        await worker.end()
        return worker.ready

    assert asyncio.run(main())
    assert (handle.told, handle.over) == ([SHARE], True)


def test_what_a_handle_raises_is_raised_at_its_end():
    handle = ScriptedHandle(fault=ValueError("a fault of the handle"))

    async def main():
        worker = watched(handle)
        worker.start()
        await asyncio.sleep(0)
        await worker.end()

    with pytest.raises(ValueError, match="a fault of the handle"):
        asyncio.run(main())
    assert handle.over
