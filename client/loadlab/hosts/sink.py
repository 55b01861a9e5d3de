"""The lab's own sink as a target: for when the client's limit is the question, and not the server's.

gunicorn runs out of CPU before one client loop does; the sink takes a fifth of the client's CPU or less.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile

import msgspec

from loadlab.errors import TargetError
from loadlab.hosts import Target

_START_S = 10.0
_STOP_S = 5.0
_TAIL_LINES = 6


class _Announced(msgspec.Struct):
    """The line that the sink writes when it is ready."""

    url: str
    metrics_url: str
    pid: int


class SinkHost:
    """A `Host`: starts the sink's process and stops it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is

    async def start(self) -> Target:
        """Start the process and wait for the line that says where it is."""
        process = self._process = self._launch()
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_START_S):
                line = await asyncio.to_thread(process.stdout.readline)
        except TimeoutError:
            process.kill()
            raise TargetError(f"the sink was not ready within {_START_S:.0f} s") from None
        try:
            announced = msgspec.json.decode(line, type=_Announced)
        except msgspec.DecodeError:
            process.kill()
            await asyncio.to_thread(process.wait)
            raise TargetError(f"the sink did not start: {self._last_words()}") from None
        return Target(
            url=announced.url,
            metrics_url=announced.metrics_url,
            where=f"a sink of the lab's own on this machine (one asyncio process), {announced.url}",
        )

    async def lost(self) -> str | None:
        """Look whether the process is still there."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        return f"the sink ended with exit code {process.returncode}"

    async def stop(self, *, at_once: bool = False) -> None:  # noqa: ARG002 - it has nothing to wait for
        """Close its standard input, wait, and be firm with what does not go by itself."""
        process = self._process
        if process is None:
            return
        self._process = None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            await asyncio.to_thread(process.wait, _STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
        process.stdout.close()
        self._complaints.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "loadlab.hosts.sink_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            start_new_session=True,
        )

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-_TAIL_LINES:]) or "it said nothing"
