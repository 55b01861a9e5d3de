"""`loadlab run` on the host while this folder's stack is up: the client container carries it.

Every run here is bounded and small; the target's own counter is the witness of what was really sent.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST_LINE = "in this folder's Compose stack (client container → target container: gunicorn, 1 worker × 64"


class Lab:
    """`loadlab` on the host, in this checkout, with the stack of one compose generation."""

    def __init__(self, stack, results):
        self.stack = stack
        self.results = results
        self.started = []

    def start(self, *args):
        process = subprocess.Popen(
            [sys.executable, "-m", "loadlab", "run", *args, "--out", str(self.results)],
            cwd=ROOT,
            env=os.environ | {"COMPOSE_PROJECT_NAME": self.stack.project},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *args):
        return self.end(self.start(*args))

    def end(self, process, timeout_s=60):
        """Exit code, what was said on standard error, and the result, if there is one."""
        try:
            _, said = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
        return process.returncode, said, self.result()

    def result(self):
        written = sorted(self.results.glob("*/result.json"))
        return json.loads(written[-1].read_text()) if written else None

    def load(self, *args):
        """Start a run and return once the target is busy with it."""
        self.stack.wait_for_scrape()
        before = self.requests()
        process = self.start(*args)
        within(20, lambda: self.requests() > before + 2)
        return process

    def requests(self):
        return counted(self.stack)

    def over(self):
        """Tell whether nothing is left of its runs: no process, and no request that still has a thread."""
        running = {name for name, one in self.stack.containers().items() if one.status == "running"}
        if "client" in running and self.processes():
            return False
        return not any(threads for _, threads in self.stack.prometheus("sum(target_busy_threads)"))

    def processes(self):
        """The workers in the client container."""
        listed = self.stack.container("client").top(ps_args="-eo pid,pgid,args")["Processes"]
        return [command for pid, group, command in listed if "spawn_main" in command and pid == group]


def counted(stack):
    """The target's own count of its requests, as Prometheus has it: up to a second old."""
    return sum(value for _, value in stack.prometheus("sum(target_requests_total)"))


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def lab(stack, tmp_path):
    lab = Lab(stack, tmp_path / "results")
    yield lab
    for process in lab.started:
        process.kill()
        process.wait()
    # The next test's run would be refused during a load, and takes what the target counts for its own.
    within(20, lab.over)


def test_a_run_says_where_it_happens_and_every_request_is_in_the_targets_counter(lab, stack):
    stack.wait_for_scrape()
    before = lab.requests()
    code, said, result = lab.run("pool", "--concurrency", "1,8", "--duration", "2s")
    stack.wait_for_scrape()

    assert code == 0, said
    assert said.splitlines()[0].startswith(FIRST_LINE)
    assert "stage 8: " in said
    assert sum(stage["sent_total"] for stage in result["stages"]) == lab.requests() - before
    assert result["environment"]["where"].startswith(FIRST_LINE)
    assert result["environment"]["container"] is True
    [folder] = lab.results.iterdir()
    assert result["run_id"] == folder.name
    assert (folder / "result.json").stat().st_uid == os.getuid()


def test_a_result_has_what_both_containers_took(lab):
    _, _, result = lab.run("pool", "--concurrency", "4,16", "--duration", "2s")
    assert len(result["stages"]) == 2
    for stage in result["stages"]:
        assert set(stage["containers"]) == {"client", "target"}
        for usage in stage["containers"].values():
            assert 0 < usage["cpu_ratio"] < (os.cpu_count() or 1)
            assert usage["cpu_throttled_ns"] == 0
            assert 2**20 < usage["memory_bytes"] < usage["memory_limit_bytes"] == 2**30
            assert usage["cpu_limit_cores"] is None


@pytest.mark.either_compose
def test_a_client_container_that_its_cpu_limit_holds_back_makes_the_run_invalid(lab, stack, mended):
    stack.up(CLIENT_CPUS=0.2)
    code, said, result = lab.run("task", "--concurrency", "64", "--duration", "3s", "--path", "/?delay=1ms")
    assert code == 3, said
    (stage,) = result["stages"]
    assert stage["state"] == "invalid"
    failed = {check["name"]: check for check in result["checks"] if check["outcome"] == "fail"}
    assert "client_throttled" in failed
    assert "the client's CPU limit held it back" in failed["client_throttled"]["message"]
    usage = stage["containers"]["client"]
    assert usage["cpu_limit_cores"] == result["environment"]["cpu_usable"] == 0.2
    assert usage["cpu_ratio"] < 0.3
    assert usage["cpu_throttled_ns"] > 0
    assert result["plan"]["processes"] == 1


