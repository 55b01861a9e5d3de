"""`loadlab carry` and the host that follows it, over the engine's framing but without an engine.

The container is a process of this machine; what a container adds is in tests/stack.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fake_stack import LocalStack
from live import descendants, users_of
from loadlab import errand, store
from loadlab.errand import Aboard, Errand, Refused
from loadlab.errors import Exit, LabError
from loadlab.events import RunBegan, RunEnded, StageEnded, Tick
from loadlab.fleet.supervisor import Control
from loadlab.plan import Request
from loadlab.result import Verdict
from loadlab.stack import InStack

pytestmark = [pytest.mark.real, pytest.mark.timeout(60)]
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A target that is up, as it announces itself: url and metrics_url."""
    announce = tmp_path_factory.mktemp("target") / "target.json"
    command = [sys.executable, "-m", "loadlab_target", "--stop-with-stdin", "--announce", str(announce)]
    command += ["--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0", "--delay", "20ms"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not announce.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield json.loads(announce.read_text())
        process.stdin.close()


def requests_of(target):
    from loadlab.hosts.metrics import read

    return asyncio.run(read(target["metrics_url"])).get("target_requests_total")


def carry(stack, plan, tmp_path, *, meanwhile=None):
    """Carry a plan through the stack; `meanwhile` is called with each event, the control and the stack."""
    control, events = Control(), []

    def tell(event):
        events.append(event)
        if meanwhile is not None:
            meanwhile(event, control, stack)

    folder = store.Folder(tmp_path, plan.scenario)
    return asyncio.run(InStack(stack).carry(plan, folder, control, tell)), events


def local(target):
    return LocalStack(target["url"], target["metrics_url"])


def on_first_tick(act):
    """Return a `meanwhile` that acts once, when load is flowing."""
    done = []

    def meanwhile(event, control, stack):
        if isinstance(event, Tick) and event.finished and not done:
            done.append(event)
            act(control, stack)

    return meanwhile


def test_a_run_over_there_counts_what_the_target_counts(target, tmp_path):
    before = requests_of(target)
    result, events = carry(local(target), users_of("pool", 4, SECOND), tmp_path)
    assert result.verdict is Verdict.PASS
    assert result.stages[0].sent_total == requests_of(target) - before > 0
    assert isinstance(events[0], RunBegan)
    assert any(isinstance(event, Tick) for event in events)
    assert isinstance(events[-2], StageEnded)
    assert events[-1] == RunEnded(result)


def test_a_stop_drains_and_keeps(target, tmp_path):
    stop = on_first_tick(lambda control, _: control.stop())
    started = time.monotonic()
    result, _ = carry(local(target), users_of("pool", 4, 30 * SECOND), tmp_path, meanwhile=stop)
    assert time.monotonic() - started < 10
    assert result.interrupted
    assert result.stages[0].counts.unfinished == 0 < result.stages[0].counts.ok


def test_a_client_that_is_killed_is_told_and_leaves_no_process(target, tmp_path):
    left = {}

    def kill(_, stack):
        left.update(descendants(stack.child.pid))
        stack.child.kill()

    plan = users_of("pool", 4, 30 * SECOND)
    result, _ = carry(local(target), plan, tmp_path, meanwhile=on_first_tick(kill))
    assert result.verdict is Verdict.INVALID
    assert "exit code 137" in result.checks[0].message
    assert len(left) >= 3  # two workers, and what multiprocessing keeps beside them
    gone_within(5, left)


def test_a_target_that_is_not_there_is_refused_with_the_hosts_own_sentence_and_code(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(LabError, match=f"{url}/ cannot be reached") as refused:
            carry(LocalStack(url, ""), users_of("task", 1), tmp_path)
    assert refused.value.exit is Exit.TARGET


def start(target, **environment):
    env = {"LOADLAB_TARGET": target["url"], "LOADLAB_TARGET_METRICS": target["metrics_url"]} if target else {}
    outer = {name: value for name, value in os.environ.items() if not name.startswith("LOADLAB_TARGET")}
    return subprocess.Popen(
        [sys.executable, "-m", "loadlab", "carry"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=outer | env | environment,
    )


def say(process, line):
    process.stdin.write(line + b"\n")
    process.stdin.flush()


def gone_within(seconds, pids):
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_end_of_its_input_ends_it_and_all_its_workers(target):
    with start(target) as process:
        say(process, errand.encode(Errand("r", users_of("pool", 4, 30 * SECOND))))
        while not isinstance(event := errand.decode(process.stdout.readline()), Tick) or not event.finished:
            pass
        left = descendants(process.pid)
        process.stdin.close()
        gone_within(5, [process.pid, *left])


def test_a_host_that_does_not_listen_any_more_does_not_keep_it(target):
    """Its output is full and nobody reads: the load goes on, and ends with its input all the same."""
    with start(target) as process:
        more_than_a_pipe_holds = (Request(url=target["url"], method="POST", body=b"x" * 200_000),)
        say(
            process,
            errand.encode(Errand("r", users_of("task", 1, 30 * SECOND, requests=more_than_a_pipe_holds))),
        )
        before = requests_of(target)
        deadline = time.monotonic() + 20
        while requests_of(target) < before + 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        left = descendants(process.pid)
        process.stdin.close()
        gone_within(6, [process.pid, *left])


@pytest.mark.parametrize("line", [b"", b"{}", b"stop", b'{"run_id": 1}'])
def test_what_is_no_errand_is_refused(target, line):
    with start(target) as process:
        said, _ = process.communicate(line + b"\n", timeout=20)
    refused = errand.decode(said)
    assert isinstance(refused, Refused)
    assert refused.exit is Exit.USAGE
    assert process.returncode == 2


def test_outside_of_a_client_container_it_says_so():
    with start(None) as process:
        said, _ = process.communicate(b"", timeout=20)
    assert "LOADLAB_TARGET" in errand.decode(said).sentence
    assert process.returncode == 2


def test_standard_output_is_for_events_alone(target):
    """What anything else prints there, a worker's library for example, goes to standard error."""
    plan = users_of("pool", 2, SECOND // 2)
    with start(target, PYTHONVERBOSE="", PYTHONWARNINGS="always") as process:
        say(process, errand.encode(Errand("r", plan)))
        events = [errand.decode(line) for line in process.stdout]
    assert isinstance(events[0], Aboard)
    assert isinstance(events[-1], RunEnded)
    assert events[-1].result.run_id == "r"
