"""A gunicorn config of the user's is honoured as it stands, and what the lab sets itself is said."""

import hashlib
import os
import signal

import pytest

from contract.target.test_starts_and_stops import last_line, run

pytestmark = pytest.mark.real

APP = """
import time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/raises":
        raise ValueError("bad day")
    time.sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
HOOKS = """
workers, threads, timeout, wsgi_app, preload_app = 2, 3, 17, "mine:app", True
bind = "0.0.0.0:80"

def _say(what):
    with open("hooks.txt", "a") as file:
        print(what, file=file)

def when_ready(server): _say("when_ready")
def post_fork(server, worker): _say("post_fork")
def post_worker_init(worker): _say("post_worker_init")
def worker_exit(server, worker): _say("worker_exit")
def child_exit(server, worker): _say("child_exit")
"""
SUBCLASS = """
from gunicorn.workers.gthread import ThreadWorker

class Mine(ThreadWorker):
    pass

worker_class = "__config__.Mine"
threads = 3
"""
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
def test_its_settings_and_hooks_hold_and_the_lab_says_what_it_set(start, tmp_path):
    (tmp_path / "mine.py").write_text(APP)
    target = start(config=HOOKS)
    assert target.get().body == b"ok"
    told = target.server()
    assert told["config"] == {
        "file": "gunicorn.conf.py",
        "sha256": hashlib.sha256(HOOKS.encode()).hexdigest(),
        "set_by_lab": ["bind", "worker_class"],
        "overridden": {},
    }
    settings = ("app", "worker_class", "workers", "threads", "timeout_s", "preload_app", "measured_by")
    assert [told[name] for name in settings] == ["mine:app", "gthread", 2, 3, 17, True, "worker"]
    assert (target.value("target_workers"), target.value("target_threads")) == (2, 3)
    assert len(target.workers()) == 2
    target.stop()
    called = (tmp_path / "hooks.txt").read_text().split()
    assert {name: called.count(name) for name in called} == {
        "when_ready": 1, "post_fork": 2, "post_worker_init": 2, "worker_exit": 2, "child_exit": 2,
    }  # fmt: skip


def test_options_win_over_it_and_that_is_said(start):
    target = start(
        "--threads", "5", "--workers", "2", app=APP, config="workers, threads, wsgi_app = 2, 3, 'x:y'"
    )
    told = target.server()
    assert (told["app"], told["workers"], told["threads"]) == ("mine:app", 2, 5)
    assert told["config"]["overridden"] == {"threads": "--threads", "wsgi_app": "--app"}


@each_gunicorn
def test_a_sync_worker_is_measured_by_one_of_the_labs(start, eventually):
    target = start(app=APP, config="workers = 2")
    assert target.get().getheader("Server-Timing").startswith("queue;dur=0.000, app;dur=2")
    target.get_at_once(4)
    target.get("/raises")
    eventually(target.requests, {"2xx": 5, "5xx": 1})
    eventually(lambda: target.value("target_thread_seconds_count"), 6)
    assert target.value("target_thread_seconds_sum") >= 5 * 0.02
    assert target.of_all_workers("target_busy_threads") == 0
    assert target.value("target_threads") == 1
    assert target.server()["worker_class"] == "sync"


def middleware_tells(target, eventually):
    assert target.get().getheader("Server-Timing").startswith("app;dur=2")
    target.get_at_once(4)
    target.get("/raises")
    eventually(target.requests, {"2xx": 5, "5xx": 1})
    assert target.value("target_handler_seconds_sum") >= 5 * 0.02
    assert target.value("target_thread_seconds_count") is None
    assert target.by_worker("target_busy_threads") == {}
    told = target.server()
    assert told["measured_by"] == "middleware"
    assert told["unseen"] == ["queue", "thread time", "busy threads", "connections"]
    assert "worker_class" not in told["config"]["set_by_lab"]
    return told


@each_gunicorn
@pytest.mark.parametrize("preload", [False, True])
def test_a_worker_class_of_the_users_is_measured_by_middleware(start, eventually, preload):
    told = middleware_tells(start(app=APP, config=f"{SUBCLASS}\npreload_app = {preload}"), eventually)
    assert (told["worker_class"], told["threads"]) == ("__config__.Mine", 3)


def test_gevent_is_measured_by_middleware_and_its_threads_are_unknown(start, eventually, gevent):
    target = start(app=APP, config="worker_class = 'gevent'")
    told = middleware_tells(target, eventually)
    assert told["threads"] is None
    assert target.value("target_threads") is None


@each_gunicorn
def test_workers_that_it_replaces_are_no_workers_that_died(start, eventually):
    target = start(app=APP, config="workers, threads, max_requests = 1, 2, 5")
    for _ in range(5):
        target.get()
    eventually(lambda: target.value("target_workers_replaced_total"), 1)
    assert target.value("target_workers_ended_total") == 0
    target.get()  # its successor has booted
    os.kill(target.workers()[0], signal.SIGKILL)
    eventually(lambda: target.value("target_workers_ended_total"), 1)
    assert target.value("target_workers_replaced_total") == 1


@pytest.mark.parametrize(
    ("config", "code", "said"),
    [
        ("workers = 'many'", 2, "gunicorn.conf.py sets workers = 'many', which gunicorn refuses: "),
        ("certfile = __file__", 2, "gunicorn.conf.py sets certfile or keyfile, and the lab loads"),
        ("worker_class = 'nope'", 2, "gunicorn.conf.py sets worker_class = 'nope', which can't be had: "),
        ("worker_class = 'asgi'", 2, "gunicorn.conf.py sets worker_class = 'asgi', which serves ASGI apps"),
        ("raise ValueError('bad day')", 1, "gunicorn.conf.py failed: ValueError: bad day."),
        ("workers = ", 1, "gunicorn.conf.py failed: SyntaxError: "),
    ],
)
def test_a_config_that_cannot_be_honoured_is_one_sentence(tmp_path, config, code, said):
    (tmp_path / "gunicorn.conf.py").write_text(config)
    ended = run("--gunicorn-config", "gunicorn.conf.py", cwd=tmp_path)
    assert last_line(ended).startswith(f"Error: --gunicorn-config: {said}")
    assert ended.returncode == code


@pytest.mark.parametrize("app", ["raise ValueError('bad day')", "import sys; sys.exit(0)"])
def test_an_app_that_is_loaded_before_the_workers_and_fails_is_said(tmp_path, app):
    (tmp_path / "mine.py").write_text(app)
    (tmp_path / "gunicorn.conf.py").write_text("preload_app = True")
    ended = run("--gunicorn-config", "gunicorn.conf.py", "--app", "mine:app", cwd=tmp_path)
    assert ended.returncode == 1
    why = "ValueError: bad day" if "bad" in app else "SystemExit: 0"
    assert last_line(ended) == f"Error: The app 'mine:app' did not start: {why}."


def test_a_hook_that_fails_before_anything_serves_is_said(tmp_path):
    hook = "def nworkers_changed(server, new, old): raise ValueError('bad hook')"
    (tmp_path / "gunicorn.conf.py").write_text(hook)
    ended = run("--gunicorn-config", "gunicorn.conf.py", cwd=tmp_path)
    assert ended.returncode == 1
    assert last_line(ended).endswith(" did not start: ValueError: bad hook.")


def test_flasks_server_takes_none(tmp_path):
    (tmp_path / "gunicorn.conf.py").touch()
    ended = run("--server", "flask", "--gunicorn-config", "gunicorn.conf.py", cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "--gunicorn-config: --server flask is no gunicorn" in ended.stderr
