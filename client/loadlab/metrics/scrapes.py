"""When the last scrape was, and who waits for the next."""

import asyncio

from loadlab.clock import NS_PER_S, Clock

_LATELY_NS = 15 * NS_PER_S
"""Fifteen scrapes of the stack's Prometheus."""


class Scrapes:
    """The barrier between a run and its scraper. All calls come from one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_ns: int | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def note(self) -> None:
        """Note that a scrape began and got what there is at this moment."""
        self._last_ns = self._clock.now_ns()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    @property
    def lately(self) -> bool:
        """Whether there was one in the last 15 seconds."""
        return self._last_ns is not None and self._clock.now_ns() - self._last_ns <= _LATELY_NS

    async def next(self, within_s: float) -> bool:
        """Wait for one that begins after this call; return False when none came in time."""
        came = asyncio.get_running_loop().create_future()
        self._waiting.add(came)
        try:
            async with asyncio.timeout(within_s):
                await came
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(came)
        return True
