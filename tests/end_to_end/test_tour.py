"""The tour end to end, and its programs alone, against real servers on this machine."""

import asyncio
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from loadlab.errors import TargetError, UsageError
from loadlab.targets.local import LocalHost
from loadlab.tour import BASIC, NAMES
from loadlab.tour.events import Began, Closed, Measured, Predicted, Seen, StepBegan, StepEnded
from loadlab.tour.example import FOLDER, file_of
from loadlab.tour.guide import lead, take_one
from loadlab.tour.lab import Lab
from loadlab.tour.steps import STEPS
from loadlab.tour.timeline import Reader
from support.live import PATIENCE_S, until, wait_until
from support.readme import ROOT
from support.terminals import UNSIZED

pytestmark = pytest.mark.real

TOUR = [sys.executable, "-m", "loadlab", "tour"]
AT_ONCE_S = 15
"""Well below the 50 s that the replies of step 1 would take."""
NUMBERS = range(1, len(NAMES) + 1)
ON, QUESTION = b"Enter: go on. Ctrl-C: end. ", b"n and Enter: end. "
HEIGHT = 40


def tour(*options, **given):
    return subprocess.run(
        [*TOUR, *options], capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False, **given
    )


def taken(number, delay_ms=50):
    told = []
    asyncio.run(take_one(Lab(delay_ms * 1_000_000, told.append), number))
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
    """Give what the whole tour prints in a pipe, with a short delay."""
    ended = tour("--delay", "50ms", "--further")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def step_of(text, number):
    """Return what was printed of a step, from its title to what to remember."""
    start = text.index(f"\n{number}  {STEPS[NAMES[number - 1]].title.replace('`', '')}")
    return re.match(r".*?\nRemember: .*?(?=\n\n|\n *\n|$)", text[start:], re.DOTALL)[0]


def test_the_steps_are_printed_in_their_order(whole):
    found = re.findall(r"^(\d+)  (.+)$", whole, re.MULTILINE)
    assert [int(number) for number, _ in found] == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_each_step_prints_all_its_parts_on_one_screen(whole, number):
    part = step_of(whole, number)
    assert f"{number:02}_{NAMES[number - 1].replace('-', '_')}.py\n    " in part
    bars = "[├│]" if NAMES[number - 1] == "omission" else "├"  # its requests may each take less than a cell
    assert part.index("\nPrediction: ") < re.search(bars, part).start() < part.index("\nCost time:  ")
    with_prompt = part.count("\n") + 1 + 2
    assert with_prompt <= HEIGHT, part


def test_the_overview_is_one_screen(whole):
    assert whole[: whole.index("\n1  ")].count("\n") + 2 <= HEIGHT


def test_the_step_on_omission_draws_how_long_requests_waited_for_the_pause_to_end(whole):
    drawn = re.findall(r"^ +(\d+) +(\.*)[├│]", step_of(whole, NAMES.index("omission") + 1), re.MULTILINE)
    waits = {int(number): len(dots) for number, dots in drawn}
    assert list(waits) == [0, 40, 80, 120, 160, 200]
    assert waits[0] == 0 < waits[120]


@pytest.mark.parametrize("name", BASIC)
def test_the_requests_of_a_basic_step_are_drawn(whole, name):
    bars = re.findall(r"^    (\d) +├", step_of(whole, NAMES.index(name) + 1), re.MULTILINE)
    assert bars == (["1"] if name == "states" else list("12345"))


def test_the_closing_table_has_a_line_for_every_program(whole):
    table = whole[whole.rindex(" program ") :]
    lines = re.findall(r"^ +(\d+)  (\S.*?) +(?:(?:≥ )?\S+ m?s|–) +[\d.,]+ m?s *$", table, re.MULTILINE)
    assert {int(number) for number, _ in lines} == set(NUMBERS)
    assert len(lines) == sum(len(run.names) for step in STEPS.values() for run in step.runs)


def test_a_pipe_gets_no_control_codes_no_question_and_80_columns(whole):
    assert not set(whole) & {chr(code) for code in range(32) if chr(code) != "\n"}
    assert max(len(line) for line in whole.splitlines()) <= 80
    assert "Enter" not in whole


@pytest.mark.timed
def test_waiting_together_is_faster_than_waiting_in_turn(whole):
    def cost_ms(label):
        number, unit = re.search(rf"\d  {label} +\S+ m?s +(\S+) (m?s) ", whole).groups()
        return float(number) * (1000 if unit == "s" else 1)

    for together in ("task: with_wait", "task: with_gather", "task: with_task_group", "callback", "threads"):
        for in_turn in ("blocking", "coroutine", "blocked-loop: in_the_loop"):
            assert cost_ms(together) < cost_ms(in_turn) / 2


