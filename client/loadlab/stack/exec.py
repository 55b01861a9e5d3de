"""A process in a container, with its input and its two outputs over one connection to the engine.

Closing the connection, or losing it, ends the process's input: whoever reads its standard input there
knows that nobody is left here.
"""

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Callable
from typing import Protocol

from loadlab.remote.lines import Lines
from loadlab.system.files import MOST_BYTES

_HEADER = 8
_STDOUT, _STDERR = 1, 2
_CHUNK = 1 << 16
_LAST_WORDS = 4096


class Process(Protocol):
    """A process elsewhere that speaks in lines."""

    def send(self, line: bytes) -> None:
        """Write to its standard input; nothing happens where it is gone."""
        ...

    async def line(self) -> bytes | None:
        """Return the next line of its standard output, None once there is no more."""
        ...

    @property
    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        ...

    async def exit_code(self) -> int | None:
        """Return how it ended; None where that can't be known, or it has not."""
        ...

    def close(self) -> None:
        """End its input, and stop listening."""
        ...


class Demultiplexer:
    """Takes an engine's stream apart: frames of a header (which output, the length) and that many bytes.

    Raises ValueError for a frame that is larger than anything of ours.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that are now whole, in order: 1 is standard output, 2 standard error."""
        self._rest += data
        frames = []
        while len(self._rest) >= _HEADER:
            end = _HEADER + int.from_bytes(self._rest[4:_HEADER], "big")
            if end > MOST_BYTES:
                raise ValueError("a frame without an end")
            if len(self._rest) < end:
                break
            frames.append((self._rest[0], bytes(self._rest[_HEADER:end])))
            del self._rest[:end]
        return frames


class Attached:
    """A process that the engine executes, over the connection that it gave."""

    def __init__(self, connection: socket.socket, exit_code: Callable[[], int | None]) -> None:
        """Take the connection, and a way to ask the engine how the process ended."""
        self._connection = connection
        self._exit_code = exit_code
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._errors = bytearray()
        self._to_say: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # Threads, since the connection may be a TLS one, which an event loop can't read; and the process may
        # read nothing for a while.
        for work in (self._listen, self._speak):
            threading.Thread(target=work, daemon=True, name="attached").start()

    def send(self, line: bytes) -> None:
        """Write to its standard input as soon as it reads; nothing happens where it is gone."""
        self._to_say.put(line + b"\n")

    def _speak(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (line := self._to_say.get()) is not None:
                self._connection.sendall(line)

    async def line(self) -> bytes | None:
        """Return the next line of its standard output, None once there is no more."""
        return await self._heard.get()

    @property
    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._errors.decode(errors="replace").strip()

    async def exit_code(self) -> int | None:
        """Ask the engine how it ended; None where that can't be known, or it has not."""
        return await asyncio.to_thread(self._exit_code)

    def close(self) -> None:
        """End its input, and stop listening."""
        self._to_say.put(None)
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _listen(self) -> None:
        frames, lines = Demultiplexer(), Lines()
        with contextlib.suppress(OSError, ValueError):
            while data := self._connection.recv(_CHUNK):
                for stream, payload in frames.feed(data):
                    if stream == _STDOUT:
                        for line in lines.feed(payload):
                            self._tell(line)
                    elif stream == _STDERR:
                        self._errors += payload
                        del self._errors[:-_LAST_WORDS]
        self._tell(None)

    def _tell(self, line: bytes | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._heard.put_nowait, line)
