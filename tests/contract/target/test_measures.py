"""What the target says of itself is what was done to it: a real gunicorn, counted and timed."""

import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from loadlab_target.meters import BUCKETS_S, STATUS_CLASSES

pytestmark = pytest.mark.real

SERVERS = ["gunicorn", "flask"]
each_gunicorn = pytest.mark.parametrize(
    "gunicorn",
    [
        pytest.param(None, id="installed", marks=pytest.mark.quick),
        pytest.param("22.0.0", id="oldest"),
        pytest.param("25.0.3", id="without_control_socket"),
    ],
    indirect=True,
)


@each_gunicorn
@pytest.mark.parametrize("server", SERVERS)
def test_each_request_is_counted_once_however_its_connection_is_used(start, eventually, server):
    target = start("--server", server)
    kept = target.connect()
    for _ in range(5):
        assert target.get(connection=kept).body == b"Hello!"
    kept.close()
    for _ in range(4):
        target.get()
    target.get(method="HEAD")
    target.get("/error")
    target.get("/?delay=x")
    eventually(target.requests, {"2xx": 10, "4xx": 1, "5xx": 1})
    eventually(lambda: target.value("target_thread_seconds_count"), 12)
    assert target.value("target_handler_seconds_count") == 12
    assert target.of_all_workers("target_busy_threads") == 0
    eventually(lambda: target.value("target_connections", state="open"), 0)


def test_every_worker_counts_into_the_same_sums(start, eventually):
    target = start("--workers", "2", "--threads", "2")
    target.get_at_once(20)
    eventually(target.requests, {"2xx": 20})
    assert (target.value("target_workers"), target.value("target_threads")) == (2, 2)


def test_every_series_is_there_before_the_first_request(start):
    target = start()
    families = target.families()
    requests = {sample.labels["status_class"]: sample.value for sample in families["target_requests"].samples}
    assert requests == dict.fromkeys(STATUS_CLASSES, 0)
    for name in ("handler", "thread", "queue", "first_byte_wait"):
        samples = families[f"target_{name}_seconds"].samples
        bounds = [float(sample.labels["le"]) for sample in samples if sample.name.endswith("_bucket")]
        assert bounds == [*BUCKETS_S, float("inf")]
        assert {sample.value for sample in samples} == {0}
    assert target.value("target_connections", state="open") == 0
    assert target.value("target_info", app="loadlab_target.app:create_app()", server="gunicorn") == 1
    assert target.value("target_accept_queue_depth") == 0
    assert target.value("target_accept_queue_limit") > 0
    assert target.value("target_accept_overflows_total") >= 0
    assert target.value("target_cpu_seconds_total") > 0
    assert all(family.documentation for family in families.values())


@each_gunicorn
@pytest.mark.parametrize(
    ("options", "peak"), [("--threads=64", 12), ("--threads=4", 4), ("--server=flask", 12)]
)
def test_the_peak_of_busy_threads_is_what_was_busy_at_once(start, eventually, gate, options, peak):
    app, opened = gate
    target = start(options, app=app)
    with ThreadPoolExecutor(12) as pool:
        replies = [pool.submit(target.get) for _ in range(12)]
        eventually(lambda: target.of_all_workers("target_busy_threads"), peak)
        opened.touch()
        assert {reply.result().status for reply in replies} == {200}
    eventually(lambda: target.of_all_workers("target_busy_threads"), 0)
    assert target.value("target_busy_threads_peak") == peak


def test_each_worker_tells_its_own_threads_and_queue(start):
    target = start("--workers=3", "--threads=2")
    nothing = {"1": 0, "2": 0, "3": 0}
    assert target.by_worker("target_busy_threads") == target.by_worker("target_thread_queue") == nothing


