"""A target starts whole or says in one sentence why not, and never outlives its starter."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

WITHIN_S = 60
APPS = {
    "raises": "raise ValueError('bad day')",
    "exits": "import sys; sys.exit(0)",
    "dies": "import os; os._exit(1)",
    "syntax": "def app(",
}


def run(*options, cwd, environ=None):
    """Run a target that is not expected to stay; it has ten seconds to say so."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "loadlab_target",
            "--bind",
            "127.0.0.1:0",
            "--metrics-bind",
            "127.0.0.1:0",
            *options,
        ],
        cwd=cwd,
        env=os.environ | (environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def last_line(ended):
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
@pytest.mark.parametrize(
    ("app", "why"),
    [
        ("nope:app", "ModuleNotFoundError: No module named 'nope'"),
        ("os:nope", "AppImportError: Failed to find attribute 'nope' in 'os'"),
        ("raises:app", "ValueError: bad day"),
        ("exits:app", "SystemExit: 0"),
        ("syntax:app", "SyntaxError: "),
    ],
)
def test_an_app_that_does_not_load_is_said_in_one_sentence(tmp_path, server, app, why):
    for name, text in APPS.items():
        (tmp_path / f"{name}.py").write_text(text)
    ended = run("--server", server, "--app", app, cwd=tmp_path)
    assert ended.returncode == 1
    assert last_line(ended).startswith(f"Error: The app {app!r} did not start: {why}")


def test_a_worker_that_dies_without_a_word_does_not_start_again_and_again(tmp_path):
    (tmp_path / "dies.py").write_text(APPS["dies"])
    ended = run("--app", "dies:app", cwd=tmp_path)
    assert ended.returncode == 1
    assert "a worker died while it booted" in last_line(ended)
    assert ended.stderr.count("Booting worker") == 1


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
@pytest.mark.parametrize("option", ["--bind", "--metrics-bind"])
def test_a_taken_port_is_said_in_one_sentence(tmp_path, server, option):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        ended = run("--server", server, option, address, cwd=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == f"Error: The target can't listen on {address}: Address already in use.\n"


@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [
        ("--app", "a b", "module:callable"),
        ("--server", "apache", "'gunicorn', 'flask'"),
        ("--workers", "0", "it is '0'; give a whole number from 1 to 256."),
        ("--threads", "many", "it is 'many'; give a whole number from 1 to 4096."),
        ("--bind", "8000", "HOST:PORT"),
        ("--metrics-bind", "a:b", "HOST:PORT"),
        ("--delay", "5", "uniform:20ms-80ms"),
        ("--seed", "x", "it is 'x'; give a whole number from 0 to 999999999999999999."),
        ("--keep-alive", "-1", "it is '-1'; give a whole number from 0 to 3600."),
        ("--keep-alive", "3601", "it is '3601'; give a whole number from 0 to 3600."),
        ("--announce", "no/where", "no directory"),
    ],
)
def test_a_bad_option_is_one_sentence_and_exit_code_2(tmp_path, option, value, accepted):
    ended = run(option, value, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert option in ended.stderr
    assert accepted in ended.stderr


def test_an_unknown_option_is_one_sentence_and_exit_code_2(tmp_path):
    ended = run("--treads", "8", cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "--threads" in ended.stderr


def test_the_environment_gives_options_and_an_empty_variable_gives_none(tmp_path):
    ended = run(cwd=tmp_path, environ={"TARGET_SERVER": "", "TARGET_APP": "", "WORKERS": "", "THREADS": "0"})
    assert ended.returncode == 2
    assert "'THREADS'" in ended.stderr


def test_warnings_that_are_errors_leave_its_log_clean(start, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    target = start()
    target.get()
    target.stop()
    assert "Traceback" not in target.log.read_text()


def test_an_option_wins_over_the_environment(start, monkeypatch):
    monkeypatch.setenv("THREADS", "3")
    monkeypatch.setenv("WORKERS", "2")
    target = start("--threads", "5")
    assert (target.value("target_workers"), target.value("target_threads")) == (2, 5)


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
def test_the_announcement_names_a_target_that_answers(start, server):
    target = start("--server", server)
    assert target.get().body == b"Hello!"
    assert target.pid == target.process.pid


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
def test_the_end_of_standard_input_stops_everything(start, tmp_path, monkeypatch, server):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    target = start("--server", server, "--workers", "2")
    workers = target.workers()
    assert len(workers) == (2 if server == "gunicorn" else 0)
    assert list(temporary.iterdir())
    assert target.stop() == 0
    assert not any(map(is_alive, workers))
    assert not list(temporary.iterdir())


@pytest.mark.quick
@pytest.mark.parametrize("server", ["gunicorn", "flask"])
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_without_complaint(start, server, sent):
    target = start("--server", server)
    os.kill(target.pid, sent)
    assert target.process.wait(timeout=WITHIN_S) == 0
    said = target.log.read_text()
    assert not re.search(r"Traceback|Exception|\[ERROR\]|\[CRITICAL\]|^Error", said, re.MULTILINE), said


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
def test_a_request_in_flight_is_answered_before_the_stop(start, eventually, gate, server):
    app, opened = gate
    target = start("--server", server, app=app)
    connection = target.connect()
    connection.request("GET", "/")
    eventually(lambda: target.of_all_workers("target_busy_threads"), 1)
    os.kill(target.pid, signal.SIGTERM)
    opened.touch()
    assert connection.getresponse().read() == b"ok"
    assert target.process.wait(timeout=WITHIN_S) == 0


STARTER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "loadlab_target", *sys.argv[1:]], stdin=subprocess.PIPE)
time.sleep(60)
"""


@pytest.mark.parametrize("server", ["gunicorn", "flask"])
def test_a_target_does_not_outlive_a_starter_that_is_killed(tmp_path, eventually, server):
    announcement = tmp_path / "announced.json"
    options = ["--server", server, "--announce", announcement, "--stop-with-stdin"]
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, "--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0", *options],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline_s = time.monotonic() + WITHIN_S
        while not announcement.exists() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        pid = json.loads(announcement.read_text())["pid"]
    finally:
        starter.kill()
        starter.wait()
    eventually(lambda: is_alive(pid), expected=False)
