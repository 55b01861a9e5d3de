"""The lab's own sink as a target: for when the client's limit is the question, and not the server's.

gunicorn runs out of CPU before one client loop does; the sink needs about a third of an aiohttp client's CPU.
"""

import asyncio
import os
import subprocess
import tempfile

import msgspec

from loadlab.errors import TargetError
from loadlab.system.files import decode_json
from loadlab.targets import Target
from loadlab.targets.child_process import ANNOUNCED, Child, Pause, did_not_start

_START_S = 10.0
_STOP_S = 5.0
_TAIL_LINES = 6
_POLL_S = 0.01
_CHUNK = 4096


class SinkHost:
    """A `Host`: starts the sink's process and stops it."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is

    async def start(self) -> Target:
        """Start the process and wait for the line that says where it is."""
        child = self._child = self._launch()
        assert child.process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                line = await _line(child.process.stdout.fileno())
        except TimeoutError:
            await child.stop(0)
            raise TargetError(f"the sink was not ready within {_START_S:.0f} s") from None
        try:
            announced = decode_json(line, ANNOUNCED)
        except msgspec.DecodeError:
            await child.stop(0)
            raise did_not_start("sink", self._said(), _TAIL_LINES) from None
        return Target(
            url=announced.url,
            metrics_url=announced.metrics_url,
            where=f"a sink of the lab's own on this machine (one asyncio process), {announced.url}",
        )

    async def ended(self, *, silent: bool = True) -> str | None:  # noqa: ARG002 - as in Host
        """Look whether the process is still there."""
        return None if self._child is None else self._child.lost()

    async def lost(self) -> str | None:
        """Look whether the process is still there: it does nothing but answer."""
        return await self.ended()

    async def pause(self, length_ns: int) -> Pause:
        """Let the process stand still for about so long; return how long it was."""
        assert self._child is not None, "only what was started can be paused"
        return await self._child.pause(length_ns)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop the process."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop(0 if at_once else _STOP_S)
            self._complaints.close()

    def _launch(self) -> Child:
        return Child(
            "sink", "-m", "loadlab.targets.sink_process", stdout=subprocess.PIPE, stderr=self._complaints
        )

    def _said(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace")


async def _line(pipe: int) -> bytes:
    """Read up to the end of a line, or of what is written; no thread waits, for there may be none."""
    os.set_blocking(pipe, False)
    read = b""
    while True:
        try:
            piece = os.read(pipe, _CHUNK)
        except BlockingIOError:
            await asyncio.sleep(_POLL_S)
            continue
        read += piece
        if not piece or b"\n" in piece:
            return read
