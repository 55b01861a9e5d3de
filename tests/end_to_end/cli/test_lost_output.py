"""Output that can't be written: every command alike, one sentence, and what was measured is kept."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from loadlab.results import ceilings_file
from support.labs import LOADLAB, Lab, ended
from support.live import wait_until

pytestmark = pytest.mark.real

NULL = "run task --transport null --concurrency 2 --duration 300ms --warmup 0 --delay 20ms"
KEEPS = {
    "run": NULL,
    "run --json": f"{NULL} --json",
    "calibrate": "calibrate --scenario task --transport null --duration 500ms",
}
"""What these print is kept in a file as well."""
PRINTS = {
    "show": "show latest",
    "doctor": "doctor",
    "tour": "tour --delay 1ms --only blocking",
    "--help": "run --help",
    "--version": "--version",
}
"""There is nothing but what these print."""
COMMANDS = KEEPS | PRINTS
QUICK = ["run", "show", "doctor"]
DUE = {"pass": 0, "invalid": 3}
"""A machine that is busy with something else may make a run INVALID."""
OVER = tuple(DUE.values())
UNWRITABLE = [">&-", ">/dev/full"]
HARMLESS = ["2>/dev/full", "<&- 2>&-", "| true", "2>&1 | true"]
ENVIRONMENTS = ["COLUMNS=0", "COLUMNS=1 TERM=dumb", "COLUMNS=x LINES=-1 PYTHONIOENCODING=ascii TERM="]


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory):
    """Return a folder in which one run has been."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    assert lab(*NULL.split()).returncode in OVER
    return lab


def shell(lab, command, redirected="", environment=""):
    """Run a command as a shell does; return its own exit code, and what it wrote."""
    line = f"{environment} {sys.executable} -m loadlab {command} {redirected}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(
        ["bash", "-c", line], cwd=lab.folder, capture_output=True, text=True, timeout=60, check=False
    )


def ran(lab, command, redirected="", environment=""):
    """Run a command; return how it ended, and its due exit code: a run's is that of its kept verdict."""
    before = set(lab.out.iterdir())
    done = shell(lab, COMMANDS[command], redirected, environment)
    made = set(lab.out.iterdir()) - before
    if not command.startswith("run"):
        assert not made
        return done, shell(lab, "doctor").returncode if command == "doctor" else 0
    (folder,) = made
    return done, DUE[json.loads((folder / "result.json").read_bytes())["verdict"]]


def assert_tidy(done):
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert "report it" not in said


@pytest.mark.parametrize("redirected", UNWRITABLE)
@pytest.mark.parametrize("command", PRINTS)
def test_a_command_that_only_prints_says_that_it_could_not(shared_lab, command, redirected):
    done = shell(shared_lab, COMMANDS[command], redirected)
    assert done.returncode == 2
    assert_tidy(done)
    assert done.stderr.count("loadlab: standard output can't be written (") == 1


@pytest.mark.parametrize("redirected", UNWRITABLE)
@pytest.mark.parametrize("command", KEEPS)
def test_a_command_that_keeps_its_result_keeps_its_exit_code(
    shared_lab, command, redirected, monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done, due = ran(shared_lab, command, redirected)
    assert done.returncode == due, done.stderr
    assert_tidy(done)
    assert "loadlab: standard output can't be written (" in done.stderr
    assert ceilings_file.path().is_file() == (command == "calibrate")


@pytest.mark.parametrize("redirected", HARMLESS)
@pytest.mark.parametrize("command", QUICK)
def test_a_reader_that_leaves_or_an_error_stream_that_is_lost_changes_nothing(
    shared_lab, command, redirected
):
    done, due = ran(shared_lab, command, redirected)
    assert done.returncode == due, done.stderr
    assert_tidy(done)
    if command == "show" and "|" not in redirected:
        assert done.stdout == shell(shared_lab, COMMANDS[command]).stdout != ""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("command", QUICK)
def test_an_odd_terminal_gets_what_any_other_gets(shared_lab, command, environment):
    done, due = ran(shared_lab, command, environment=environment)
    assert done.returncode == due, done.stderr
    assert_tidy(done)
    assert done.stdout
    if environment == "COLUMNS=0" and command == "show":
        assert done.stdout == shell(shared_lab, COMMANDS[command]).stdout


def test_the_result_is_written_before_anything_is_printed(lab):
    """A reader that does not read holds the printing, and not the result; Ctrl-C then ends it at once."""
    reading, writing = os.pipe()
    size = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, bytes(size))
    process = subprocess.Popen(
        [*LOADLAB, *NULL.split()], cwd=lab.folder, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    lab.watch(process)
    wait_until(lab.results)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert ended(process).returncode in OVER, "the run had come to its end"
    assert lab.results()[0]["interrupted"] is False
    os.close(reading)
    os.close(writing)


def test_the_agent_serves_without_a_reader_of_its_lines(lab):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = f"exec {sys.executable} -m loadlab agent --bind 127.0.0.1:{port} >/dev/full"
    process = subprocess.Popen(command, shell=True, cwd=lab.folder, stderr=subprocess.PIPE, text=True)
    lab.watch(process)

    def serves():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(serves)
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