def test_other_settings_than_the_stacks_are_refused_with_the_make_line(lab):
    code, said, result = lab.run("pool", "--workers", "2", "--threads", "64", "--delay", "50ms")
    assert (code, result) == (2, None)
    assert (
        "--workers 2, --delay 50ms: this folder's Compose stack is up with WORKERS=1, TARGET_DELAY=100ms"
        in said
    )
    assert "`make up WORKERS=2 TARGET_DELAY=50ms`" in said
    assert not list(lab.results.glob("*"))


def test_the_stacks_own_settings_are_no_contradiction(lab):
    code, said, _ = lab.run(
        "task", "--requests", "8", "--concurrency", "4", "--workers", "1", "--delay", "0.1s"
    )
    assert code == 0, said


def test_a_named_target_is_loaded_from_here(lab, stack):
    url = f"http://127.0.0.1:{stack.target_port}"
    code, said, result = lab.run("task", "--requests", "4", "--concurrency", "2", "--target", url)
    assert code == 0, said
    assert said.startswith(f"{url}/, from this process")
    assert result["stages"][0]["containers"] is None


def test_it_also_runs_inside_the_client_container(stack):
    done = stack.exec("client", "loadlab", "run", "pool", "--concurrency", "4", "--duration", "1s")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("in the client container of a Compose stack, http://target:8000")
    assert "PASS" in done.stdout
    assert stack.exec("client", "sh", "-c", "ls /results/*/result.json").returncode == 0


@pytest.mark.either_compose
def test_an_error_in_the_container_is_the_hosts_error(lab):
    code, said, result = lab.run("task", "--requests", "30000", "--concurrency", "30000")
    assert (code, result) == (2, None), said
    assert "--concurrency: 30000 needs 30000 connections in one process" in said


@pytest.mark.either_compose
def test_ctrl_c_drains_and_keeps(lab, stack):
    process = lab.load("pool", "--concurrency", "4,8", "--duration", "20s", "--warmup", "0")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    code, said, result = lab.end(process)
    assert code == 130, said
    assert time.monotonic() - asked < 8
    assert "stopping: waiting for what is in flight" in said
    assert result["interrupted"] is True
    [stage] = result["stages"]
    assert stage["counts"]["ok"] == stage["counts"]["scheduled"] > 0
    stack.wait_for_scrape()
    still = lab.requests()
    time.sleep(1)
    stack.wait_for_scrape()
    assert lab.requests() == still
    assert lab.processes() == []


@pytest.mark.either_compose
def test_a_second_ctrl_c_does_not_wait(lab):
    process = lab.start(
        "task", "--path", "/?delay=8s", "--concurrency", "4", "--duration", "20s", "--warmup", "0"
    )
    within(15, lab.processes)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    code, said, result = lab.end(process)
    assert code == 130, said
    assert time.monotonic() - asked < 6
    assert result["stages"][0]["counts"]["unfinished"] == 4


@pytest.mark.either_compose
def test_ctrl_c_before_the_load_leaves_nothing(lab, stack):
    process = lab.start("pool", "--concurrency", "4", "--duration", "20s")
    within(15, lambda: stack.agent("/api/state")[1]["running"])
    process.send_signal(signal.SIGINT)
    code, said, result = lab.end(process)
    assert (code, result) == (130, None)
    assert "interrupted before the load began; nothing was measured" in said
    within(10, lambda: lab.processes() == [])


@pytest.mark.either_compose
def test_a_host_that_dies_leaves_no_load_behind(lab):
    process = lab.load("pool", "--concurrency", "8", "--duration", "60s")
    assert lab.processes()
    process.kill()
    within(20, lambda: lab.processes() == [])
    lab.end(process)


