"""`loadlab carry`: one run for a host that follows it from outside of this container; see loadlab.errand."""

import asyncio
import contextlib
import os
import queue
import sys
import threading
import time

import click
import msgspec

from loadlab import environment
from loadlab.cli.words import over_the_limit, traits_of
from loadlab.environment import Room
from loadlab.errand import STOP, Aboard, Errand, Line, Refused, encode, errand
from loadlab.errors import EarlyStopError, LabError, UsageError
from loadlab.fleet.supervisor import Control
from loadlab.hosts.attached import Lines
from loadlab.place import carry_at, inside_stack

_CHUNK = 1 << 16
_LEAVE_S = 2.0
"""After the end of the input."""


@click.command(hidden=True)
def carry() -> int:
    """Carry one run that is read from standard input, and tell its events on standard output.

    Writes nothing to disk. Each line `stop` is a Ctrl-C; the end of the input gives up at once.
    """
    mouth = Mouth()
    try:
        asyncio.run(_carry(mouth))
    except LabError as error:
        mouth.say(Refused(str(error), error.exit))
        mouth.close()
        return error.exit
    mouth.close()
    return 0


class Mouth:
    """Standard output, kept for the events alone: whatever else is printed goes to standard error.

    A thread writes, so that a host which does not listen for a while holds up no load.
    """

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(1), "wb")
        sys.stdout.flush()
        os.dup2(2, 1)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True, name="mouth")
        self._writer.start()

    def say(self, line: Line) -> None:
        """Say it as soon as somebody listens."""
        self._lines.put(encode(line) + b"\n")

    def close(self) -> None:
        """Return when everything has been said, or nobody is left to hear it."""
        self._lines.put(None)
        self._writer.join()

    def _write(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                self._file.write(line)
                self._file.flush()
        except OSError:  # nobody listens any more
            return


class Ears:
    """Standard input by the line; unbuffered: a thread that waits in a buffer can't be left behind."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._heard: list[bytes] = []

    def next_line(self) -> bytes | None:
        """Wait for the next line; None at the end of the input."""
        while not self._heard:
            data = os.read(0, _CHUNK)
            if not data:
                return None
            self._heard = self._lines.feed(data)
        return self._heard.pop(0)


async def _carry(mouth: Mouth) -> None:
    host = inside_stack()
    ears = Ears()
    asked = _read(await asyncio.to_thread(ears.next_line))
    plan = asked.plan
    if problems := over_the_limit(plan, traits_of(plan.scenario), Room.here()):
        raise UsageError("\n".join(problems))
    control = Control()
    loop = asyncio.get_running_loop()
    carrying = asyncio.ensure_future(carry_at(host, plan, asked.run_id, control, mouth.say))
    mouth.say(Aboard(environment.read("")))

    def listen() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run is over
            while (line := ears.next_line()) is not None:
                if line.strip() == STOP:
                    loop.call_soon_threadsafe(control.stop)
            for _ in range(2):
                loop.call_soon_threadsafe(control.stop)
        # Nobody is left to hear the rest, and the output may be full for good. Workers end with this process.
        time.sleep(_LEAVE_S)
        os._exit(0)

    threading.Thread(target=listen, daemon=True, name="ears").start()
    await carrying


def _read(line: bytes | None) -> Errand:
    if line is None:
        raise EarlyStopError("the host left before it said what to carry")
    try:
        return errand(line)
    except msgspec.DecodeError as error:
        raise UsageError(
            f"loadlab carry: this is not an errand of this version ({error}); `loadlab run` is the command"
        ) from None
