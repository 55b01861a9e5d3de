"""A run that an agent carries for a client that stays to its end: the host of a stack, without an engine.

The client container is a process of this machine; what a container adds is in tests/stack.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from loadlab.errors import Exit, LabError
from loadlab.fleet.stop import Control
from loadlab.results import run_folder
from loadlab.results.events import RunBegan, RunEnded, StageEnded, Tick
from loadlab.results.result import Verdict
from loadlab.stack.run_in_stack import StackRunner
from loadlab.workload.plan import Request
from support.agents import JSON, RunningAgent, finish
from support.fake_stack import LocalStack, carried
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


def run_plan(stack, plan, tmp_path, *, meanwhile=None):
    """Run a plan in the stack; `meanwhile` is called with each event, the control and the stack."""
    control, events = Control(), []

    def tell(event):
        events.append(event)
        if meanwhile is not None:
            meanwhile(event, control, stack)

    folder = run_folder.Folder(tmp_path, plan.scenario)
    return asyncio.run(
        carried(StackRunner(stack), plan.with_target(stack.base), folder, control, tell)
    ), events


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
    result, events = run_plan(local, users_of("pool", 4, SECOND), tmp_path)
    assert sound(result)
    assert result.stages[0].sent_total == requests_of(target) - before > 0
    assert isinstance(events[0], RunBegan)
    assert any(isinstance(event, Tick) for event in events)
    assert isinstance(events[-2], StageEnded)
    assert events[-1] == RunEnded(result)


def test_a_stop_drains_and_keeps(local, tmp_path):
    stop = on_first_tick(lambda control, _: control.stop())
    started = time.monotonic()
    result, _ = run_plan(local, users_of("pool", 4, 30 * SECOND), tmp_path, meanwhile=stop)
    assert time.monotonic() - started < 20
    assert result.interrupted
    assert result.stages[0].counts.unfinished == 0 < result.stages[0].counts.ok


def test_an_agent_that_is_killed_is_told_and_what_was_finished_is_kept(target, tmp_path):
    left = {}

    def kill(event, _, stack):
        if isinstance(event, StageEnded):
            left.update(descendants(stack.process.pid))
            stack.process.process.kill()

    plan = users_of("pool", 4, SECOND // 2)
    plan = msgspec.structs.replace(plan, stages=plan.stages * 40)
    with at(target["url"], target["metrics_url"], tmp_path) as mortal:
        result, _ = run_plan(LocalStack(mortal, target["url"]), plan, tmp_path, meanwhile=kill)
    assert result.verdict is Verdict.INVALID
    assert "the agent" in result.checks[0].message
    assert len(result.stages) >= 1
    gone_within(20, left)


def test_a_second_run_is_refused_with_the_agents_sentence(local, agent, tmp_path):
    run_id = agent.start(duration="20s")
    with pytest.raises(LabError, match=f"{run_id} is under way .* one load at a time") as refused:
        run_plan(local, users_of("task", 1), tmp_path)
    assert refused.value.exit is Exit.USAGE
    finish(agent, run_id)


def test_a_target_that_is_not_there_is_refused_with_the_hosts_own_sentence_and_code(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            at(url, "", tmp_path) as agent,
            pytest.raises(LabError, match=f"{url}/ cannot be reached") as refused,
        ):
            run_plan(LocalStack(agent, url), users_of("task", 1), tmp_path)
    assert refused.value.exit is Exit.TARGET


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


def test_an_owner_that_leaves_gives_its_run_up_and_leaves_no_worker(agent):
    """However it leaves: the connection that the run was asked for on is its owner."""
    with owned(agent) as owner:
        load = load_once_it_flows(agent, owner)
        owner.close()
        gone_within(20, load)
    wait_until(lambda: agent.running() is None)


def test_an_owner_that_does_not_read_costs_its_run_nothing_until_it_leaves(target, agent):
    """Such as a terminal that is suspended: the load goes on, and ends with its connection all the same."""
    # Told back in the plan: more than a connection holds.
    many = tuple(Request(url=f"{target['url']}/?{'x' * 4000}{number}") for number in range(600))
    before = requests_of(target)
    with owned(agent, requests=many) as owner:
        deadline = time.monotonic() + 60
        while requests_of(target) < before + 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        load = load_of(agent)
        assert load
        owner.close()
        gone_within(20, load)


def test_an_owners_run_has_the_plans_own_limits_alone(target, agent):
    """A run that outlives its connection is refused where it is longer than an hour, or larger."""
    plan = users_of("task", 1, 7200 * SECOND, requests=(Request(url=target["url"], body=b"x" * 500_000),))
    alone = agent.ask("POST", "/api/runs", msgspec.json.encode({"plan": plan}), **JSON)
    assert alone.status == 413
    with owned(agent, 7200 * SECOND, requests=plan.requests) as owner:
        assert load_once_it_flows(agent, owner)


@contextlib.contextmanager
def owned(agent, duration_ns=30 * SECOND, **changed):
    """A connection on which a run of this agent's has been asked for, of which nothing is read."""
    plan = users_of("pool", 4, duration_ns, **changed).with_target(agent.environment["LOADLAB_TARGET"])
    body = msgspec.json.encode({"plan": plan})
    head = f"POST /api/runs/mine HTTP/1.1\r\nHost: localhost\r\nAuthorization: {agent.authorization}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as owner:
            owner.sendall(head.encode() + body)
            yield owner
    finally:
        wait_until(lambda: agent.running() is None)


def load_once_it_flows(agent, owner):
    """Return the workers of the run that is owned, once it has finished a request."""
    with owner.makefile("rb") as lines:
        assert b" 200 " in lines.readline()
        for line in lines:
            event = json.loads(line[6:]) if line.startswith(b"data: ") else {}
            if event.get("type") == "Tick" and event["finished"]:
                return load_of(agent)
    raise AssertionError("the events ended")


@pytest.mark.parametrize("name", ["..", "a.b", "%2e%2e%2fetc", "a b"])
def test_what_is_no_name_of_a_run_is_refused(agent, name):
    answer = agent.post(f"/api/runs/{quote(name)}", {"plan": {}})
    assert answer.status in (400, 404, 405)
    assert agent.running() is None
