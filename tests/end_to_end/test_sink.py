"""The sink answers at once, tells its own CPU time, and never outlives its starter."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from loadlab.targets.sink import SinkHost
from loadlab.targets.target_metrics import read

pytestmark = [pytest.mark.quick, pytest.mark.real]

GET = b"GET / HTTP/1.1\r\nHost: sink\r\n\r\n"
WAIT_S = 60


def with_sink(use):
    async def main():
        host = SinkHost()
        try:
            return await use(host, await host.start())
        finally:
            await host.stop()

    return asyncio.run(main())


def talk(target, *pieces, replies):
    """Send pieces over one connection and return what comes back, until it holds so many replies."""
    parts = urlsplit(target.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=WAIT_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.01)
        got = b""
        while got.count(b"Hello!") < replies and (data := connection.recv(65536)):
            got += data
        return got


def gone(pid):
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((GET, GET, GET), id="one after another"),
        pytest.param((GET * 3,), id="at once"),
        pytest.param((GET * 2 + GET[:-3], GET[-3:]), id="in pieces"),
        pytest.param((GET[:5], GET[5:] + GET[:-1], GET[-1:] + GET), id="in odd pieces"),
    ],
)
def test_every_complete_request_is_answered(pieces):
    async def use(_, target):
        return await asyncio.to_thread(lambda: talk(target, *pieces, replies=3))

    got = with_sink(use)
    assert got.count(b"HTTP/1.1 200 OK\r\n") == got.count(b"Content-Length: 6\r\n\r\nHello!") == 3


def test_it_counts_its_requests_and_its_cpu_time_and_no_scrape():
    async def use(_, target):
        before = await read(target.metrics_url)
        await asyncio.to_thread(lambda: talk(target, GET * 500, replies=500))
        return before, await read(target.metrics_url)

    before, after = with_sink(use)
    assert before.get("target_requests_total") == 0
    assert after.get("target_requests_total") == 500
    assert after.get("target_cpu_seconds_total") > before.get("target_cpu_seconds_total") > 0


def test_a_head_without_an_end_costs_its_connection():
    async def use(_, target):
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(lambda: talk(target, *[b"x" * 40_000] * 9, replies=1))
        return await asyncio.to_thread(lambda: talk(target, GET, replies=1))

    assert b"Hello!" in with_sink(use)


def test_it_is_lost_when_it_dies_and_stopping_it_then_is_no_error():
    async def use(host, _):
        assert await host.lost() is None
        host._child.process.kill()
        host._child.process.wait()
        return await host.lost()

    assert "the sink ended with exit code -9" in with_sink(use)


def test_stopping_it_ends_its_process():
    async def use(host, _):
        return host._child.process.pid

    assert gone(with_sink(use))


def test_it_ends_when_its_starter_is_killed():
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        pid = int(starter.stdout.readline())
        os.kill(pid, 0)
        starter.send_signal(signal.SIGKILL)
        assert gone(pid)
    finally:
        starter.kill()
        starter.wait()


STARTER = """
import asyncio
from loadlab.targets.sink import SinkHost

async def main():
    host = SinkHost()
    await host.start()
    print(host._child.process.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
