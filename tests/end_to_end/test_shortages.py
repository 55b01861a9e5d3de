"""What the client runs out of makes a run INVALID, and is named with how much there is and what to do."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.transports.scripted import Peer, ScriptedServer, answers
from support.namespaces import need_network

pytestmark = pytest.mark.real

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PORTS = 32
WAYS = [("task", "aiohttp"), ("task", "wire"), ("callback", "wire"), ("threads", "requests")]
IN_A_NETWORK_OF_ITS_OWN = f"""
import subprocess, sys
from pathlib import Path
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("32768 {32768 + PORTS - 1}")
from contract.transports.scripted import ScriptedServer, answers
with ScriptedServer(answers({FINE!r}), port=8000):
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def command(*options: str, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "loadlab", "run", *options,
        "--duration", "500ms", "--warmup", "0s", "--timeout", "2s", "--json", "--quiet", "--out", str(out),
    ]  # fmt: skip


@pytest.fixture
def served() -> Iterator[str]:
    with ScriptedServer(answers(FINE)) as server:
        yield server.url


def told(done: subprocess.CompletedProcess[str], check: str) -> tuple[dict, str]:
    assert done.returncode == 3, done.stderr
    result = json.loads(done.stdout)
    assert (result["verdict"], result["target_lost"]) == ("invalid", None)
    return result["stages"][0], next(each["message"] for each in result["checks"] if each["name"] == check)


@pytest.mark.parametrize(("scenario", "transport"), WAYS)
def test_local_ports(scenario, transport, tmp_path):
    need_network()
    run = command(
        scenario,
        "--transport",
        transport,
        "--concurrency",
        "64",
        "--target",
        "http://127.0.0.1:8000/",
        out=tmp_path,
    )
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", IN_A_NETWORK_OF_ITS_OWN, *run],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    stage, message = told(done, "client_resources")
    assert stage["client"]["shortages"][0]["resource"] == "local ports"
    assert f"local ports ran out (the limit is {PORTS})" in message
    assert "ip_local_port_range" in message


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))


@pytest.fixture
def slow() -> Iterator[str]:
    """A server that answers each request after a while: requests are in flight together at any speed."""

    def answer(peer: Peer) -> None:
        while peer.read():
            peer.pause(0.3)
            peer.say(FINE)

    with ScriptedServer(answer) as server:
        yield server.url


@pytest.mark.parametrize("transport", ["aiohttp", "wire"])
def test_open_files(slow, transport, tmp_path):
    run = command(
        "task",
        "--transport",
        transport,
        "--rate",
        "4000",
        "--max-in-flight",
        "2000",
        "--target",
        slow,
        out=tmp_path,
    )
    done = subprocess.run(run, capture_output=True, text=True, check=False, preexec_fn=few_files)

    stage, message = told(done, "open_files")
    assert stage["counts"]["connect_error"] == stage["client"]["files_exhausted"] > 0
    assert stage["findings"][-1]["name"] != "worker_lost"
    assert "open files ran out (the limit is 128)" in message
    assert "ulimit -n" in message


NO_ROOM_FOR_A_THREAD = """
import resource, threading
from pathlib import Path
from loadlab.system.limits import lacking
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (4 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    print(str(error), lacking(error))
"""


def test_no_memory_for_a_thread_is_a_shortage_of_memory_and_not_of_threads():
    """The system has one word for both."""
    done = subprocess.run(
        [sys.executable, "-c", NO_ROOM_FOR_A_THREAD], capture_output=True, text=True, check=True
    )
    assert done.stdout == "can't start new thread memory\n"
