"""A process that a host starts, and that never outlives it.

It watches its standard input, whose other end is held here: however this process ends, SIGKILL included,
the child ends too. It leads a process group of its own, so a terminal's Ctrl-C is none of its business.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import IO, NamedTuple

import msgspec

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.errors import ClientError, LabError, TargetError
from loadlab.system.limits import limit_of
from loadlab.system.resources import resource_named, shortage

_POLL_S = 0.01
_KILLED_S = 5.0
"""How long the kernel may take to end a process that was killed."""


class Announced(msgspec.Struct):
    """What a target of ours writes when it is ready."""

    url: str
    metrics_url: str


ANNOUNCED: msgspec.json.Decoder[Announced] = msgspec.json.Decoder(Announced)


class Pause(NamedTuple):
    """When a child was made to stand still, by this process's clock."""

    from_ns: int
    to_ns: int

    @property
    def length_ns(self) -> int:
        """How long."""
        return self.to_ns - self.from_ns


class Child:
    """A Python program that runs as a process; `name` is what sentences call it."""

    def __init__(
        self,
        name: str,
        *command: str,
        stdout: IO[bytes] | int,
        stderr: IO[bytes],
        env: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        """Start a Python with these words; without `env` in this process's environment."""
        self._name = name
        self.process = subprocess.Popen(  # noqa: S603 - our own modules with the options that the user gave
            [python, *command],
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
        """Let it and every process that it started stand still for about so long; return how long it was.

        However this ends, they go on, unless this process is killed outright.
        """
        try:
            from_ns = _signalled(self.process.pid, signal.SIGSTOP)
            await asyncio.sleep(length_ns / NS_PER_S)
        finally:
            to_ns = _signalled(self.process.pid, signal.SIGCONT)
        return Pause(from_ns, to_ns)

    async def stop(self, patience_s: float) -> None:
        """Close its standard input, wait, and be firm with what does not go by itself; twice is fine."""
        process = self.process
        assert process.stdin is not None
        process.stdin.close()
        try:
            await self._ended(patience_s)
        finally:  # a caller that does not wait any longer leaves nothing behind either
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        await self._ended(_KILLED_S)
        if process.stdout is not None:
            process.stdout.close()

    async def _ended(self, within_s: float) -> None:
        """Return when the process has ended, or after so long; no thread waits, for there may be none."""
        deadline = time.monotonic() + within_s
        while self.process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)


def did_not_start(name: str, said: str, lines: int) -> LabError:
    """Return the error of a child that ended before it was ready, from what it wrote."""
    if resource := resource_named(said):
        return ClientError(f"the {name} did not start: {shortage(resource, limit_of(resource))}")
    *before, sentence = last_words(said, lines).splitlines()
    sentence = sentence.removeprefix("Error: ")
    return TargetError("\n".join((f"the {name} did not start: {sentence}", *before)))


def last_words(said: str, lines: int) -> str:
    """Return the last so many lines of what a child wrote, for the sentence that says it did not start."""
    return "\n".join(said.strip().splitlines()[-lines:]) or "it said nothing"


def _signalled(group: int, number: signal.Signals) -> int:
    """Signal a process group; return when, halfway between before and after. It may be gone."""
    before_ns = MONOTONIC.now_ns()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
    return (before_ns + MONOTONIC.now_ns()) // 2
