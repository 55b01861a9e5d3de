"""How a run is ended before its time."""

import asyncio
from collections.abc import AsyncIterator

_POLL_S = 0.05


class Control:
    """How a run is ended before its time; shared by all its stages."""

    def __init__(self) -> None:
        self.halted = False
        """Send no more, wait for what is in flight."""
        self.quitted = False
        """Do not wait either."""
        self.stopped = False
        """Whether a person, or the system, asked for it."""

    def stop(self) -> None:
        """Halt; when asked again, quit."""
        self.quitted = self.stopped
        self.halted = self.stopped = True

    def halt(self) -> None:
        """Halt because there is nothing left to load."""
        self.halted = True

    def give_up(self) -> None:
        """Quit because what is in flight is not answered any more."""
        self.halted = self.quitted = True

    async def stops(self) -> AsyncIterator[None]:
        """Give each request to stop as it comes, to be passed on; never ends."""
        told = 0
        while True:
            while told < self.halted + self.quitted:
                told += 1
                yield
            await asyncio.sleep(_POLL_S)
