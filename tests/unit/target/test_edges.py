"""The target's small edges to the system: addresses, the kernel's accept queue, processes, the boot board."""

import json
import os
import socket
import sys

import pytest

from loadlab_target.addresses import Address, AddressError, bind, parse_address, url_of
from loadlab_target.lifecycle import BootBoard, announce, in_one_line, private_directory
from loadlab_target.listener import AcceptQueue, accept_overflows, accept_queue
from loadlab_target.meters import status_class
from loadlab_target.processes import cpu_seconds

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells this")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:80", Address("::1", 80)),
    ],
)
def test_an_address_is_read(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8000", ":8000", "a:", "a:b", "a:-1", "a:65536", "::1:80", "a:٨"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(AddressError, match="HOST:PORT"):
        parse_address(text)


def test_a_port_of_0_becomes_a_free_one_and_a_taken_one_is_said_at_once():
    with bind(Address("127.0.0.1", 0)) as bound:
        bound.listen()
        port = bound.getsockname()[1]
        assert url_of(bound) == f"http://127.0.0.1:{port}"
        with pytest.raises(AddressError, match=f"127.0.0.1:{port}: Address already in use"):
            bind(Address("127.0.0.1", port))


def test_a_url_is_one_that_this_machine_can_reach():
    with bind(Address("0.0.0.0", 0)) as bound:
        assert url_of(bound).startswith("http://127.0.0.1:")


@linux
def test_the_accept_queue_shows_connections_that_nobody_accepts():
    with bind(Address("127.0.0.1", 0)) as listening:
        listening.listen(7)
        assert accept_queue(listening) == AcceptQueue(depth=0, limit=7)
        with (
            socket.create_connection(listening.getsockname()),
            socket.create_connection(listening.getsockname()),
        ):
            assert accept_queue(listening) == AcceptQueue(depth=2, limit=7)


def test_a_closed_listener_has_no_accept_queue():
    listening = bind(Address("127.0.0.1", 0))
    listening.close()
    assert accept_queue(listening) is None


def test_overflows_are_found_by_name(tmp_path):
    netstat = tmp_path / "netstat"
    netstat.write_text("TcpExt: A ListenOverflows B\nTcpExt: 1 42 3\nIpExt: C\nIpExt: 9\n")
    assert accept_overflows(netstat) == 42
    netstat.write_text("TcpExt: A B\nTcpExt: 1 3\n")
    assert accept_overflows(netstat) is None
    assert accept_overflows(tmp_path / "none") is None


def test_cpu_time_of_workers_is_added_from_proc(tmp_path):
    (tmp_path / "7").mkdir()
    fields = " ".join(["S", *["0"] * 10, "200", "100", *["0"] * 20])
    (tmp_path / "7" / "stat").write_text(f"7 (a ) name) {fields}\n")
    ticks_hz = os.sysconf("SC_CLK_TCK")
    added_s = cpu_seconds([7], proc=tmp_path) - cpu_seconds([], proc=tmp_path)
    assert added_s == pytest.approx(300 / ticks_hz, abs=0.5)
    assert cpu_seconds([8], proc=tmp_path) is None


@pytest.mark.parametrize(
    ("status", "name"), [(200, "2xx"), (103, "1xx"), (599, "5xx"), (None, "none"), (0, "none"), (600, "none")]
)
def test_a_status_has_a_class(status, name):
    assert status_class(status) == name


def test_a_worker_leaves_word_on_the_board(tmp_path):
    board = BootBoard(tmp_path / "boot")
    assert not board.has_booted(os.getpid())
    board.booted()
    assert board.has_booted(os.getpid())
    board.forget(os.getpid())
    assert not board.has_booted(os.getpid())
    assert board.reason() is None
    board.failed(ValueError("bad\nday"))
    assert board.reason() == "ValueError: bad"


@pytest.mark.parametrize(
    ("error", "line"), [(KeyError(), "KeyError"), (ValueError("No way."), "ValueError: No way")]
)
def test_an_error_is_told_in_one_line(error, line):
    assert in_one_line(error) == line


def test_an_announcement_is_whole(tmp_path):
    file = tmp_path / "target.json"
    announce(file, url="http://a", metrics_url="http://b/metrics")
    assert json.loads(file.read_text()) == {
        "url": "http://a",
        "metrics_url": "http://b/metrics",
        "pid": os.getpid(),
    }
    assert list(tmp_path.iterdir()) == [file]


def test_a_private_directory_is_removed_by_its_maker_and_not_by_a_fork():
    context = private_directory()
    directory = context.__enter__()
    child = os.fork()
    if child == 0:
        context.__exit__(None, None, None)
        os._exit(0)
    os.waitpid(child, 0)
    assert directory.is_dir()
    context.__exit__(None, None, None)
    assert not directory.exists()
