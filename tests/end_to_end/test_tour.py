"""The tour end to end, and the code that it shows, against real targets on this machine."""

import asyncio
import inspect
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from loadlab.errors import EarlyStopError, TargetError
from loadlab.targets.local import LocalHost
from loadlab.tour import NAMES, step
from loadlab.tour.events import Closed, Measured, Noted, Predicted, Seen, StepBegan, StepEnded
from loadlab.tour.guide import lead
from loadlab.tour.lab import Lab
from support.live import PATIENCE_S, until, wait_until, workers_of

pytestmark = pytest.mark.real

TOUR = [sys.executable, "-m", "loadlab", "tour"]
AT_ONCE_S = 15
"""Well below the half minute that the replies of step 1 would take."""
NUMBERS = range(1, len(NAMES) + 1)


def tour(*options):
    return subprocess.run(
        [*TOUR, *options], capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False
    )


def events_of(numbers, delay_ms=50):
    told = []
    asyncio.run(lead(Lab(delay_ms * 1_000_000, told.append), numbers))
    return told


class Started(NamedTuple):
    """A process as /proc has it."""

    command: bytes
    state: str


def alive(mark):
    """Return the processes that were started, however far down, with this mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"LOADLAB_TEST={mark}".encode() in path.read_bytes().split(b"\0"):
                state = (path.parent / "stat").read_text().rpartition(")")[2].split()[0]
                command = (path.parent / "cmdline").read_bytes()
                found.append(Started(command, state))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def whole():
    """Give what the whole tour prints with a short delay."""
    ended = tour("--delay", "50ms")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("number", NUMBERS)
def test_each_step_prints_all_its_parts(whole, number):
    start = whole.index(f"\n{number}  ")
    end = whole.find(f"\n{number + 1}  ", start) if number < len(NAMES) else len(whole)
    part = whole[start:end]
    assert "def main(" in part
    assert part.count("Prediction: ") == part.count("Cost time: ") >= 1
    assert re.search(r"Cost time:  [\d.,]+ (s|ms)  ", part)
    assert "Remember: " in part


def test_the_closing_table_has_a_line_for_every_measurement(whole):
    table = whole[whole.rindex(" scenario ") :]
    lines = re.findall(r"^ +(\d+)  (\S.*?) +([\d.]+ m?s) +([\d.]+ m?s) +(\d+\.\d\d) $", table, re.MULTILINE)
    assert len(lines) == whole.count("Cost time: ")
    assert {int(number) for number, *_ in lines} == set(NUMBERS)


def test_a_measurement_that_is_far_away_is_named(whole):
    table = whole[whole.rindex(" scenario ") :]
    away = [abs(float(ratio) - 1) for ratio in re.findall(r" (\d+\.\d\d) $", table, re.MULTILINE)]
    named = "more than 10 % away" in table
    assert max(away) > 0.095 if named else max(away) < 0.105, "to the two digits that are shown"


def test_a_pipe_gets_no_control_codes_and_80_columns(whole):
    assert not set(whole) & {chr(code) for code in range(32) if chr(code) != "\n"}
    assert max(len(line) for line in whole.splitlines()) <= 80


@pytest.mark.timed
def test_waiting_together_is_faster_than_waiting_in_turn(whole):
    def cost_ms(label):
        number, unit = re.search(rf"\d  {label} +\S+ m?s +(\S+) (m?s) ", whole).groups()
        return float(number) * (1000 if unit == "s" else 1)

    for together in ("task", "callback", "threads"):
        for in_turn in ("blocking", "coroutine", "blocked-loop"):
            assert cost_ms(f"{together}, 5 requests") < cost_ms(f"{in_turn}, 5 requests") / 2
    assert cost_ms("task, 100 requests, a thread each") < cost_ms("task, 100 requests, 8 threads") / 2


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Give the base URL of a quick target."""
    host = LocalHost(tmp_path_factory.mktemp("target") / "target.log", {"--delay": "2ms"})
    yield asyncio.run(host.start()).url
    asyncio.run(host.stop())


@pytest.mark.parametrize("number", NUMBERS)
def test_the_code_that_is_shown_runs(number, url):
    one = step(number)
    result = (one.example or one.code[-1])(url)
    if inspect.isawaitable(result):
        result = asyncio.run(asyncio.wait_for(as_coroutine(result), 60))
    if isinstance(result, list):
        assert len(result) in (5, 100)


async def as_coroutine(awaitable):
    return await awaitable


def test_a_step_tells_its_prediction_before_it_measures():
    kinds = [type(event) for event in events_of((5,))]
    assert kinds == [StepBegan, Noted, Predicted, Measured, StepEnded, Closed]


def test_the_states_are_seen_while_the_request_is_on_its_way():
    seen = [event.text for event in events_of((2,)) if isinstance(event, Seen)]
    words = [line.split()[-3:] for line in seen]
    assert words[0] == ["coroutine", "task", "future"]
    assert ["created", "–", "–"] in words
    assert ["suspended", "pending", "pending"] in words
    assert words[-1] == ["closed", "finished", "finished"]
    waited = [float(line.split()[0]) for line in seen if line.split()[1] == "ms"]
    assert waited[-1] >= 50


