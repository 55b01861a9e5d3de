"""Looking up a host, on a loop that counts how often it is asked."""

import asyncio
import socket

import pytest

from loadlab.transports.wire import names as module
from loadlab.transports.wire.names import FRESH_NS, Name


class Clock:
    def __init__(self):
        self.ns = FRESH_NS

    def now_ns(self):
        return self.ns


class Resolver:
    """The running loop, but for look-ups."""

    def __init__(self, *addresses):
        self.asked = 0
        self.addresses = addresses
        self.create_task = asyncio.get_running_loop().create_task

    async def getaddrinfo(self, host, port, **_):
        self.asked += 1
        await asyncio.sleep(0)
        if not self.addresses:
            raise socket.gaierror
        return [(None, None, 6, "", (address, port)) for address in self.addresses]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "MONOTONIC", clock)
    return clock


def test_connections_at_once_share_a_look_up(clock):
    async def look_up():
        resolver = Resolver("::1", "127.0.0.1")
        name = Name(resolver, "host", 80)
        return await asyncio.gather(*(name.addresses() for _ in range(50))), resolver.asked

    found, asked = asyncio.run(look_up())
    assert found == [["::1", "127.0.0.1"]] * 50
    assert asked == 1


def test_what_was_found_holds_for_a_while(clock):
    async def look_up():
        resolver = Resolver("127.0.0.1")
        name = Name(resolver, "host", 80)
        for _ in range(4):
            await name.addresses()
            clock.ns += FRESH_NS // 2
        return resolver.asked

    assert asyncio.run(look_up()) == 2


def test_the_address_that_answered_is_tried_first(clock):
    async def look_up():
        name = Name(Resolver("::1", "127.0.0.1", "127.0.0.2"), "host", 80)
        await name.addresses()
        name.answered("127.0.0.1")
        return await name.addresses()

    assert asyncio.run(look_up()) == ["127.0.0.1", "::1", "127.0.0.2"]


def test_a_host_that_is_not_found_is_looked_up_again(clock):
    async def look_up():
        resolver = Resolver()
        name = Name(resolver, "host", 80)
        for _ in range(2):
            with pytest.raises(OSError):  # noqa: PT011 - whatever the system says
                await name.addresses()
        return resolver.asked

    assert asyncio.run(look_up()) == 2


def test_who_gives_up_waiting_does_not_end_the_look_up_of_the_others(clock):
    async def look_up():
        name = Name(Resolver("127.0.0.1"), "host", 80)
        first, second = (asyncio.create_task(name.addresses()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(look_up()) == ["127.0.0.1"]
