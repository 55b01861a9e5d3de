"""The sink that every client is measured against: nginx with an answer from memory, on a core of its own."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CORE = "1"


@contextmanager
def nginx() -> Iterator[str]:
    """Run it on a free port, from a folder of its own; give its URL."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("nginx is missing: install the package nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        written = Path(__file__).with_name("nginx.conf").read_text()
        config.write_text(written.replace("PORT", str(port)))
        server = subprocess.Popen(["taskset", "-c", CORE, program, "-p", folder, "-c", config])
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait()


def served(url: str) -> int:
    """Return how many requests nginx had taken before this one."""
    with urllib.request.urlopen(f"{url}count") as reply:  # noqa: S310 - nginx's own page, on loopback
        told = reply.read().decode()
    found = re.search(r"\d+ \d+ (\d+)", told)
    assert found is not None, told
    return int(found[1]) - 1


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            served(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("nginx does not answer")
