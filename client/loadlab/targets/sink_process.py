"""The sink's own process: `python -m loadlab.targets.sink_process`.

It answers every request without a body with 200 at once, so that a client runs out of CPU before it does.
It says where it is as a line of JSON on standard output, tells its own CPU time under `/metrics` in the
target's words, and ends when its standard input does, which it does however its starter ends.
"""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from typing import cast

from loadlab.system.event_loop import new_event_loop

_END = b"\r\n\r\n"
_METRICS = b"GET /metrics "
_MOST_BYTES = 64 * 1024
_HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nHello!"


class Answers:
    """What all connections have in common: the account of what was answered."""

    def __init__(self) -> None:
        self.requests = 0

    def metrics(self) -> bytes:
        """Return the whole response to a scrape; scrapes are not counted."""
        body = (
            "# TYPE target_requests counter\n"
            f"target_requests_total {self.requests}\n"
            "# TYPE target_cpu_seconds counter\n"
            f"target_cpu_seconds_total {time.process_time():.6f}\n"
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


class Answer(asyncio.Protocol):
    """One connection: as many answers as there are complete requests, in one write."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._rest = bytearray()
        """What has come of a head that is not whole: grown in place, so that reading it is linear."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete and keep the rest; a head that never ends costs its connection."""
        if self._rest:
            seen = len(self._rest)
            self._rest += data
            if self._rest.find(_END, max(0, seen - len(_END) + 1)) < 0:
                self._keep_waiting()
                return
            data = bytes(self._rest)
            self._rest.clear()
        complete = data.count(_END)
        if not data.endswith(_END):
            self._rest += data[data.rfind(_END) + len(_END) :] if complete else data
        if not complete:
            self._keep_waiting()
            return
        if data.startswith(_METRICS):
            self._transport.write(self._answers.metrics())
            return
        self._answers.requests += complete
        self._transport.write(_HELLO * complete)

    def _keep_waiting(self) -> None:
        if len(self._rest) > _MOST_BYTES:
            self._transport.abort()


async def serve() -> None:
    """Serve on a free loopback port until standard input ends or a signal asks."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    answers = Answers()
    server = await loop.create_server(lambda: Answer(answers), "127.0.0.1", 0, backlog=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sys.stdout.write(json.dumps({"url": url, "metrics_url": f"{url}/metrics", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=watch, daemon=True, name="stop-with-stdin").start()
    await over.wait()
    server.close()


def main() -> None:
    """Run to the end."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve())


if __name__ == "__main__":
    main()