@each_gunicorn
def test_requests_in_line_for_a_thread_are_seen_and_scrapes_still_answer(start, eventually, gate):
    app, opened = gate
    target = start("--threads", "2", app=app)
    with ThreadPoolExecutor(6) as pool:
        replies = [pool.submit(target.get) for _ in range(6)]
        eventually(lambda: target.of_all_workers("target_thread_queue"), 4)
        assert target.of_all_workers("target_busy_threads") == 2
        assert target.value("target_connections", state="open") == 6
        time.sleep(0.25)
        opened.touch()
        for reply in replies:
            reply.result()
    eventually(lambda: target.of_all_workers("target_thread_queue"), 0)
    eventually(lambda: target.value("target_queue_seconds_count"), 6)
    # Four waited for at least as long as the gate was still closed after they had been seen to wait.
    assert target.value("target_queue_seconds_sum") >= 4 * 0.25


@each_gunicorn
def test_kept_connections_are_seen_until_they_are_closed(start, eventually):
    target = start("--keep-alive", "30")
    connections = [target.connect() for _ in range(3)]
    for connection in connections:
        target.get(connection=connection)
    eventually(lambda: target.value("target_connections", state="kept_alive"), 3)
    assert target.value("target_connections", state="open") == 3
    for connection in connections:
        connection.close()
    eventually(lambda: target.value("target_connections", state="open"), 0)
    assert target.requests() == {"2xx": 3}


