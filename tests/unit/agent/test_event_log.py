"""The agent's stream of events: whole for who is there, resumed by who comes back, bounded for everybody."""

import asyncio
import time

import msgspec

from loadlab.agent import event_log
from loadlab.agent.event_log import TICKS, EventLog
from loadlab.errors import Exit
from loadlab.results.events import Noted, Refused, StageEnded, Tick
from support.results import stage

LAST = Refused("no", Exit.TARGET, "a")


def tick(number):
    return Tick(
        index=0,
        phase="measuring",
        fraction=0.5,
        finished=number,
        rate_hz=1.0,
        in_flight=1,
        p50_ns=None,
        p99_ns=None,
        errors=0,
    )


async def collect(following, until=None):
    """Everything that a follower gets, until it has this many messages or the stream ends."""
    found = []
    async for messages in following:
        found += messages
        if until is not None and len(found) >= until:
            break
    return found


def told(messages):
    return [msgspec.json.decode(message.data) for message in messages]


def test_who_follows_one_run_gets_it_from_its_beginning_to_its_end():
    async def scene():
        track = (stream := EventLog()).begin("a")
        track.tell(Noted("first"))
        following = asyncio.create_task(collect(stream.follow(None, track)))
        await asyncio.sleep(0)
        track.tell(tick(1))
        track.tell(LAST)
        return await following

    messages = asyncio.run(scene())
    assert [event["type"] for event in told(messages)] == ["Noted", "Tick", "Refused"]
    assert [message.id for message in messages] == sorted({message.id for message in messages})


def test_who_comes_back_gets_what_came_after_and_nothing_twice():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        for number in range(5):
            track.tell(tick(number))
        seen = await collect(stream.follow(None), 5)
        track.tell(Noted("meanwhile"))
        return await collect(stream.follow(seen[2].id), 3)

    events = told(asyncio.run(scene()))
    assert [event["type"] for event in events] == ["Tick", "Tick", "Noted"]
    assert [event.get("finished") for event in events] == [3, 4, None]


def test_ticks_are_kept_in_a_bounded_number_and_all_else_in_full():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        for number in range(TICKS * 3):
            track.tell(tick(number))
            if number % TICKS == 0:
                track.tell(Noted(str(number)))
        return await collect(stream.follow(None), TICKS + 3)

    events = told(asyncio.run(scene()))
    assert sum(event["type"] == "Noted" for event in events) == 3
    assert [event["finished"] for event in events if event["type"] == "Tick"] == [
        *range(TICKS * 2, TICKS * 3)
    ]


def test_the_last_tick_of_a_stage_is_kept_because_it_says_how_long_the_stage_took():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        for number in range(10):
            track.tell(tick(number))
        track.tell(StageEnded(0, stage()))
        track.tell(StageEnded(1, stage()))
        for number in range(10, 10 + TICKS):
            track.tell(tick(number))
        return await collect(stream.follow(None), TICKS + 3)

    events = told(asyncio.run(scene()))
    assert [event["type"] for event in events[:3]] == ["Tick", "StageEnded", "StageEnded"]
    assert [event["finished"] for event in events if event["type"] == "Tick"] == [9, *range(10, 10 + TICKS)]


def test_a_follower_that_does_not_read_costs_nothing_and_skips_ticks():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        track.tell(tick(0))
        following = stream.follow(None)
        await anext(following)
        for number in range(1, 10 * TICKS):
            track.tell(tick(number))
        return await anext(following)

    late = told(asyncio.run(scene()))
    assert len(late) == TICKS
    assert late[-1]["finished"] == 10 * TICKS - 1


def test_the_stream_over_all_runs_goes_on_with_the_next_one():
    async def scene():
        stream = EventLog()
        first = stream.begin("a")
        following = asyncio.create_task(collect(stream.follow(None), 4))
        first.tell(Noted("a"))
        first.tell(LAST)
        await asyncio.sleep(0)
        second = stream.begin("b")
        second.tell(Noted("b"))
        second.tell(LAST)
        return await following

    events = told(asyncio.run(scene()))
    assert [event["sentence"] for event in events] == ["a", "no", "b", "no"]


def test_the_end_of_a_run_reaches_who_was_slow_though_the_next_has_begun():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        following = stream.follow(None, track)
        track.tell(Noted("a"))
        await anext(following)
        track.tell(LAST)
        stream.begin("b").tell(Noted("b"))
        return await collect(following)

    assert [event["type"] for event in told(asyncio.run(scene()))] == ["Refused"]


def test_numbers_grow_over_a_restart_and_one_that_was_never_given_means_from_the_beginning():
    async def scene():
        stream = EventLog()
        stream.begin("a").tell(Noted("a"))
        [first] = await collect(stream.follow(None), 1)
        [again] = await collect(stream.follow(first.id + 1000), 1)
        assert again == first
        later = EventLog(lambda: time.time() + 1.0)
        later.begin("a").tell(Noted("a"))
        [restarted] = await collect(later.follow(first.id), 1)
        return first.id, restarted.id

    before, after = asyncio.run(scene())
    assert before < after < 2**53  # what a page's script can count to


def test_a_silence_is_said_so_that_a_dead_connection_shows(monkeypatch):
    monkeypatch.setattr(event_log, "KEEP_ALIVE_S", 0.01)

    async def scene():
        return await anext(EventLog().follow(None))

    assert asyncio.run(scene()) == []


def test_an_agent_that_ends_lets_its_followers_go_with_the_last_event():
    async def scene():
        stream = EventLog()
        track = stream.begin("a")
        following = asyncio.create_task(collect(stream.follow(None)))
        await asyncio.sleep(0)
        track.tell(LAST)
        stream.close()
        async with asyncio.timeout(1):
            return await following

    assert [event["type"] for event in told(asyncio.run(scene()))] == ["Refused"]