def test_a_pipe_gets_the_basic_steps_and_is_told_of_the_others():
    ended = tour("--delay", "5ms", stdin=subprocess.DEVNULL)
    assert ended.returncode == 0, ended.stderr
    assert re.findall(r"^(\d+)  ", ended.stdout, re.MULTILINE) == ["1", "2", "3", "4", "5", "6", "7"]
    assert "loadlab tour --further" in ended.stdout
    assert "Enter" not in ended.stdout


def test_a_terminal_waits_for_enter_after_each_step_and_asks_for_more(at_terminal):
    terminal = at_terminal("tour", "--delay", "5ms", height=HEIGHT)
    for turn in range(7):
        terminal.read_until(ON)
        title = STEPS[NAMES[turn]].title.encode()
        assert b"\x1b[1m" + title not in terminal.written.split(ON)[-2], "no step begins before Enter"
        shown = terminal.text.split("\n")
        begin = max(index for index, line in enumerate(shown) if re.match(r"\d  |asyncio, step", line))
        assert len(shown) - begin <= HEIGHT
        terminal.written = b""
        terminal.type(b"\n")
    terminal.read_until(QUESTION)
    assert b"Threads, the other way" in terminal.written
    terminal.type(b"n\n")
    assert terminal.end() == 0, terminal.text
    assert "loadlab tour --further" in terminal.text


def test_the_further_steps_follow_where_they_are_wanted(at_terminal):
    terminal = at_terminal("tour", "--delay", "5ms", "--further")
    for _ in range(8):
        terminal.read_until(ON)
        assert QUESTION not in terminal.written
        terminal.written = b""
        terminal.type(b"\n")
    terminal.read_until(b'The first "if"')
    terminal.type(b"\x03")
    assert terminal.end() == 130


def test_ctrl_c_at_a_question_ends_at_once_with_130(at_terminal):
    terminal = at_terminal("tour", "--delay", "5ms")
    terminal.read_until(ON)
    terminal.type(b"\x03")
    assert terminal.end(AT_ONCE_S) == 130
    assert "interrupted" in terminal.text


@pytest.mark.parametrize("redirected", ["</dev/null", "| cat"])
def test_nothing_waits_where_only_one_end_is_a_terminal(at_terminal, redirected):
    terminal = at_terminal("tour", "--help")
    assert terminal.end() == 0
    line = f"{sys.executable} -m loadlab tour --delay 2ms {redirected}"
    terminal = at_terminal(program=["bash", "-c", line])
    assert terminal.end() == 0
    assert "The tour took" in terminal.text
    assert "Enter:" not in terminal.text


