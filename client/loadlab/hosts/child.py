"""A process that a host starts, and that never outlives it.

It watches its standard input, whose other end is held here: however this process ends, SIGKILL included,
the child ends too. It leads a process group of its own, so a terminal's Ctrl-C is none of its business.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import IO

import msgspec

from loadlab.hosts.pause import Pause, pause


class Announced(msgspec.Struct):
    """What a target of ours writes when it is ready."""

    url: str
    metrics_url: str


class Child:
    """A module of ours that runs as a process; `name` is what sentences call it."""

    def __init__(
        self,
        name: str,
        *command: str,
        stdout: IO[bytes] | int,
        stderr: IO[bytes],
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m` with these words; without `env` in this process's environment."""
        self._name = name
        self.process = subprocess.Popen(  # noqa: S603 - our own modules with the options that the user gave
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            env=env,
        )

    def exit_code(self) -> int | None:
        """Return how it ended; None while it is there."""
        return self.process.poll()

    def lost(self) -> str | None:
        """Say that it has ended; None while it is there."""
        code = self.exit_code()
        return None if code is None else f"the {self._name} ended with exit code {code}"

    async def pause(self, length_ns: int) -> Pause:
        """Let it and every process that it started stand still for about so long; return how long it was."""
        return await pause(self.process.pid, length_ns)

    async def stop(self, patience_s: float) -> None:
        """Close its standard input, wait, and be firm with what does not go by itself; twice is fine."""
        process = self.process
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.to_thread(process.wait, patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)
        if process.stdout is not None:
            process.stdout.close()


def last_words(said: str, lines: int) -> str:
    """Return the last so many lines of what a child wrote, for the sentence that says it did not start."""
    return "\n".join(said.strip().splitlines()[-lines:]) or "it said nothing"
