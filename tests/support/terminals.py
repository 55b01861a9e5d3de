"""A `loadlab` at a terminal of its own."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

from support.live import PATIENCE_S

LOADLAB = [sys.executable, "-m", "loadlab"]
UNSIZED = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
"""What a program at a terminal inherits: the size is the terminal's to tell."""


class AtTerminal:
    """A program at a terminal of its own, which this reads and types into."""

    def __init__(self, folder, arguments, *, width=80, height=24, program=LOADLAB, **environment):
        self._master, slave = pty.openpty()
        self.resize(width, height)
        self.settings = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [*program, *arguments],
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
