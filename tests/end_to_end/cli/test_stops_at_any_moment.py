"""A stop signal at any moment, from the first import on: exit code 130, and nothing is left or half done."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.labs import LOADLAB, Lab, ended, loading
from support.live import descendants, is_gone, wait_until

pytestmark = pytest.mark.real

RUN = ["--concurrency", "2", "--duration", "400ms", "--warmup", "0", "--delay", "20ms"]
COMMANDS = {
    "run": ["run", "pool", "--processes", "2", *RUN],
    "tour": ["tour", "--delay", "20ms", "--only", "1"],
    "calibrate": ["calibrate", "--scenario", "task", "--duration", "500ms"],
    "doctor": ["doctor"],
}
ENOUGH_S = 20.0


@pytest.fixture
def chance(request):
    """Return a source of moments, the same ones each time for one test."""
    return random.Random(request.node.name)


def started(lab, *arguments):
    """Start a command that leads a process group, as at a terminal, and wait until it hears signals."""
    process = subprocess.Popen(
        [*LOADLAB, *arguments],
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    lab.watch(process)
    wait_until(lambda: process.poll() is not None or catches(process.pid, signal.SIGTERM))
    return process


def catches(pid, number):
    """Tell whether a process has a handler of its own for a signal."""
    return is_among(pid, "SigCgt", number)


def is_among(pid, of, number):
    """Tell whether a signal is among those that proc(5) has of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    signals = next(line for line in status.splitlines() if line.startswith(of))
    return bool(int(signals.split()[1], 16) >> (number - 1) & 1)


def send(process, number):
    """Send a signal and wait until it has been taken: two that are still on their way are one."""
    process.send_signal(number)
    wait_until(lambda: process.poll() is not None or not is_among(process.pid, "ShdPnd", number))
    time.sleep(0.1)  # for Python to call its handler


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_command_is_being_loaded_ends_it_at_once(lab, chance, command, number):
    process = started(lab, *COMMANDS[command])
    time.sleep(chance.uniform(0, 0.2))
    os.killpg(process.pid, number)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr
    assert_clean(lab, done)


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_at_any_moment_ends_well(lab, chance, command, turn):
    process = started(lab, *COMMANDS[command])
    time.sleep(chance.uniform(0, 2.5))
    below = descendants(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    done = ended(process)
    assert done.returncode in (0, 3, 130) or (command == "doctor" and done.returncode == 2), done.stderr
    assert_clean(lab, done)
    wait_until(lambda: all(is_gone(pid) for pid in below), within_s=ENOUGH_S)


@pytest.mark.parametrize("turn", range(6))
def test_two_at_once_end_a_run_as_well_as_one(lab, chance, turn):
    process = started(lab, *COMMANDS["run"])
    time.sleep(chance.uniform(0, 2.5))
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(chance.uniform(0, 0.1))
    done = ended(process)
    assert done.returncode in (0, 3, 130), done.stderr
    assert_clean(lab, done)


def test_a_worker_that_stands_still_before_it_is_ready_keeps_no_run_from_its_end(lab):
    process = started(lab, *COMMANDS["run"])

    def first_worker():
        found = [pid for pid, each in descendants(process.pid).items() if "spawn_main" in each.command]
        return found[:1]

    (worker,) = wait_until(first_worker)
    os.kill(worker, signal.SIGSTOP)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    assert_clean(lab, done)
    assert is_gone(worker)


def assert_clean(lab, done):
    """No traceback, and a result that is whole or no folder at all; 130 only where it says so itself."""
    assert "Traceback" not in done.stderr
    assert "report it" not in done.stderr
    for folder in lab.out.glob("*"):
        result = json.loads((folder / "result.json").read_bytes())
        assert result["interrupted"] == (done.returncode == 130)
        assert not list(folder.glob("*.partial"))


WAITS = """
import signal, sys, time
from loadlab.system import stop_signals
stop_signals.handle()
{taken}
print("ready", flush=True)
while True:
    time.sleep(60)
"""


def waiting(*lines):
    """Start a process that waits for ever, once it has done this."""
    code = WAITS.format(taken="\n".join(lines))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_whatever_a_command_waits_for_the_third_signal_ends_it_at_once():
    process = waiting("stops = stop_signals.Stops()")
    for _ in range(2):
        send(process, signal.SIGINT)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert (done.returncode, done.stderr) == (130, "loadlab: interrupted\n")


def test_after_the_second_signal_it_ends_by_itself_whatever_it_waits_for():
    process = waiting("stop_signals.PATIENCE_S = 0.3", "stops = stop_signals.Stops()")
    for _ in range(2):
        send(process, signal.SIGTERM)
    done = ended(process)
    assert (done.returncode, done.stderr) == (130, "loadlab: it did not end within 0 s\n")


def test_what_is_to_be_cleaned_up_is_cleaned_up_first():
    process = waiting(
        "stop_signals.Cleanup(lambda why: sys.stderr.write(why + ' one ') and 'nothing is kept').__enter__()",
        "stop_signals.Cleanup(lambda why: sys.stderr.write(why + ' other ') and None).__enter__()",
    )
    process.send_signal(signal.SIGINT)
    said = "interrupted other interrupted one loadlab: interrupted; nothing is kept\n"
    assert ended(process).stderr == said


def test_what_is_being_written_is_not_cut_and_what_is_done_keeps_its_code():
    process = waiting("stops = stop_signals.Stops()", "stops.hold()")
    for _ in range(3):
        send(process, signal.SIGINT)
    assert process.poll() is None
    process.kill()
    process.communicate()
    process = waiting("stops = stop_signals.Stops()", "stop_signals.end_with(3)")
    process.send_signal(signal.SIGINT)
    assert ended(process).returncode == 3


def test_a_signal_that_came_before_the_loop_is_heard_in_it():
    process = subprocess.Popen(
        [sys.executable, "-c", BEFORE_THE_LOOP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert ended(process).stdout == "heard 1\nheard 2\n"


BEFORE_THE_LOOP = """
import asyncio, signal
from loadlab.system import stop_signals

async def main(stops):
    heard = asyncio.Queue()
    stops.follow(asyncio.get_running_loop(), lambda: heard.put_nowait(1))
    for number in (1, 2):
        await heard.get()
        print("heard", number, flush=True)
        if number == 1:
            signal.raise_signal(signal.SIGTERM)

stops = stop_signals.Stops()
signal.raise_signal(signal.SIGTERM)
asyncio.run(main(stops))
"""


def test_a_run_that_nohup_started_outlives_its_terminal(lab: Lab):
    load = ["--concurrency", "4", "--duration", "2s", "--warmup", "0", "--delay", "50ms"]
    command = f"trap '' HUP; exec {sys.executable} -m loadlab run task {' '.join(load)}"
    process = subprocess.Popen(
        command, shell=True, cwd=lab.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    lab.watch(process)
    loading(process)
    assert not catches(process.pid, signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert ended(process).returncode in (0, 3)
    assert lab.results()[0]["interrupted"] is False