def test_one_step_alone_asks_nothing(at_terminal):
    terminal = at_terminal("tour", "--only", "task", "--delay", "5ms")
    assert terminal.end() == 0
    assert "Enter" not in terminal.text


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Give the base URL of a server as the tour has it, but quick."""
    host = LocalHost(
        tmp_path_factory.mktemp("target") / "target.log", {"--server": "flask", "--delay": "5ms"}
    )
    yield asyncio.run(host.start()).url
    asyncio.run(host.stop())


def alone(*command, **given):
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=PATIENCE_S, check=False, **given
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_each_program_runs_alone_and_prints_what_the_tour_reads(number, url, tmp_path):
    program, reader = file_of(number), Reader()
    copied = tmp_path / program.name
    copied.write_bytes(program.read_bytes())
    done = alone(str(copied), url, *(["200"] if NAMES[number - 1] == "cpu" else []), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for line in done.stdout.splitlines():
        reader.read(line)
    run, *_ = STEPS[NAMES[number - 1]].runs
    assert tuple(part.cost.label for part in reader.parts) == run.names
    assert all(part.cost.seconds >= 0.005 for part in reader.parts)
    assert reader.unanswered == 0


def test_the_programs_call_the_example_server_unless_told_otherwise():
    """Its port is fixed, so the server itself is asked through its app."""
    code = (
        "import importlib, sys, time; sys.path.insert(0, sys.argv[1]);"
        " server = importlib.import_module('00_server'); server.seconds = 0.05; began = time.perf_counter();"
        " print(server.app.test_client().get('/').text, time.perf_counter() - began >= 0.05)"
    )
    done = alone("-c", code, str(FOLDER))
    assert done.stdout.split() == ["hello", "True"], done.stderr
    for number in NUMBERS:
        assert "http://127.0.0.1:5000/" in file_of(number).read_text()


def test_a_program_without_its_server_fails_and_the_tour_says_so(tmp_path):
    told = []
    lab = Lab(1_000_000, told.append)

    async def run():
        async with lab:
            await lab._url(STEPS["blocking"].runs[0].server)
            lab._urls = dict.fromkeys(lab._urls, "http://127.0.0.1:1")
            await lab.run(file_of(1), STEPS["blocking"].runs[0])

    with pytest.raises(TargetError, match=r"^01_blocking.py failed: .*[Cc]onnection"):
        asyncio.run(run())


def test_requests_without_an_answer_are_an_error_also_where_the_program_ends_well():
    lab = Lab(1_000_000, [].append)

    async def run():
        async with lab:
            await lab._url(STEPS["task"].runs[0].server)
            lab._urls = dict.fromkeys(lab._urls, "http://127.0.0.1:1")
            await lab.run(file_of(8), STEPS["task"].runs[0])

    with pytest.raises(TargetError, match=r"^08_pressure.py: 5 of its requests were not answered"):
        asyncio.run(run())


def test_a_changed_program_that_prints_other_parts_is_named(tmp_path):
    file = tmp_path / "01_blocking.py"
    file.write_text("print('Cost time: 0.100 s  other')")
    lab = Lab(1_000_000, [].append)

    async def run():
        async with lab:
            await lab.run(file, STEPS["blocking"].runs[0])

    with pytest.raises(UsageError, match=r"01_blocking.py: it printed the Cost time of \('other',\)"):
        asyncio.run(run())


def test_a_step_tells_its_prediction_before_it_measures():
    kinds = [type(event) for event in taken(3)]
    assert kinds == [StepBegan, Predicted, Measured, StepEnded]


class Visitor:
    """Goes on at once, and notes what was told before each step."""

    def __init__(self, told, *, curious):
        self.told = told
        self.curious = curious

    async def go_on(self):
        self.told.append("go on")

    async def wants_further(self):
        self.told.append("further?")
        return self.curious


@pytest.mark.parametrize(("curious", "steps"), [(False, 7), (True, 11)])
def test_a_visitor_is_asked_before_each_step_and_once_for_the_further_ones(curious, steps, monkeypatch):
    told = []

    async def nothing(self, file, run):
        from loadlab.tour.timeline import Cost, Part

        return tuple(Part(Cost(0.1, name), ()) for name in run.names)

    monkeypatch.setattr(Lab, "run", nothing)
    asyncio.run(lead(Lab(1_000_000, told.append), Visitor(told, curious=curious)))
    kept = [each if isinstance(each, str) else type(each) for each in told]
    kept = [each for each in kept if each in ("go on", "further?", Began, StepBegan, Closed)]
    basic = [Began] + ["go on", StepBegan] * 7 + ["further?"]
    more = [StepBegan] + ["go on", StepBegan] * 3 + ["go on"]
    assert kept == [*basic, *(more if curious else []), Closed]
    assert len(told[-1].rows) >= steps


def test_the_states_are_seen_while_the_request_is_on_its_way():
    seen = [event.text for event in taken(5) if isinstance(event, Seen)]
    words = [line.split()[-3:] for line in seen]
    assert words[0] == ["coroutine", "task", "future"]
    assert words[1:] == [
        ["created", "-", "-"],
        ["created", "pending", "-"],
        ["running", "pending", "pending"],
        ["suspended", "pending", "pending"],
        ["closed", "finished", "finished"],
    ]


def test_a_pause_is_read_in_three_ways_side_by_side():
    seen = [event.text for event in taken(11) if isinstance(event, Seen)]
    assert seen[0].split() == ["p50", "p90", "max"]
    (_, user_90, user_max), (_, _, sent_max), (_, due_90, _) = (
        [int(figure) for figure in re.findall(r"(\d+) ms", line)] for line in seen[1:]
    )
    assert user_max > 1000, "the pause is in the maximum"
    assert sent_max > 1000
    assert user_90 < due_90, "and in the p90 of the schedule alone"
    assert due_90 > 900


def test_what_is_drawn_is_what_the_delay_makes():
    (measured,) = (event for event in taken(1, delay_ms=40) if isinstance(event, Measured))
    (part,) = measured.parts
    assert [span.label for span in part.spans] == list("12345")
    assert all(span.done_s - span.sent_s >= 0.04 for span in part.spans)


@pytest.mark.parametrize("name", ["states", "5"])
def test_only_takes_one_step(name):
    ended = tour("--only", name, "--delay", "20ms")
    assert ended.returncode == 0
    assert ended.stdout.count("Remember: ") == 1
    assert "5  What a coroutine" in ended.stdout


def test_a_proxy_of_the_environment_is_left_out():
    proxies = {"http_proxy": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    ended = tour("--only", "blocking", "--delay", "5ms", env=os.environ | proxies)
    assert ended.returncode == 0, ended.stderr


def test_without_utf_8_everything_is_ascii():
    ended = tour("--only", "blocking", "--delay", "5ms", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 0
    assert ended.stdout.isascii()
    assert "?" not in ended.stdout
    assert re.search(r"^    1 \|-+\|$", ended.stdout, re.MULTILINE)


def test_the_wheel_has_the_programs_and_its_tour_shows_where_they_are(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE_S)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    ended = tour(
        "--only",
        "states",
        "--delay",
        "5ms",
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
    )
    assert ended.returncode == 0, ended.stderr
    program = tmp_path / "installed" / "loadlab" / "tour" / "examples" / "05_states.py"
    assert str(program) in ended.stdout.replace("\n", "")
    assert step_of(ended.stdout, 5).count("\n") + 3 <= HEIGHT, "one screen, although its path takes two lines"
    assert program.read_bytes() == (ROOT / "examples" / "tour" / program.name).read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--only", "taks"), "Did you mean task?"),
        (("--only", "0"), "there is no step '0'"),
        (("--only", "task", "--further"), "--further can't be combined with --only"),
        (("--delay", "soon"), "--delay: 'soon' is not a duration"),
        (("--delay", "exp:50ms"), "--delay: 'exp:50ms' is not a duration"),
        (("--delay", "0"), "--delay: '0' is not from 1ms to 10s"),
        (("--delay", "2m"), "--delay: '2m' is not from 1ms to 10s"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(options, sentence):
    ended = tour(*options)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert sentence in ended.stderr
    assert ended.stdout == ""


def starting(processes):
    """The server is being started: the lab's own, or the sink of step 9."""
    return any(b"loadlab_target" in each.command or b"sink_process" in each.command for each in processes)


