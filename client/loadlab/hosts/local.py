"""The target as a process of this machine: a gunicorn of its own for each run, on a free loopback port.

Its output goes to a file. It watches its standard input, whose other end is held here: however this
process ends, SIGKILL included, the target ends too.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from loadlab.errors import Exit, TargetError, UsageError
from loadlab.hosts import Target, serving

_START_S = 20.0
_STOP_S = 10.0
_POLL_S = 0.02
_TAIL_LINES = 12


class _Announced(msgspec.Struct):
    """What the target writes when it is ready."""

    url: str
    metrics_url: str
    pid: int


class LocalHost:
    """Starts `python -m loadlab_target` and stops it."""

    def __init__(self, log: Path, options: dict[str, str]) -> None:
        """Take the file for the target's output and the target's own options, by name."""
        self._log = log
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="loadlab-")
        """Its temporary files, removed with it however it ends."""

    async def start(self) -> Target:
        """Start the target and wait until it says that it is ready."""
        announce = Path(self._scratch.name, "target.json")
        self._process = await asyncio.to_thread(self._launch, announce)
        announced = await self._announced(announce)
        options = self._options
        served = serving(options.get("--server"), options.get("--workers"), options.get("--threads"))
        return Target(
            url=announced.url,
            metrics_url=announced.metrics_url,
            where=f"a target of its own on this machine ({served}), {announced.url}",
        )

    async def lost(self) -> str | None:
        """Look whether the process is still there."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        return f"the target ended with exit code {process.returncode}; its output is in {self._log}"

    async def stop(self, *, at_once: bool = False) -> None:
        """Close its standard input, wait, and be firm with what does not go by itself."""
        process = self._process
        if process is None:
            return
        self._process = None
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.to_thread(process.wait, 0 if at_once else _STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
        self._scratch.cleanup()

    def _launch(self, announce: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "loadlab_target", "--stop-with-stdin", "--announce", str(announce)]
        command += ["--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"]
        for name, value in self._options.items():
            command += [name, value]
        with self._log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own module with the options that the user gave
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"TMPDIR": self._scratch.name},
            )

    async def _announced(self, announce: Path) -> _Announced:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while loop.time() < deadline:
            if announced := _read(announce):
                return announced
            if self._process is None or self._process.poll() is not None:
                code = self._process and self._process.returncode
                await self.stop()
                if code == Exit.USAGE:
                    raise UsageError(self._last_words().rpartition("Error: ")[2])
                raise TargetError(f"the target did not start: {self._last_words()}")
            await asyncio.sleep(_POLL_S)
        await self.stop()
        raise TargetError(f"the target was not ready within {_START_S:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-_TAIL_LINES:]) or "it said nothing"


def _read(announce: Path) -> _Announced | None:
    try:
        return msgspec.json.decode(announce.read_bytes(), type=_Announced)
    except FileNotFoundError:
        return None
