"""`loadlab` at a real terminal: what it draws there, and that it gives the terminal back as it was."""

import json
import os
import re
import subprocess

import pytest

from support.labs import CARRIED, VERDICT
from support.live import PATIENCE_S
from support.terminals import LOADLAB, plain

pytestmark = pytest.mark.real

SWEEP = ["run", "task", "--concurrency", "1,2,4", "--duration", "600ms", "--warmup", "0", "--delay", "10ms"]
LONG = ["run", "task", "--concurrency", "1,4", "--duration", "30s", "--warmup", "0", "--delay", "50ms"]
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"
CURVE = "rate per second"
NOW_AND_THEN = r"stage \d+: (warm-up|measuring|draining), "
"""A line that is written every few seconds, so only where a stage takes as long."""


def results(folder):
    return [json.loads(path.read_bytes()) for path in folder.glob("results/*/result.json")]


def assert_sane(terminal):
    assert terminal.written.count(HIDDEN) == terminal.written.count(SHOWN) == 1
    assert terminal.written.index(HIDDEN) < terminal.written.index(SHOWN)


def test_a_sweep_is_followed_on_the_screen_and_drawn_as_a_curve_at_its_end(at_terminal):
    terminal = at_terminal(*SWEEP)
    assert terminal.end() in CARRIED, terminal.text
    assert_sane(terminal)
    during, after = (plain(part.decode()) for part in terminal.written.split(SHOWN))
    assert "starting" in during
    assert "target: " in during
    assert CURVE not in during
    assert after.index(CURVE) < re.search(VERDICT, after).start()
    assert all(len(line) <= 80 for line in after.splitlines() if "\x1b" not in line)


def test_ctrl_c_gives_the_terminal_back(at_terminal, tmp_path):
    terminal = at_terminal(*LONG)
    terminal.read_until(b"measuring")
    terminal.type(b"\x03")
    assert terminal.end() == 130, terminal.text
    assert_sane(terminal)
    assert "stopping: waiting for what is in flight" in terminal.text
    assert [result["interrupted"] for result in results(tmp_path)] == [True]


def test_a_terminal_that_is_closed_ends_the_run_and_what_was_measured_is_kept(at_terminal, tmp_path):
    terminal = at_terminal(*LONG)
    terminal.read_until(b"measuring")
    terminal.hang_up()
    assert terminal.process.wait(PATIENCE_S) == 130
    (result,) = results(tmp_path)
    assert result["stages"][0]["counts"]["ok"] > 0
    assert result["failure"] is None


def test_a_resize_in_the_middle_changes_nothing_but_the_width(at_terminal):
    terminal = at_terminal(*SWEEP, "--duration", "3s", width=120)  # long enough to be resized in time
    terminal.read_until(b"measuring")
    terminal.resize(60)
    assert terminal.end() in CARRIED, terminal.text
    assert_sane(terminal)
    table = terminal.text.split(CURVE)[1]
    lines = [line for line in table.splitlines() if "result:" not in line and "\x1b" not in line]
    assert [line for line in lines if len(line) > 60] == []


def test_a_terminal_without_utf_8_gets_ascii(at_terminal):
    terminal = at_terminal(*SWEEP, PYTHONIOENCODING="ascii")
    assert terminal.end() in CARRIED, terminal.text
    assert terminal.written.isascii()
    assert b"1 worker x 64 threads" in terminal.written
    assert "* p50  o p99" in terminal.text


def test_a_pipe_without_utf_8_gets_ascii(tmp_path):
    done = subprocess.run(
        [*LOADLAB, *SWEEP],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in CARRIED, done.stderr
    assert done.stdout.isascii()
    assert done.stderr.isascii()


def test_nothing_of_it_in_a_pipe_even_where_colours_are_forced(tmp_path):
    done = subprocess.run(
        [*LOADLAB, *SWEEP],
        cwd=tmp_path,
        env=os.environ | {"FORCE_COLOR": "1", "TERM": "xterm"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode in CARRIED, done.stderr
    assert CURVE not in done.stdout
    assert "\x1b[?" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not re.match(NOW_AND_THEN, line)]
    assert len(lines) == 1 + 3 + 1, lines


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_who_asks_for_less_gets_no_curve(at_terminal, option):
    terminal = at_terminal(*SWEEP, option)
    assert terminal.end() in CARRIED, terminal.text
    assert CURVE not in terminal.text


def test_show_draws_the_curve_again_at_a_terminal_and_not_in_a_pipe(at_terminal, tmp_path):
    assert at_terminal(*SWEEP, "--quiet").end() in CARRIED
    (folder,) = (tmp_path / "results").iterdir()
    terminal = at_terminal("show", str(folder), NO_COLOR="1")
    assert terminal.end() == 0
    assert CURVE in terminal.text
    assert re.findall(rb"\x1b\[3\d", terminal.written) == []
    piped = subprocess.run(
        [*LOADLAB, "show", str(folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert piped.returncode == 0
    assert re.search(VERDICT, piped.stdout)
    assert CURVE not in piped.stdout
