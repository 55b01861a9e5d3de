"""A host's addresses, looked up once for many connections.

A look-up takes one of a few threads, which is a queue that no measurement would see, and it would come
with each connection of a target that keeps none.
"""

import asyncio
import socket

from loadlab.clock import MONOTONIC, NS_PER_S

FRESH_NS = 10 * NS_PER_S


class Name:
    """A host and what it stands for at the moment. An address stands for itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int) -> None:
        self._loop = loop
        self._host = host
        self._port = port
        self._addresses: list[str] = []
        self._found_ns = 0
        self._search: asyncio.Task[None] | None = None

    async def addresses(self) -> list[str]:
        """Return what to try, in this order; raise OSError or UnicodeError where there is no such host."""
        if not self._addresses or MONOTONIC.now_ns() - self._found_ns >= FRESH_NS:
            if self._search is None:
                self._search = self._loop.create_task(self._look_up())
                self._search.add_done_callback(_seen)
            await asyncio.shield(self._search)  # others wait for it, too
        return self._addresses

    def answered(self, address: str) -> None:
        """Have the one that answered tried first from now on."""
        if self._addresses and self._addresses[0] != address:
            self._addresses = [address, *(other for other in self._addresses if other != address)]

    def close(self) -> None:
        """Look up no more."""
        if self._search is not None:
            self._search.cancel()

    async def _look_up(self) -> None:
        try:
            found = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            self._found_ns = MONOTONIC.now_ns()
        finally:
            self._search = None


def _seen(search: asyncio.Task[None]) -> None:
    """Look at how it ended, should nobody wait for it any more."""
    if not search.cancelled():
        search.exception()
