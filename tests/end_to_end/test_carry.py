"""`loadlab carry`, the agent behind it, and the host that follows, over the engine's framing without one.

The container is a process of this machine; what a container adds is in tests/stack.
"""

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from loadlab.errors import Exit, LabError
from loadlab.fleet.stop import Control
from loadlab.remote import protocol
from loadlab.remote.protocol import Accepted, Refused, RunRequest
from loadlab.results import run_folder
from loadlab.results.events import RunBegan, RunEnded, StageEnded, Tick
from loadlab.results.result import Verdict
from loadlab.stack.run_in_stack import StackRunner
from loadlab.workload.plan import Request
from support.agents import RunningAgent, outer_environment
from support.fake_stack import LocalStack
from support.live import descendants, sound, users_of, wait_until, workers_of

pytestmark = pytest.mark.real
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
    from loadlab.targets.target_metrics import read

    return asyncio.run(read(target["metrics_url"])).get("target_requests_total")


def carry(stack, plan, tmp_path, *, meanwhile=None):
    """Carry a plan through the stack; `meanwhile` is called with each event, the control and the stack."""
    control, events = Control(), []

    def tell(event):
        events.append(event)
        if meanwhile is not None:
            meanwhile(event, control, stack)

    folder = run_folder.Folder(tmp_path, plan.scenario)
    return asyncio.run(StackRunner(stack).carry(plan, folder, control, tell)), events


@pytest.fixture(scope="module")
def agent(target, tmp_path_factory):
    """The agent of the client container."""
    with at(target["url"], target["metrics_url"], tmp_path_factory.mktemp("client")) as running:
        yield running


def at(url, metrics_url, folder):
    return RunningAgent(folder, LOADLAB_TARGET=url, LOADLAB_TARGET_METRICS=metrics_url)


@pytest.fixture
def local(target, agent):
    return LocalStack(agent, target["url"])


def load_of(agent):
    """The workers of an agent's run, each the head of a group of its own."""
    return workers_of(agent.pid)


def on_first_tick(act):
    """Return a `meanwhile` that acts once, when load is flowing."""
    done = []

    def meanwhile(event, control, stack):
        if isinstance(event, Tick) and event.finished and not done:
            done.append(event)
            act(control, stack)

    return meanwhile


def test_a_run_over_there_counts_what_the_target_counts(target, local, tmp_path):
    before = requests_of(target)
    result, events = carry(local, users_of("pool", 4, SECOND), tmp_path)
    assert sound(result)
    assert result.stages[0].sent_total == requests_of(target) - before > 0
    assert isinstance(events[0], RunBegan)
    assert any(isinstance(event, Tick) for event in events)
    assert isinstance(events[-2], StageEnded)
    assert events[-1] == RunEnded(result)


def test_a_stop_drains_and_keeps(local, tmp_path):
    stop = on_first_tick(lambda control, _: control.stop())
    started = time.monotonic()
    result, _ = carry(local, users_of("pool", 4, 30 * SECOND), tmp_path, meanwhile=stop)
    assert time.monotonic() - started < 20
    assert result.interrupted
    assert result.stages[0].counts.unfinished == 0 < result.stages[0].counts.ok


def test_a_client_that_is_killed_is_told_and_leaves_no_process(local, tmp_path):
    left = []

    def kill(_, stack):
        left.extend(load_of(stack.agent))
        stack.child.kill()

    plan = users_of("pool", 4, 30 * SECOND)
    result, _ = carry(local, plan, tmp_path, meanwhile=on_first_tick(kill))
    assert result.verdict is Verdict.INVALID
    assert "exit code 137" in result.checks[0].message
    assert len(left) == 2
    gone_within(20, left)
    wait_until(lambda: local.agent.running() is None)