@pytest.mark.parametrize("gunicorn", [None, "25.0.3"], indirect=True, ids=["installed", "24_to_25.1"])
def test_a_silent_client_makes_a_thread_wait_and_that_is_not_the_requests_time(start, eventually):
    target = start()
    host, port = urlsplit(target.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as client:
        eventually(lambda: target.of_all_workers("target_busy_threads"), 1)
        time.sleep(0.3)
        client.sendall(b"GET /?delay=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while client.recv(4096):
            pass
    eventually(target.requests, {"2xx": 1})
    eventually(lambda: target.value("target_thread_seconds_count"), 1)
    assert target.value("target_first_byte_wait_seconds_sum") >= 0.3
    assert target.value("target_thread_seconds_sum") < 0.3
    assert target.value("target_queue_seconds_sum") < 0.3


@pytest.mark.parametrize("gunicorn", ["22.0.0"], indirect=True)
def test_a_silent_client_holds_no_thread_of_an_old_gunicorn(start, eventually):
    target = start()
    host, port = urlsplit(target.url).netloc.split(":")
    with socket.create_connection((host, int(port))):
        eventually(lambda: target.value("target_connections", state="open"), 1)
        assert target.of_all_workers("target_busy_threads") == 0
        assert target.of_all_workers("target_thread_queue") == 0
    eventually(lambda: target.value("target_connections", state="open"), 0)
    assert target.value("target_first_byte_wait_seconds_count") == 0


@pytest.mark.parametrize("server", SERVERS)
def test_a_response_tells_its_times(start, server):
    header = start("--server", server).get("/?delay=20ms").getheader("Server-Timing")
    queue_ms, app_ms = re.fullmatch(r"queue;dur=([\d.]+), app;dur=([\d.]+)", header).groups()
    assert float(queue_ms) >= 0
    assert float(app_ms) >= 20


def test_the_times_can_be_left_out_of_responses(start):
    assert start("--no-server-timing").get().getheader("Server-Timing") is None


STREAM = """
import time

def app(environ, start_response):
    start_response("200 OK", [("Server-Timing", "db;dur=1")])
    time.sleep(0.02)
    for _ in range(5):
        yield b"piece"
        time.sleep(0.02)
"""


@pytest.mark.parametrize("server", SERVERS)
def test_a_streaming_app_of_somebody_else_is_measured_to_its_end(start, eventually, server):
    target = start("--server", server, app=STREAM)
    reply = target.get()
    assert reply.body == b"piece" * 5
    own, ours = reply.headers.get_all("Server-Timing")
    assert own == "db;dur=1"
    app_ms = float(ours.partition("app;dur=")[2])
    eventually(target.requests, {"2xx": 1})
    assert target.value("target_handler_seconds_sum") >= 0.12
    assert 20 <= app_ms < target.value("target_handler_seconds_sum") * 1e3
    assert target.value("target_info", app="mine:app", server=server) == 1


FAILING = """
def app(environ, start_response):
    match environ["PATH_INFO"]:
        case "/raise":
            raise ValueError("at once")
        case "/late":
            return late(start_response)
        case "/unanswered":
            raise FileNotFoundError("an OSError, which gunicorn takes for a broken connection")
        case "/after-head":
            start_response("200 OK", [])
            raise ValueError("before anything was sent")

def late(start_response):
    start_response("200 OK", [("Content-Length", "10")])
    yield b"half"
    raise ValueError("in the middle")
"""


@pytest.mark.parametrize(
    ("path", "status_class"),
    [("/raise", "5xx"), ("/late", "2xx"), ("/unanswered", "none"), ("/after-head", "5xx")],
)
def test_a_request_whose_handler_fails_is_counted_once(start, eventually, path, status_class):
    target = start(app=FAILING)
    host, port = urlsplit(target.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while client.recv(4096):
            pass
    eventually(target.requests, {status_class: 1})
    eventually(lambda: target.of_all_workers("target_busy_threads"), 0)
    assert target.value("target_thread_seconds_count") == 1


@each_gunicorn
def test_a_request_whose_client_hangs_up_is_counted_once(start, eventually):
    target = start()
    host, port = urlsplit(target.url).netloc.split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /bytes?size=64MiB HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(4096)
    eventually(target.requests, {"2xx": 1})
    eventually(lambda: target.of_all_workers("target_busy_threads"), 0)


def test_a_file_is_sent_whole_and_measured(start, eventually, tmp_path):
    (tmp_path / "data").write_bytes(b"x" * 100_000)
    target = start(
        app="""
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "100000")])
    return environ["wsgi.file_wrapper"](open("data", "rb"))
"""
    )
    reply = target.get()
    assert len(reply.body) == 100_000
    assert "app;dur=" in reply.getheader("Server-Timing")
    eventually(lambda: target.value("target_handler_seconds_count"), 1)


@pytest.mark.quick
def test_a_killed_worker_is_replaced_its_gauges_go_and_its_counts_stay(start, eventually, gate):
    app, opened = gate
    opened.touch()
    target = start(app=app)
    target.get_at_once(3)
    eventually(target.requests, {"2xx": 3})
    opened.unlink()
    with ThreadPoolExecutor(2) as pool:
        lost = [pool.submit(target.get) for _ in range(2)]
        eventually(lambda: target.of_all_workers("target_busy_threads"), 2)
        [worker] = target.workers()
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: target.of_all_workers("target_busy_threads"), 0)
        eventually(lambda: target.by_worker("target_thread_queue"), {"2": 0})
        assert all(reply.exception(timeout=10) for reply in lost)
    opened.touch()
    assert target.get().status == 200
    eventually(target.requests, {"2xx": 4})
    assert worker not in target.workers()


def test_a_worker_that_is_stopped_leaves_its_counts_and_a_working_target(start, eventually):
    target = start()
    target.get()
    [worker] = target.workers()
    os.kill(worker, signal.SIGTERM)
    eventually(lambda: worker in target.workers(), expected=False)
    assert target.get().status == 200
    eventually(target.requests, {"2xx": 2})


@pytest.mark.parametrize("server", SERVERS)
def test_the_health_check_is_on_the_metrics_port_and_not_counted(start, server):
    target = start("--server", server)
    metrics = type(target)(target.process, {"pid": 0, "url": target.metrics_url, "metrics_url": ""}, None)
    assert metrics.get("/healthz").body == b"ok\n"
    assert metrics.get("/other").status == 404
    assert target.requests() == {}


def test_an_app_with_metrics_of_its_own_keeps_them(start, eventually):
    target = start(
        app="""
from prometheus_client import Counter, generate_latest

SEEN = Counter("mine", "What the app counts for itself.")

def app(environ, start_response):
    SEEN.inc()
    start_response("200 OK", [])
    return [generate_latest()]
"""
    )
    target.get()
    body = target.get().body.decode()
    assert "mine_total 2.0" in body
    assert "target_" not in body
    eventually(target.requests, {"2xx": 2})
