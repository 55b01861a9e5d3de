"""Targets that are not there, or not for long: exit code 4."""

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from support.labs import CARRIED, LONG, ended, loading
from support.live import is_gone, wait_until

pytestmark = pytest.mark.real


def test_a_target_that_nobody_serves_is_exit_code_4_before_any_load(lab):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = lab("run", "task", "--target", f"http://127.0.0.1:{port}/")
    assert done.returncode == 4
    assert f"http://127.0.0.1:{port}/ cannot be reached" in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_an_app_that_cannot_be_imported_is_exit_code_4_with_the_targets_own_words(lab):
    done = lab("run", "task", "--app", "no_such_module:app")
    assert done.returncode == 4
    assert "no_such_module" in done.stderr
    assert 'Traceback (most recent call last):\n  File "<' not in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_a_target_that_dies_under_load_is_exit_code_4_and_what_was_measured_is_kept(lab):
    process = lab.start("run", "task", *LONG)
    below = loading(process)
    for pid, each in below.items():
        if "loadlab_target" in each.command:
            os.kill(pid, signal.SIGKILL)
    done = ended(process)
    assert done.returncode == 4, done.stderr
    (result,) = lab.results()
    assert "the target ended" in result["target_lost"]
    assert result["stages"][0]["counts"]["ok"] > 0
    assert result["stages"][0]["counts"]["connect_error"] > 0
    assert "the target was lost" in done.stdout
    wait_until(lambda: all(is_gone(pid) for pid in below))


def test_a_worker_of_the_labs_own_target_that_dies_is_told_and_is_no_idle_connection(lab):
    process = lab.start(
        "run", "task", "--workload", "open", "--rate", "60", "--duration", "3s", "--warmup", "0",
        "--delay", "100ms", "--workers", "2", "--max-errors", "none",
    )  # fmt: skip
    below = loading(process)
    masters = {pid for pid, each in below.items() if "loadlab_target" in each.command}
    workers = [pid for pid, each in below.items() if each.parent in masters]
    assert len(workers) == 2
    os.kill(max(workers, key=sockets), signal.SIGKILL)
    done = ended(process)
    assert done.returncode in CARRIED, done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    told = {each["name"]: each["message"] for each in stage["findings"]}
    assert stage["target"]["workers_ended"] == 1
    assert told["target_workers"].startswith("1 worker of the target ended under load (a crash or a restart)")
    assert "one of its workers restarted or crashed" in told["closed_in_use"]
    assert "closed_while_kept" not in told
    assert "target_lost" not in told
    assert result["target_lost"] is None


def test_a_gunicorn_config_is_in_the_result_and_its_replaced_workers_are_no_crash(lab, tmp_path):
    config = tmp_path / "gunicorn.conf.py"
    config.write_text("workers, threads, max_requests, graceful_timeout = 2, 4, 50, 7")
    process = lab.start(
        "run", "task", "--concurrency", "4", "--duration", "2s", "--warmup", "0", "--delay", "10ms",
        "--threads", "3", "--gunicorn-config", str(config),
    )  # fmt: skip
    done = ended(process)
    assert done.returncode in CARRIED, done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    served = result["gunicorn"]
    settings = ("workers", "threads", "max_requests", "graceful_timeout_s", "worker_class")
    assert [served[name] for name in settings] == [2, 3, 50, 7, "gthread"]
    assert served["config"]["overridden"] == {"threads": "--threads"}
    assert stage["target"]["workers_replaced"] >= 2
    assert stage["target"]["workers_ended"] == 0
    assert "gunicorn, 2 workers × 3 threads by gunicorn.conf.py" in result["environment"]["where"]
    told = " ".join(done.stdout.split())
    assert (
        "target served by gunicorn.conf.py; the lab set worker_class itself; --threads overrode threads"
        in told
    )
    assert f"gunicorn replaced {stage['target']['workers_replaced']} workers (max_requests)" in told


def sockets(pid):
    """Count a worker's sockets; the one with the most has at least half of the load's connections."""
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            found += str(each.readlink()).startswith("socket:")
    return found
