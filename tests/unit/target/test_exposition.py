"""The workers' metrics, merged from the files that they keep."""

import contextlib
import socket
import struct
import threading
import time

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from loadlab_target.exposition import MOST_CONNECTIONS, MetricsServer, WorkerMetrics
from support.live import wait_until


def kept_by(folder, pid, value):
    """Keep a counter as a worker does."""
    kept = MmapedDict(str(folder / f"counter_{pid}.db"))
    kept.write_value(mmap_key("requests", "requests_total", [], [], "Requests."), value, 0.0)
    kept.close()


def told(folder):
    return {sample.name: sample.value for each in WorkerMetrics(folder).collect() for sample in each.samples}


def test_the_counters_of_all_workers_are_summed(tmp_path):
    kept_by(tmp_path, 1, 2.0)
    kept_by(tmp_path, 2, 5.0)
    assert told(tmp_path) == {"requests_total": 7.0}


def test_a_file_that_a_worker_is_just_making_is_empty_and_hides_no_other(tmp_path):
    """However long the worker waits for a core between making it and writing to it."""
    kept_by(tmp_path, 1, 2.0)
    (tmp_path / "counter_2.db").touch()
    assert told(tmp_path) == {"requests_total": 2.0}


def test_a_gauge_whose_worker_is_gone_by_the_time_it_is_read_hides_no_other(tmp_path):
    kept_by(tmp_path, 1, 2.0)
    (tmp_path / "gauge_livesum_2.db").symlink_to(tmp_path / "gone")
    assert told(tmp_path) == {"requests_total": 2.0}


@pytest.fixture
def port(monkeypatch):
    """The port of a metrics server that has little patience."""
    monkeypatch.setattr("loadlab_target.exposition.WITHIN_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = MetricsServer(bound, [], is_ready=lambda: True)
        server.start()
        yield bound.getsockname()[1]


def connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def is_healthy(port):
    try:
        with connected(port) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b"200 OK" in connection.recv(100)
    except ConnectionError:
        return False


@pytest.mark.real
@pytest.mark.parametrize("said", [b"", b"GET /healthz HTTP/1.0\r\nA: "], ids=["silent", "slow"])
def test_the_metrics_port_serves_so_many_connections_and_each_for_so_long(port, said):
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(connected(port)) for _ in range(MOST_CONNECTIONS)]
        for connection in taken:
            connection.sendall(said)
        threads = threading.active_count()
        for _ in range(2 * MOST_CONNECTIONS):
            refused = stack.enter_context(connected(port))
            assert refused.recv(1) == b"", "it is closed at once"
        assert threading.active_count() <= threads + MOST_CONNECTIONS
        began_s = time.monotonic()
        while said and time.monotonic() - began_s < 0.4:  # as slow attackers do
            for connection in taken:
                connection.sendall(b"b")
            time.sleep(0.1)
        assert [connection.recv(1 << 16) for connection in taken] == [b""] * MOST_CONNECTIONS
        assert time.monotonic() - began_s < 8
    wait_until(lambda: is_healthy(port))


@pytest.mark.real
def test_a_connection_that_breaks_leaves_nothing_in_the_log(port, capfd):
    for _ in range(5):
        with connected(port) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /metrics HTTP/1.0\r\n")
    wait_until(lambda: is_healthy(port))
    assert capfd.readouterr().err == ""