def test_an_agent_that_is_killed_is_told_and_what_was_finished_is_kept(target, tmp_path):
    left = {}

    def kill(event, _, stack):
        if isinstance(event, StageEnded):
            left.update(descendants(stack.agent.pid))
            stack.agent.process.kill()

    plan = users_of("pool", 4, SECOND // 2)
    plan = msgspec.structs.replace(plan, stages=plan.stages * 40)
    with at(target["url"], target["metrics_url"], tmp_path) as mortal:
        result, _ = carry(LocalStack(mortal, target["url"]), plan, tmp_path, meanwhile=kill)
    assert result.verdict is Verdict.INVALID
    assert "exit code 3: the agent" in result.checks[0].message
    assert len(result.stages) >= 1
    gone_within(20, left)


def test_a_second_run_is_refused_with_the_agents_sentence(local, agent, tmp_path):
    run_id = agent.start(duration="20s")
    with pytest.raises(LabError, match=f"{run_id} is under way .* one load at a time") as refused:
        carry(local, users_of("task", 1), tmp_path)
    assert refused.value.exit is Exit.USAGE
    agent.stop(run_id)


def test_a_target_that_is_not_there_is_refused_with_the_hosts_own_sentence_and_code(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            at(url, "", tmp_path) as agent,
            pytest.raises(LabError, match=f"{url}/ cannot be reached") as refused,
        ):
            carry(LocalStack(agent, url), users_of("task", 1), tmp_path)
    assert refused.value.exit is Exit.TARGET


def start(agent, **environment):
    """Start `loadlab carry` in an agent's container, or outside of any."""
    env = {}
    if agent is not None:
        env = agent.environment | {"LOADLAB_AGENT_SOCKET": str(agent.socket)}
    return subprocess.Popen(
        [sys.executable, "-m", "loadlab", "carry"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=outer_environment() | env | environment,
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


def test_the_end_of_its_input_ends_it_and_all_its_workers(agent):
    with start(agent) as process:
        say(process, protocol.encode(RunRequest("r", users_of("pool", 4, 30 * SECOND))))
        while not isinstance(event := protocol.decode(process.stdout.readline()), Tick) or not event.finished:
            pass
        left = load_of(agent)
        assert left
        process.stdin.close()
        gone_within(20, [process.pid, *left])


def test_a_host_that_does_not_listen_any_more_does_not_keep_it(target, agent):
    """Its output is full and nobody reads: the load goes on, and ends with its input all the same."""
    with start(agent) as process:
        more_than_a_pipe_holds = (Request(url=target["url"], method="POST", body=b"x" * 200_000),)
        say(
            process,
            protocol.encode(
                RunRequest("r", users_of("task", 1, 30 * SECOND, requests=more_than_a_pipe_holds))
            ),
        )
        before = requests_of(target)
        deadline = time.monotonic() + 20
        while requests_of(target) < before + 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        left = load_of(agent)
        assert left
        process.stdin.close()
        gone_within(20, [process.pid, *left])


@pytest.mark.parametrize("line", [b"", b"{}", b"stop", b'{"run_id": 1}'])
def test_what_is_no_run_request_is_refused(agent, line):
    with start(agent) as process:
        said, _ = process.communicate(line + b"\n", timeout=20)
    refused = protocol.decode(said)
    assert isinstance(refused, Refused)
    assert refused.exit is Exit.USAGE
    assert process.returncode == 2


def test_outside_of_a_client_container_it_says_so():
    with start(None) as process:
        said, _ = process.communicate(b"", timeout=20)
    assert "LOADLAB_TARGET" in protocol.decode(said).sentence
    assert process.returncode == 2


def test_standard_output_is_for_events_alone(agent):
    """What anything else prints there, a worker's library for example, goes to standard error."""
    plan = users_of("pool", 2, SECOND // 2)
    with start(agent, PYTHONVERBOSE="", PYTHONWARNINGS="always") as process:
        say(process, protocol.encode(RunRequest("r", plan)))
        events = [protocol.decode(line) for line in process.stdout]
    assert isinstance(events[0], Accepted)
    assert isinstance(events[-1], RunEnded)
    assert events[-1].result.run_id == "r"
