"""A server that misbehaves at random, and counts each request that it has read, by what it did with it.

    unruly_server.py [--seed N] [--mutated]

It says where it listens as a line of JSON on standard output. Each line on its standard input asks for its
counts since the last one; it waits until no connection is open, so nothing that was sent is still under way.
It ends when its standard input does.
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import cast

from mutations import mutated

from loadlab.system.event_loop import new_event_loop

END = b"\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
GOOD = HEAD + b"Content-Length: 6\r\n\r\nHello!"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nHello!\r\n0\r\n\r\n"
ERROR = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nBusy!"
TRUNCATED = HEAD + b"Content-Length: 2000\r\n\r\nHello!"
LATE_S = 3.0
"""Longer than the client's time limit, so a late answer is a timeout and never an answer."""
SLOW_S = 0.02
RESETS = struct.pack("ii", 1, 0)

WHOLE = {"good": GOOD, "chunked": CHUNKED, "error": ERROR}
WAYS = {
    "good": 9000,
    "chunked": 500,
    "error": 200,
    "slow": 40,
    "closed": 80,
    "reset": 80,
    "truncated": 60,
    "garbage": 30,
    "late": 2,
}
"""What it does with a request, and how often in 10,000."""
MUTATED = {"mutated": 1}
CHUNK = 65_536
SETTLED_S = 10.0
TICK_S = 0.05
REMEMBERED_S = 120.0


class Account:
    """What was read and done since it was last asked for."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.open: set[asyncio.Transport] = set()
        self.connections = 0
        self._ticks: deque[tuple[float, int]] = deque(maxlen=round(REMEMBERED_S / TICK_S))
        self.requests = 0
        """Since it started."""

    async def tick(self) -> None:
        """Remember how many had been read at each moment."""
        while True:
            self._ticks.append((time.monotonic(), self.requests))
            await asyncio.sleep(TICK_S)

    def between(self, from_s: float, to_s: float) -> int:
        """Return how many requests were read between two moments, or some more."""
        before = [count for at_s, count in self._ticks if at_s <= from_s]
        after = [count for at_s, count in self._ticks if at_s >= to_s]
        return (after[0] if after else self.requests) - (before[-1] if before else 0)

    async def settled(self) -> bool:
        """Tell whether all connections are closed, soon."""
        deadline_s = time.monotonic() + SETTLED_S
        while self.open and time.monotonic() < deadline_s:
            await asyncio.sleep(0.01)
        return not self.open

    def take(self) -> tuple[dict[str, int], int]:
        """Return the counts and begin anew."""
        taken = dict(self.done), self.connections
        self.done.clear()
        self.connections = 0
        return taken


class Unruly(asyncio.Protocol):
    """One connection; the client waits for each answer before it asks again."""

    def __init__(self, account: Account, ways: Iterator[str], rng: random.Random) -> None:
        self._account = account
        self._ways = ways
        self._rng = rng
        self._rest = b""
        self._later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)
        self._account.open.add(self._transport)
        self._account.connections += 1

    def connection_lost(self, _: Exception | None) -> None:
        """Forget it."""
        self._account.open.discard(self._transport)
        if self._later is not None:
            self._later.cancel()

    def data_received(self, data: bytes) -> None:
        """Read a request, and do with it what comes next."""
        self._rest += data
        if not self._rest.endswith(END):
            return
        self._rest = b""
        way = next(self._ways)
        self._account.requests += 1
        self._account.done[way] += 1
        if whole := WHOLE.get(way):
            self._transport.write(whole)
        else:
            self._misbehave(way)

    def _misbehave(self, way: str) -> None:
        match way:
            case "slow":
                self._transport.write(GOOD[:30])
                self._do_later(SLOW_S * self._rng.random(), lambda: self._transport.write(GOOD[30:]))
            case "closed":
                self._transport.close()
            case "reset":
                connection = self._transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
                self._transport.abort()
            case "truncated":
                self._last(TRUNCATED[: self._rng.randrange(1, len(TRUNCATED) + 1)])
            case "garbage":
                self._last(b"\x00" + self._rng.randbytes(self._rng.randrange(1, 200)))
            case "late":
                self._do_later(LATE_S, lambda: self._last(GOOD))
            case "mutated":
                self._last(mutated(self._rng))

    def _last(self, data: bytes) -> None:
        self._transport.write(data)
        self._transport.close()

    def _do_later(self, after_s: float, action: Callable[[], None]) -> None:
        self._later = asyncio.get_running_loop().call_later(after_s, action)


def drawn(rng: random.Random, ways: dict[str, int]) -> Iterator[str]:
    """Give one way after another, for ever."""
    while True:
        yield from rng.choices(list(ways), list(ways.values()), k=CHUNK)


async def serve(seed: int, ways: dict[str, int]) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    account = Account()
    rng = random.Random(seed)
    todo = drawn(random.Random(seed), ways)
    server = await loop.create_server(lambda: Unruly(account, todo, rng), "127.0.0.1", 0, backlog=4096)
    lines: asyncio.Queue[str] = asyncio.Queue()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    say({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"})
    ticking = asyncio.create_task(account.tick())
    threading.Thread(target=listen, daemon=True, name="listens").start()
    while line := await lines.get():
        span = json.loads(line)
        settled = await account.settled()
        done, connections = account.take()
        around = account.between(*span) if span else 0
        say({"done": done, "connections": connections, "settled": settled, "around": around})
    ticking.cancel()
    server.close()


def say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutated", action="store_true", help="answer with mutated responses and close")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(given.seed, MUTATED if given.mutated else WAYS))


if __name__ == "__main__":
    main()
