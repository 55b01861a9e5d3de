"""What the target and the machine tell at the two ends of a stage's window, and around the stage."""

import asyncio

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.recording.window import Window
from loadlab.system import contention
from loadlab.targets.target_metrics import REQUESTS, Reading, read

_COUNTED_NS = NS_PER_S // 2
"""How long a target may take to count a request whose last byte the client has."""


class WindowReadings:
    """What the target and the machine tell at the two ends of the measured window, and around the stage."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._before: Reading | None = None
        self._first: Reading | None = None
        self._last: Reading | None = None
        self._accounts: list[contention.Account] = []
        self._following: list[asyncio.Task[None]] = []

    async def before(self) -> None:
        """Read while the stage has not begun: the first edge, unless a warm-up moves it."""
        self._before = self._first = await read(self._url)

    def follow(self, window: Window) -> None:
        """Read at the window's start, if there is a warm-up, and at its end, if it is known."""
        self._following.append(asyncio.create_task(self._account(window)))
        if self._url is None:
            return
        if window.start_ns > MONOTONIC.now_ns() + NS_PER_S // 10:
            self._following.append(asyncio.create_task(self._read_first(window.start_ns)))
        if window.end_ns is not None:
            self._following.append(asyncio.create_task(self._read_last(window.end_ns)))

    async def after(self) -> tuple[Reading | None, Reading | None]:
        """Return both readings; one whose moment has not come, as in a stage cut short, is taken now."""
        for task in self._following:
            task.cancel()
        if len(self._accounts) == 1:
            self._accounts.append(contention.account())
        return self._first, self._last or await read(self._url)

    async def around(self, sent: int) -> tuple[Reading | None, Reading | None]:
        """Return the readings before and after the stage, the latter once the target has counted so many."""
        after = await read(self._url)
        deadline_ns = MONOTONIC.now_ns() + _COUNTED_NS
        while (
            after is not None
            and self._before is not None
            and (after.get(REQUESTS) or 0) - (self._before.get(REQUESTS) or 0) < sent
            and MONOTONIC.now_ns() < deadline_ns
        ):
            await asyncio.sleep(0.02)
            after = await read(self._url)
        return self._before, after

    @property
    def taken(self) -> contention.Contention:
        """What the machine took from the client in the window."""
        return contention.held(*self._accounts) if len(self._accounts) == 2 else contention.Contention()

    async def _account(self, window: Window) -> None:
        await _until(window.start_ns)
        self._accounts.append(contention.account())
        if window.end_ns is not None:
            await _until(window.end_ns)
            self._accounts.append(contention.account())

    async def _read_first(self, at_ns: int) -> None:
        await _until(at_ns)
        self._first = await read(self._url) or self._first

    async def _read_last(self, at_ns: int) -> None:
        await _until(at_ns)
        self._last = await read(self._url)


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(0, at_ns - MONOTONIC.now_ns()) / NS_PER_S)