def running(processes):
    """The program is on."""
    return any(b"tour/examples" in each.command for each in processes)


def pooled(processes):
    """The program has processes of its own."""
    return sum(b"spawn_main" in each.command or b"tour/examples" in each.command for each in processes) >= 3


def standing(processes):
    """The server stands still."""
    return any(each.state == "T" for each in processes)


def start_until(only, phase):
    """Start one step, wait until it is in this phase, and return the process and its mark."""
    mark = secrets.token_hex(8)
    process = subprocess.Popen(
        [*TOUR, "--only", only, "--delay", "10s" if only in ("1", "10") else "100ms"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**UNSIZED, "LOADLAB_TEST": mark},
    )
    wait_until(lambda: phase(alive(mark)))
    return process, mark


PHASES = [("1", starting), ("1", running), ("9", starting), ("9", pooled), ("10", pooled), ("11", standing)]


@pytest.mark.parametrize(("only", "phase"), PHASES)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_at_once_and_leaves_nothing_behind(only, phase, number):
    process, mark = start_until(only, phase)
    process.send_signal(number)
    began_s = time.monotonic()
    _, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert complaints.startswith("loadlab: interrupted; the server is stopped\n")
    assert "Traceback" not in complaints
    assert time.monotonic() - began_s < AT_ONCE_S
    wait_until(lambda: alive(mark) == [])


@pytest.mark.parametrize(("only", "phase"), [("1", running), ("10", pooled)])
def test_a_tour_that_is_killed_leaves_nothing_behind(only, phase):
    process, mark = start_until(only, phase)
    process.kill()
    process.communicate()
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
    mark = secrets.token_hex(8)
    monkeypatch.setenv("LOADLAB_TEST", mark)
    lab = Lab(10_000_000_000, [].append)

    async def kill_when_running():
        touring = asyncio.create_task(take_one(lab, 3))
        await until(lambda: running(alive(mark)))
        (host,) = lab._hosts.values()
        os.killpg(host._child.process.pid, signal.SIGKILL)
        await touring

    with pytest.raises(TargetError) as caught:
        asyncio.run(kill_when_running())
    log = re.search(r"\S+\.log", str(caught.value))[0]
    assert Path(log).is_relative_to(tmp_path)
    assert Path(log).exists()
