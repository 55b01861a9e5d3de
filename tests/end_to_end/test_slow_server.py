"""A server that is the bottleneck is never blamed on the client."""

import asyncio
import contextlib
import os
import socket
import threading
import time

import pytest

from loadlab.analysis.checks.client_limits import LAG_NS
from loadlab.clock import NS_PER_S
from loadlab.results.events import Tick
from loadlab.results.result import CheckOutcome, State, Verdict
from loadlab.targets import Target
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Request, Stage, WhenFull
from loadlab.workload.traits import Workload
from support.live import MS, OWN_DOING, PATIENCE_S, failed, plan_for, run_plan, until, users_of
from support.witness import Witness

pytestmark = [pytest.mark.real, pytest.mark.timed]


class Crowded:
    """A host whose accept queue is always full: it takes one connection at a time, and slowly."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    async def start(self):
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(1)
        self._listener.settimeout(0.2)
        self._thread.start()
        url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        return Target(url=url, where="a full accept queue")

    async def ended(self, *, silent=True):
        return None

    async def lost(self):
        return None

    async def stop(self, *, at_once=False):
        self._over.set()
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(0.2)
                    connection.recv(4096)
                    time.sleep(0.03)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


APPS = """
import time

def raising(environ, start_response):
    raise RuntimeError("as the test has it")

def dripping(environ, start_response):
    start_response("200 OK", [("Content-Length", "50")])
    for _ in range(5):
        time.sleep(0.005)
        yield b"0123456789"
"""


SHORT = {"duration_ns": 1_500 * MS, "warmup_ns": 300 * MS}


def path(text):
    return {"requests": (Request(url=f"http://127.0.0.1{text}"),)}


LONG = {"duration_ns": 7_000 * MS}
"""Long enough for p99 of the lag at a rate at which arrivals seldom meet: where they do, one waits until the
client, on a slow machine, has sent the other, and is truly late."""


def open_of(rate_hz, **changed):
    limits = {"max_in_flight": 500, "when_full": WhenFull.DROP}
    given = {"spacing": Spacing.POISSON, **limits, **SHORT, **changed}
    return plan_for("task", workload=Workload.OPEN, stages=(Stage(rate_hz=rate_hz),), **given)


SERVER_LIMITED = {
    "a slow handler": (users_of("task", 64, **SHORT), {"delay": "150ms"}),
    "few threads": (users_of("task", 32, **SHORT), {"delay": "5ms", "threads": "2"}),
    "a full accept queue": (users_of("task", 16, **SHORT, timeout_ns=2 * NS_PER_S), {"host": Crowded}),
    "a handler that computes": (users_of("task", 16, **SHORT, **path("/cpu?work=2ms")), {}),
    "exponential service": (open_of(100, **LONG), {"delay": "exp:60ms", "threads": "8"}),
    "errors": (open_of(100, **LONG, **path("/error?status=503"), spacing=Spacing.CONSTANT), {}),
    "a slow body": (users_of("task", 16, **SHORT), {"app": "served_apps:dripping", "threads": "8"}),
    "an app that raises": (users_of("task", 4, **SHORT), {"app": "served_apps:raising"}),
    "one thread, many users": (users_of("task", 64, **SHORT), {"delay": "2ms", "threads": "1"}),
    "the development server": (users_of("task", 16, **SHORT), {"server": "flask", "delay": "50ms"}),
    "more arrivals than it can take": (open_of(350), {"delay": "50ms", "threads": "4"}),
}


TRIES = 5
LATE = 0.01
"""Of the requests: `lag` is of their p99."""


@pytest.mark.parametrize("name", SERVER_LIMITED)
def test_a_slow_server_is_never_blamed_on_the_client(tmp_path, name, monkeypatch):
    plan, options = SERVER_LIMITED[name]
    (tmp_path / "served_apps.py").write_text(APPS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    given = {name: value for name, value in options.items() if name != "host"}
    machine = Witness()

    async def watch(events, _target):
        await until(lambda: any(isinstance(event, Tick) for event in events))
        with machine.watching(LAG_NS / NS_PER_S):
            await asyncio.sleep(PATIENCE_S)

    for _ in range(TRIES):
        host = options["host"]() if "host" in options else None
        result = run_plan(plan, tmp_path, host=host, meanwhile=watch, **given).result
        # That its answers are errors is the target's own: one of the cases has nothing else.
        of_target = ("answered", "errors")
        blamed = {name: check.message for name, check in failed(result).items() if name not in of_target}
        # A check that could not be made would blame no one either; the crowded server answers too few.
        (lag,) = (check for check in result.checks if check.name == "lag")
        as_meant = (lag.outcome is CheckOutcome.UNTESTABLE) == (name == "a full accept queue")
        fair = result.verdict is not Verdict.INVALID and result.stages[0].state is not State.INVALID
        if (as_meant and fair) or OWN_DOING & set(blamed) or machine.late_ratio < LATE / 2:
            break  # else the machine itself was late, which the client's check rightly says
    assert as_meant, lag
    assert fair, (machine.late_ratio, blamed)