def test_a_pause_is_read_in_three_ways_side_by_side():
    seen = [event.text for event in events_of((11,)) if isinstance(event, Seen)]
    assert seen[1].split() == ["p50", "p90", "max"]
    closed, sent, due = ([word for word in line.split() if word in ("ms", "s")] for line in seen[2:])
    assert closed[-2:] == sent[-2:] == ["ms", "s"], "the pause is their maximum, and not in their p90"
    assert due[-2:] == ["s", "s"]


def test_a_longer_delay_is_predicted_longer():
    short, long = (
        next(event.prediction.ns for event in events_of((5,), delay) if isinstance(event, Predicted))
        for delay in (20, 120)
    )
    assert long - short > 90e6


@pytest.mark.parametrize("name", ["states", "2"])
def test_only_takes_one_step(name):
    ended = tour("--only", name, "--delay", "20ms")
    assert ended.returncode == 0
    assert ended.stdout.count("Remember: ") == 1
    assert "2  What a coroutine" in ended.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--only", "taks"), "Did you mean task?"),
        (("--only", "0"), "there is no step '0'"),
        (("--delay", "soon"), "--delay: 'soon' is not a duration"),
        (("--delay", "exp:50ms"), "--delay: 'exp:50ms' is not a duration"),
        (("--delay", "0"), "--delay: '0' is not from 1ms to 60s"),
        (("--delay", "2m"), "--delay: '2m' is not from 1ms to 60s"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(options, sentence):
    ended = tour(*options)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert sentence in ended.stderr
    assert ended.stdout == ""


def starting(processes):
    """The target is being started: the lab's own, or the sink of step 9."""
    return any(b"loadlab_target" in each.command or b"sink_process" in each.command for each in processes)


def carrying(processes):
    """Workers are there, and requests soon on their way."""
    return any(b"spawn_main" in each.command for each in processes)


def standing(processes):
    """The target stands still."""
    return any(each.state == "T" for each in processes)


@pytest.mark.parametrize(
    ("only", "sign", "phase"),
    [
        ("1", "return", starting),
        ("1", "Prediction", carrying),
        ("9", "return", starting),
        ("9", "Prediction", carrying),
        ("10", "Prediction", carrying),
        ("11", "Prediction", standing),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_at_once_and_leaves_nothing_behind(only, sign, phase, number):
    mark = secrets.token_hex(8)
    process = subprocess.Popen(
        [*TOUR, "--only", only, "--delay", "30s" if only == "1" else "100ms"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LOADLAB_TEST": mark},
    )
    for line in process.stdout:
        if sign in line or (sign == "return" and "def main" in line):
            break
    wait_until(lambda: phase(alive(mark)))
    process.send_signal(number)
    began_s = time.monotonic()
    _, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert complaints.startswith("loadlab: interrupted; the target is stopped\n")
    assert "Traceback" not in complaints
    assert time.monotonic() - began_s < AT_ONCE_S
    wait_until(lambda: alive(mark) == [])


def test_a_target_that_cannot_start_is_a_sentence_and_exit_4(monkeypatch, tmp_path):
    (tmp_path / "loadlab_target").mkdir()
    (tmp_path / "loadlab_target" / "__init__.py").touch()
    (tmp_path / "loadlab_target" / "__main__.py").write_text("raise SystemExit('no such luck')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    ended = tour("--only", "1")
    assert ended.returncode == 4
    assert ended.stderr == "loadlab: the target did not start: no such luck\n"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_target_that_dies_under_a_step_ends_the_tour_and_keeps_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = []
    lab = Lab(2_000_000_000, told.append)

    async def kill_when_predicted():
        touring = asyncio.create_task(lead(lab, (5,)))
        await until(lambda: any(isinstance(event, Predicted) for event in told))
        await until(lambda: workers_of(os.getpid()))
        os.killpg(lab._main.host._child.process.pid, signal.SIGKILL)
        await touring

    with pytest.raises(TargetError) as caught:
        asyncio.run(kill_when_predicted())
    log = re.search(r"\S+\.log", str(caught.value))[0]
    assert Path(log).is_relative_to(tmp_path)
    assert Path(log).exists()


def test_giving_up_ends_a_measurement_without_waiting_for_it():
    told = []
    lab = Lab(30_000_000_000, told.append)

    async def give_up_when_predicted():
        lab.number = 1
        async with lab:
            served = await lab.main()
            carried = asyncio.create_task(lab.carry(lab.batch_plan("task", 2), served))
            await until(lambda: workers_of(os.getpid()))
            assert lab.give_up()
            began_s = time.monotonic()
            with pytest.raises(EarlyStopError):
                await carried
            return time.monotonic() - began_s

    assert asyncio.run(give_up_when_predicted()) < AT_ONCE_S
