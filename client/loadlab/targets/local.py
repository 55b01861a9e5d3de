"""The target as a process of this machine: a gunicorn of its own for each run, on a free loopback port.

Its output goes to a file.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

import msgspec

import loadlab
from loadlab.clock import NS_PER_S
from loadlab.errors import Exit, TargetError, UsageError
from loadlab.system.files import read_json, read_tail
from loadlab.targets import Target, describe_server
from loadlab.targets.addresses import find, unreachable
from loadlab.targets.app import app_here
from loadlab.targets.app_environment import AppEnvironment, look_into, with_measures
from loadlab.targets.before_start import not_ready, run_before
from loadlab.targets.child_process import ANNOUNCED, Announced, Child, Pause, did_not_start, last_words
from loadlab.targets.gunicorn import gunicorn_of
from loadlab.units import show_ns
from loadlab.workload.url import read_url

VARIABLES = frozenset(
    {
        "WORKERS",
        "THREADS",
        "TARGET_APP",
        "TARGET_BIND",
        "TARGET_DELAY",
        "TARGET_KEEP_ALIVE",
        "TARGET_METRICS_BIND",
        "TARGET_SEED",
        "TARGET_SERVER",
        "TARGET_SERVER_TIMING",
        "GUNICORN_CONFIG",
    }
)
"""What a target reads its options from where it is given none. Here the given ones alone decide, so that
`where` is true; everything else of the environment is the app's."""
_STOP_S = 10.0
_POLL_S = 0.02
_READY_POLL_S = 0.1
_TAIL_LINES = 12
_TAIL_BYTES = 64 << 10
_MOST_ANNOUNCED_BYTES = 64 << 10


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds the start of a target."""

    app_python: Path | None = None
    """The interpreter that serves the app; None for the lab's own."""
    before_each: str | None = None
    """A shell command that runs before each start."""
    ready_path: str | None = None
    """What has to answer with a status below 400 before the load begins."""
    ready_timeout_ns: int = 20 * NS_PER_S


class LocalHost:
    """Starts `python -m loadlab_target` and stops it."""

    def __init__(self, log: Path, options: dict[str, str], start: Start | None = None) -> None:
        """Take the file for the target's output and the target's own options, by name."""
        self._log = log
        self._options = options
        self._start = start or Start()
        self._child: Child | None = None
        self._url: str | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="loadlab-")
        """Its temporary files, removed with it however it ends."""

    async def start(self) -> Target:
        """Start the target and wait until it says that it is ready."""
        python = self._start.app_python
        own = None if python is None else await asyncio.to_thread(look_into, python)
        environment = self._environment(own)
        self._log.write_bytes(b"")
        if self._start.before_each is not None:
            await run_before(self._start.before_each, self._log, _environment())
        announce = Path(self._scratch.name, "target.json")
        self._child = self._launch(announce, environment)
        deadline_s = asyncio.get_running_loop().time() + self._start.ready_timeout_ns / NS_PER_S
        announced = await self._announced(self._child, announce, deadline_s)
        self._url = announced.url
        if self._start.ready_path is not None:
            await self._answers(self._child, self._url, self._start.ready_path, deadline_s)
        options = self._options
        gunicorn = await gunicorn_of(announced.metrics_url)
        served = gunicorn or describe_server(
            options.get("--server"), options.get("--workers"), options.get("--threads")
        )
        on = "" if own is None else f"; {own.described}"
        return Target(
            url=announced.url,
            metrics_url=announced.metrics_url,
            app=await asyncio.to_thread(
                app_here, gunicorn.app if gunicorn else options.get("--app"), _import_paths(own)
            ),
            gunicorn=gunicorn,
            where=f"a target of its own on this machine ({served}{on}), {announced.url}",
        )

    async def ended(self, *, silent: bool = True) -> str | None:  # noqa: ARG002 - as in Host
        """Look whether the process is still there."""
        lost = None if self._child is None else self._child.lost()
        return f"{lost}; its output is in {self._log}" if lost else None

    async def lost(self) -> str | None:
        """Look whether the process is still there, and try to connect."""
        if (lost := await self.ended()) is not None or self._url is None:
            return lost
        server = read_url(self._url)
        (address,) = await find(server.host, server.port)
        lost = await unreachable(self._url, address)
        # A process that dies closes its port some moments before it can be seen to have ended.
        return await self.ended() or f"{lost}; its output is in {self._log}" if lost else None

    async def pause(self, length_ns: int) -> Pause:
        """Let all of the target's processes stand still for about so long; return how long it was."""
        assert self._child is not None, "only what was started can be paused"
        return await self._child.pause(length_ns)

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop the process and remove its temporary files."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop(0 if at_once else _STOP_S)
        self._scratch.cleanup()

    def _environment(self, own: AppEnvironment | None) -> dict[str, str]:
        environment = _environment() | {"TMPDIR": self._scratch.name}
        if own is None:
            return environment
        measures = Path(self._scratch.name, "measures")
        measures.mkdir()
        return with_measures(environment, own, measures)

    def _launch(self, announce: Path, environment: dict[str, str]) -> Child:
        command = ["-m", "loadlab_target", "--stop-with-stdin", "--announce", str(announce)]
        command += ["--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0"]
        for name, value in self._options.items():
            command += [name, value]
        python = str(self._start.app_python or sys.executable)
        with self._log.open("ab") as log:
            return Child("target", *command, stdout=log, stderr=log, env=environment, python=python)

    async def _announced(self, child: Child, announce: Path, deadline_s: float) -> Announced:
        loop = asyncio.get_running_loop()
        while loop.time() < deadline_s:
            if announced := _read(announce):
                return announced
            if (code := child.exit_code()) is not None:
                await self.stop()
                if code == Exit.USAGE:
                    raise UsageError(self._last_words().rpartition("Error: ")[2])
                raise did_not_start("target", self._said(), _TAIL_LINES)
            await asyncio.sleep(_POLL_S)
        await self.stop()
        raise self._too_late(self._last_words())

    async def _answers(self, child: Child, url: str, path: str, deadline_s: float) -> None:
        """Wait until the target answers this path well."""
        came: str | None = "no answer"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline_s):
                while child.exit_code() is None and (came := await not_ready(url, path)) is not None:
                    await asyncio.sleep(_READY_POLL_S)
        if came is None:
            return
        lost = await self.ended()
        await self.stop()
        raise TargetError(lost) if lost else self._too_late(f"GET {path} (--ready-path): {came}")

    def _too_late(self, why: str) -> TargetError:
        within = show_ns(self._start.ready_timeout_ns)
        return TargetError(f"the target was not ready within {within} (--ready-timeout): {why}")

    def _last_words(self) -> str:
        return last_words(self._said(), _TAIL_LINES)

    def _said(self) -> str:
        return read_tail(self._log, _TAIL_BYTES).decode(errors="replace")


def _import_paths(own: AppEnvironment | None) -> list[str]:
    """Return where the target looks its app up: first in the working directory."""
    return [os.getcwd(), *(sys.path if own is None else own.path)]  # noqa: PTH109 - as Python has it


def _environment() -> dict[str, str]:
    ours = {loadlab.NUMPY_THREADS} if loadlab.sets_numpy_threads else set()
    return {name: value for name, value in os.environ.items() if name not in VARIABLES | ours}


def _read(announce: Path) -> Announced | None:
    try:
        return read_json(announce, ANNOUNCED, _MOST_ANNOUNCED_BYTES)
    except FileNotFoundError:
        return None