@pytest.mark.either_compose
def test_a_target_that_is_killed_ends_the_run_and_the_data_is_kept(lab, stack, mended):
    process = lab.load("pool", "--concurrency", "4", "--duration", "60s")
    time.sleep(3)
    stack.container("target").kill()
    killed = time.monotonic()
    code, said, result = lab.end(process)
    assert code == 4, said
    assert time.monotonic() - killed < 30, "the container has ended, so the run does, too"
    assert "its container has exited with code 137" in result["target_lost"]
    assert result["stages"][0]["counts"]["ok"] > 0


@pytest.mark.either_compose
def test_a_target_that_is_paused_shows_as_timeouts_and_the_run_comes_to_its_end(lab, stack, mended):
    process = lab.load(
        "pool", "--concurrency", "4", "--duration", "15s", "--timeout", "1s", "--max-errors", "none"
    )
    time.sleep(5)  # until its warm-up is over, on a busy machine too
    target = stack.container("target")
    target.pause()
    time.sleep(3)
    target.unpause()
    code, said, result = lab.end(process)
    [stage] = result["stages"]
    assert code == 0, said
    assert result["target_lost"] is None
    assert stage["counts"]["timeout"] > 0
    assert {"unanswered", "target_away"} <= {finding["name"] for finding in stage["findings"]}
    [outage] = stage["outages"]
    assert 2e9 < outage["to_ns"] - outage["from_ns"] < 5e9
    assert stage["window_ns"] == 15_000_000_000


@pytest.mark.either_compose
def test_a_target_that_is_stopped_and_started_is_away_for_a_while_and_the_run_goes_on(lab, stack, mended):
    process = lab.load(
        "pool", "--concurrency", "4", "--duration", "20s", "--timeout", "1s", "--max-errors", "none"
    )
    time.sleep(2)
    target = stack.container("target")
    target.stop(timeout=5)
    time.sleep(3)  # far longer than a request may wait: a quick restart is one that no request fails of
    target.start()
    code, said, result = lab.end(process)
    [stage] = result["stages"]
    assert code == 0, said
    assert result["target_lost"] is None
    assert stage["window_ns"] == 20_000_000_000
    assert stage["outages"], "it was away"
    assert stage["outages"][-1]["to_ns"] < stage["window_ns"], "and came back"


@pytest.mark.either_compose
def test_a_client_container_that_is_killed_makes_the_run_invalid_and_finished_stages_are_kept(
    lab, stack, mended
):
    process = lab.start("pool", "--concurrency", "2,4", "--duration", "3s")
    while not re.match(r"stage 2: [0-9,]+ requests", process.stderr.readline()):
        assert process.poll() is None
    stack.container("client").kill()
    code, said, result = lab.end(process)
    assert code == 3, said
    assert result["checks"][0]["message"] == (
        "the client container has exited with code 137 during the run:"
        " finished stages are kept, the rest is unknown"
    )
    assert result["verdict"] == "invalid"
    assert [stage["label"] for stage in result["stages"]] == ["2"]
    assert result["environment"]["container"] is True


@pytest.mark.either_compose
def test_a_client_container_that_is_paused_is_told_and_finished_stages_are_kept(lab, stack, mended):
    process = lab.start("pool", "--concurrency", "2,4", "--duration", "3s")
    while not re.match(r"stage 2: [0-9,]+ requests", process.stderr.readline()):
        assert process.poll() is None
    stack.container("client").pause()
    code, said, result = lab.end(process)
    assert code == 3, said
    assert result["checks"][0]["message"] == (
        "the client container is paused during the run: finished stages are kept, the rest is unknown"
    )
    assert [stage["label"] for stage in result["stages"]] == ["2"]


@pytest.mark.parametrize(("service", "code"), [("client", 2), ("target", 4)])
def test_half_a_stack_is_said_before_anything_is_written(lab, stack, mended, service, code):
    stack.container(service).kill()
    ended, said, result = lab.run("pool")
    assert (ended, result) == (code, None)
    assert (
        f"this folder's Compose stack is only half up: its {service} has exited with code 137;"
        " `make up` puts it right"
    ) in said


def test_a_stack_that_is_down_is_not_used(lab, stack, mended):
    stack.down()
    code, said, _ = lab.run("task", "--requests", "4", "--concurrency", "2", "--delay", "1ms")
    assert code == 0, said
    assert said.startswith("a target of its own on this machine")
