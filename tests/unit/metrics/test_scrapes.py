"""The barrier between a run and its scraper, on virtual time."""

import asyncio

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.metrics import Metrics
from support import fakes
from support.exposed import exposed


def on(clock, body):
    metrics = Metrics(clock)
    return fakes.run(clock, body(metrics))


def test_a_scrape_that_begins_after_the_call_ends_the_wait_at_once():
    clock = fakes.FakeClock()

    async def body(metrics):
        waiting = asyncio.ensure_future(metrics.scraped(5.0))
        await asyncio.sleep(0.7)
        metrics.expose()
        return await waiting

    assert on(clock, body)
    assert clock.now_ns() == fakes.START_NS + 700 * NS_PER_MS


def test_a_scrape_before_the_call_does_not_count_however_late_it_was():
    clock = fakes.FakeClock()

    async def body(metrics):
        metrics.expose()
        return await metrics.scraped(5.0)

    assert not on(clock, body)
    assert clock.now_ns() == fakes.START_NS + 5 * NS_PER_S


def test_a_wait_that_came_to_nothing_does_not_spoil_the_next():
    async def body(metrics):
        first = await metrics.scraped(1.0)
        metrics.expose()
        second = asyncio.ensure_future(metrics.scraped(1.0))
        await asyncio.sleep(0.5)
        metrics.expose()
        return first, await second

    assert on(fakes.FakeClock(), body) == (False, True)


def test_all_who_wait_get_the_same_scrape():
    async def body(metrics):
        waiting = asyncio.gather(metrics.scraped(1.0), metrics.scraped(2.0))
        await asyncio.sleep(0)
        metrics.expose()
        return await waiting

    assert on(fakes.FakeClock(), body) == [True, True]


def test_two_scrapes_in_one_turn_of_the_loop_are_fine():
    async def body(metrics):
        waiting = asyncio.ensure_future(metrics.scraped(1.0))
        await asyncio.sleep(0)
        metrics.expose()
        metrics.expose()
        return await waiting

    assert on(fakes.FakeClock(), body)


def test_who_gives_up_waiting_is_forgotten():
    async def body(metrics):
        waiting = asyncio.ensure_future(metrics.scraped(100.0))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        metrics.expose()
        return waiting.cancelled()

    assert on(fakes.FakeClock(), body)


def test_a_look_that_is_no_scrape_does_not_count():
    async def body(metrics):
        waiting = asyncio.ensure_future(metrics.scraped(1.0))
        await asyncio.sleep(0)
        metrics.expose(scraper=False)
        return await waiting, metrics.scraper_seen

    assert on(fakes.FakeClock(), body) == (False, False)


def test_a_scraper_is_seen_for_fifteen_seconds_after_its_last_scrape():
    clock = fakes.FakeClock()
    metrics = Metrics(clock)
    assert not metrics.scraper_seen
    exposed(metrics)
    clock.turn(15 * NS_PER_S)
    assert metrics.scraper_seen
    clock.turn(1)
    assert not metrics.scraper_seen
