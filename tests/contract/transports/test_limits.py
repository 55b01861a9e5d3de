"""Time limits, and connections that are never made."""

import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import PATIENCE_S
from loadlab.recording.sample import Outcome, Reply
from loadlab.system.resources import Resource
from loadlab.workload.plan import Request

FILES = Path("/proc/self/fd")
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LIMIT_S = 0.3
LATE_S = 0.05
TRIES = 20
ROOMY_S = 1.5
"""A limit that what is in time keeps on a busy machine, too."""


def times_out_at_the_limit(caller, request: Request) -> None:
    """Send until a reply is in time, which on a busy machine may take more than one try."""
    took_s = []
    for _ in range(TRIES):
        begun = time.monotonic()
        reply = caller.send(request)
        took_s.append(time.monotonic() - begun)
        assert reply.outcome is Outcome.TIMEOUT
        assert took_s[-1] > LIMIT_S - 0.002, "never early"
        if took_s[-1] < LIMIT_S + LATE_S:
            return
    pytest.fail(f"always late: {took_s}")


def silence(peer):
    pass


def drip(data):
    def script(peer):
        for at in range(len(data)):
            peer.say(data[at : at + 1])
            peer.pause(LIMIT_S / 10)

    return script


UNFINISHED = {
    "no answer at all": silence,
    "a dripping head": drip(b"HTTP/1.1 200 OK\r\n" + b"X-Drip: 1\r\n" * 10),
    "dripping interim responses": drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "a dripping body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 99),
    "dripping chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50),
    "a dripping body without length": drip(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 99),
}


@pytest.mark.parametrize("case", UNFINISHED)
def test_the_total_limit_holds_against(caller, serve, case):
    def script(peer):
        match peer.read():
            case None:
                return  # so late that its limit was over before it was sent
            case received if received.target == "/late":
                UNFINISHED[case](peer)
            case _:
                peer.say(FINE)
        peer.wait_for_end()

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=LIMIT_S))

    times_out_at_the_limit(caller, Request(url=server.url + "late"))

    assert server.ended.acquire(timeout=PATIENCE_S), "a connection with a late answer is closed"
    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, 200, 2)
    used = [each.connection for each in server.received]
    assert len(set(used)) == len(used) >= 2


def test_the_total_limit_holds_while_a_request_is_written(caller, serve):
    def script(peer):
        peer.pause(PATIENCE_S)  # and read nothing

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=LIMIT_S))

    times_out_at_the_limit(caller, Request(method="POST", url=server.url, body=bytes(20_000_000)))


def test_each_request_has_the_whole_limit(caller, serve):
    def script(peer):
        while peer.read():
            peer.pause(ROOMY_S * 0.5)
            peer.say(FINE)

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=ROOMY_S))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert replies == [Reply(Outcome.OK, 200, 2)] * 3


def test_a_late_request_does_not_hurt_its_neighbours(caller, serve):
    def script(peer):
        received = peer.read()
        if received.target == "/never":
            peer.wait_for_end()
        peer.pause(LIMIT_S / 2)
        peer.say(FINE)

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=ROOMY_S))
    targets = ["never", "soon", "never", "soon", "soon"]

    replies = caller.send_together([Request(url=server.url + target) for target in targets])

    assert [reply.outcome for reply in replies] == [
        Outcome.TIMEOUT if target == "never" else Outcome.OK for target in targets
    ]


@pytest.fixture
def full_backlog() -> Iterator[str]:
    """A listener that accepts no connection and has no room: the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_the_limit_for_connecting_is_its_own(caller, full_backlog):
    caller.open(plan_for(full_backlog, timeout_s=5, connect_timeout_s=LIMIT_S))

    times_out_at_the_limit(caller, Request(url=full_backlog))
    assert caller.stats.connections_opened == 0


def test_the_total_limit_holds_while_connecting(caller, full_backlog):
    caller.open(plan_for(full_backlog, timeout_s=LIMIT_S, connect_timeout_s=5))

    times_out_at_the_limit(caller, Request(url=full_backlog))


def test_the_limit_for_connecting_ends_with_the_connection(caller, serve):
    def script(peer):
        peer.read()
        peer.pause(ROOMY_S * 1.5)
        peer.say(FINE)

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=PATIENCE_S, connect_timeout_s=ROOMY_S))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, 200, 2)


def test_a_silent_tls_handshake_runs_into_the_limit_for_connecting(caller, serve):
    server = serve(lambda peer: peer.wait_for_end())
    url = server.url.replace("http:", "https:")
    caller.open(plan_for(url, connect_timeout_s=LIMIT_S))

    times_out_at_the_limit(caller, Request(url=url))
    assert server.ended.acquire(timeout=PATIENCE_S)


def test_a_refused_connection_is_a_connect_error(caller):
    with socket.socket() as taken:  # bound, but it does not listen
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        caller.open(plan_for(url))

        assert caller.send(Request(url=url)).outcome is Outcome.CONNECT_ERROR
    assert caller.stats.connections_opened == 0
    assert caller.stats.short_of == {}


def test_a_name_that_is_not_found_is_a_connect_error(caller, monkeypatch):
    monkeypatch.setenv("RES_OPTIONS", "timeout:1 attempts:1")  # without a network, give up soon
    url = "http://no-such-host.invalid/"
    caller.open(plan_for(url, timeout_s=15, connect_timeout_s=15))

    assert caller.send(Request(url=url)).outcome is Outcome.CONNECT_ERROR


def test_many_refused_connections_leave_nothing_behind(caller):
    before = threading.active_count()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        caller.open(plan_for(url))
        replies = caller.send_together([Request(url=url)] * 50)

    assert {reply.outcome for reply in replies} == {Outcome.CONNECT_ERROR}
    assert threading.active_count() <= before + 1


@contextlib.contextmanager
def no_files_left():
    """Open files until the system allows no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(each.name) for each in FILES.iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 20, hard))
    held = []
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            os.close(each)


@pytest.mark.skipif(not FILES.is_dir(), reason="open files can't be listed here")
def test_a_connection_that_fails_for_want_of_a_file_is_counted_apart(caller, serve):
    """No server is at fault there: what ran out is the client's own."""
    server = serve(lambda peer: peer.say(FINE))
    caller.open(plan_for(server.url))
    with no_files_left():
        reply = caller.send(Request(url=server.url))
    assert reply.outcome is Outcome.CONNECT_ERROR
    assert caller.stats.short_of == {Resource.FILES: 1}
    assert caller.stats.limits[Resource.FILES] is not None
