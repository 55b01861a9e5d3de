"""`loadlab` when it is stopped or killed: what is kept, and that nothing is left behind."""

import os
import signal
import subprocess
import time

import pytest

from support.labs import LOADLAB, LONG, ended, loading
from support.live import PATIENCE_S, descendants, is_gone, wait_until, workers_of

pytestmark = pytest.mark.real


@pytest.mark.quick
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_ctrl_c_or_sigterm_drains_keeps_and_exits_130(lab, number):
    process = lab.start("run", "task", *LONG)
    below = loading(process)
    process.send_signal(number)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    counts = result["stages"][0]["counts"]
    assert result["interrupted"] is True
    assert counts["ok"] == counts["scheduled"] > 0, "what was in flight was waited for"
    assert result["verdict"] == "stopped"
    assert done.stdout.splitlines()[-1].startswith("STOPPED")
    assert "stopped early, what was measured is kept" in done.stdout
    wait_until(lambda: all(is_gone(pid) for pid in below))


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_an_open_schedule_is_accounted_for_up_to_the_moment_of_ctrl_c(lab, arrivals):
    """Some wait for a place then, and one may just have come due: they will not go."""
    schedule = ["--workload", "open", "--rate", "200", "--arrivals", arrivals]
    full = ["--max-in-flight", "8", "--when-full", "wait", "--delay", "50ms"]
    span = ["--duration", "30s", "--warmup", "300ms"]
    process = lab.start("run", "pool", "--processes", "2", *schedule, *full, *span)
    loading(process, at_least=300)  # more than the places take: a line has grown
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    assert stage["due"] == stage["counts"]["scheduled"] > 0
    assert stage["counts"]["dropped"] >= stage["refused"] > 0
    outcomes = {each["name"]: each["outcome"] for each in result["checks"]}
    assert (outcomes["schedule"], outcomes["sent"]) == ("pass", "pass")


def test_a_second_ctrl_c_does_not_wait_for_what_is_in_flight(lab):
    users = ["--concurrency", "3", "--duration", "30s", "--warmup", "0"]
    process = lab.start("run", "task", *users, "--delay", "60s", "--timeout", "100s")
    below = loading(process, "target_busy_threads", 3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "it waits for three replies that take 60 s"
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    assert result["stages"][0]["counts"]["unfinished"] == 3
    wait_until(lambda: all(is_gone(pid) for pid in below))


def test_a_third_ctrl_c_ends_it_at_once_and_keeps_the_stages_that_had_ended(lab):
    batches = ["--workload", "batch", "--requests", "1,200"]
    process = lab.start("run", "coroutine", *batches, "--delay", "50ms", "--timeout", "100s")
    loading(process, at_least=5)
    for pid in workers_of(process.pid):  # or it would end at the second
        os.kill(pid, signal.SIGSTOP)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # two that are still on their way are one
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (kept,) = lab.out.glob("*/result.json")
    said = f"loadlab: interrupted; stages that were finished are kept: {kept.relative_to(lab.folder)}"
    assert said in done.stderr.replace("\n", " ")
    (result,) = lab.results()
    assert result["interrupted"] is True
    assert [each["counts"]["ok"] for each in result["stages"]] == [1]


def test_ctrl_c_of_a_terminal_reaches_the_whole_group_and_is_handled_once(lab):
    """A terminal signals everyone in the foreground: workers and target must leave it to `loadlab`."""
    process = subprocess.Popen(
        [*LOADLAB, "run", "pool", "--processes", "2", *LONG],
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    loading(process)
    os.killpg(process.pid, signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    assert stage["counts"]["ok"] == stage["counts"]["scheduled"] > 0
    untouched = {"accounting", "workers", "target"}
    assert {each["outcome"] for each in result["checks"] if each["name"] in untouched} == {"pass"}
    assert "Traceback" not in done.stderr


def test_a_killed_worker_leaves_nothing_of_pythons_own_on_stderr(lab):
    """The pool has semaphores, and a helper of Python's removes those that a killed process leaves."""
    process = lab.start("run", "pool-map", "--processes", "1", "--requests", "3000", "--delay", "100ms")
    loading(process)
    for pid in workers_of(process.pid):
        os.kill(pid, signal.SIGKILL)
    done = ended(process)
    assert done.returncode == 3, done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.quick
@pytest.mark.parametrize(
    "arguments", [["pool", "--processes", "2", *LONG], ["pool-map", "--requests", "3000", "--delay", "500ms"]]
)
def test_whatever_kills_loadlab_no_target_worker_or_helper_is_left_behind(lab, arguments):
    process = lab.start("run", *arguments)
    loading(process)
    below = descendants(process.pid)
    assert any("loadlab_target" in each.command for each in below.values())
    process.kill()
    process.wait(PATIENCE_S)
    wait_until(lambda: all(is_gone(pid) for pid in below))


def test_a_parent_that_had_no_core_for_seconds_has_lost_no_worker(lab):
    process = lab.start("run", "pool", "--processes", "2", *LONG, "--duration", "6s")
    loading(process)
    process.send_signal(signal.SIGSTOP)
    time.sleep(3)
    process.send_signal(signal.SIGCONT)
    done = ended(process)
    assert lab.exits(done, 0), done.stdout + done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    assert stage["missing_shard_ns"] == 0
    assert stage["counts"]["ok"] == stage["counts"]["scheduled"] > 0
