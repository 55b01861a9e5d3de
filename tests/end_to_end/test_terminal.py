"""`loadlab` at a real terminal: what it draws there, and that it gives the terminal back as it was."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from support.labs import CARRIED, VERDICT
from support.live import PATIENCE_S

pytestmark = pytest.mark.real

LOADLAB = [sys.executable, "-m", "loadlab"]
SWEEP = ["run", "task", "--concurrency", "1,2,4", "--duration", "600ms", "--warmup", "0", "--delay", "10ms"]
LONG = ["run", "task", "--concurrency", "1,4", "--duration", "30s", "--warmup", "0", "--delay", "50ms"]
HIDDEN, SHOWN = b"\x1b[?25l", b"\x1b[?25h"
CURVE = "rate per second"
NOW_AND_THEN = r"stage \d+: (warm-up|measuring|draining), "
"""A line that is written every few seconds, so only where a stage takes as long."""
UNSIZED = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
"""What a program at a terminal inherits: the size is the terminal's to tell."""


class AtTerminal:
    """A `loadlab` whose streams are a terminal of its own, which this reads and types into."""

    def __init__(self, folder, arguments, *, width=80, **environment):
        self._master, slave = pty.openpty()
        self.resize(width)
        self.settings = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [*LOADLAB, *arguments],
            cwd=folder,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=UNSIZED | {"TERM": "xterm-256color"} | environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else can do it
        )
        self._slave = slave
        self.written = b""

    def resize(self, width, height=24):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, keys):
        os.write(self._master, keys)

    def read_until(self, wanted, within_s=PATIENCE_S):
        deadline_s = time.monotonic() + within_s
        while wanted not in self.written:
            assert time.monotonic() < deadline_s, self.written
            self._read()

    def _read(self):
        if select.select([self._master], [], [], 0.2)[0]:
            self.written += os.read(self._master, 65_536)

    def end(self, within_s=PATIENCE_S):
        """Return the exit code, with everything read and the terminal's settings compared."""
        deadline_s = time.monotonic() + within_s
        while self.process.poll() is None:
            assert time.monotonic() < deadline_s, self.written
            self._read()
        while select.select([self._master], [], [], 0.2)[0]:
            self.written += os.read(self._master, 65_536)
        assert termios.tcgetattr(self._slave) == self.settings
        return self.process.returncode

    def hang_up(self):
        """Close the terminal, as closing its window does."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        for end in {self._master, self._slave} - {-1}:
            os.close(end)

    @property
    def text(self):
        return plain(self.written.decode())


def plain(written):
    """Return what stands there, without colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", written).replace("\r\n", "\n")


@pytest.fixture
def at_terminal(tmp_path):
    made = []

    def start(*arguments, **given):
        made.append(AtTerminal(tmp_path, arguments, **given))
        return made[-1]

    yield start
    for each in made:
        each.close()


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
