"""A machine that gives too little to start with: a sentence that names what, within a bounded time.

Root has no limit of processes, so there another user is taken who may read what root may.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

from support.labs import LOADLAB

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit of util-linux is not installed"),
]

WITHIN_S = 90
ANOTHER_USER = [
    "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups",
    "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
]  # fmt: skip
RUN = ["run", "pool", "--processes", "2", "--concurrency", "2", "--duration", "300ms", "--warmup", "0"]
TARGETS = {"own": [], "null": ["--transport", "null"]}


def limited(folder, limit, *arguments):
    """Run `loadlab` under a limit of its own; TimeoutExpired where it does not end."""
    command = ["prlimit", limit, *LOADLAB, *arguments]
    if os.geteuid() == 0:
        folder.chmod(0o777)
        command = [*ANOTHER_USER, *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S, check=False)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("processes", [1, 3, 6, 9, 12])
def test_where_no_process_can_be_started_a_sentence_names_the_limit(tmp_path, processes, target):
    done = limited(tmp_path, f"--nproc={processes}", *RUN, *TARGETS[target])
    assert_told(done)
    if processes <= 3:
        assert f"processes and threads ran out (the limit is {processes}): raise the limit" in done.stderr
        assert "ulimit -u" in done.stderr
        assert not list(tmp_path.glob("results/*"))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("mebibytes", [110, 140, 170, 200, 250])
def test_where_there_is_little_memory_a_run_ends_and_says_what_it_came_to(tmp_path, mebibytes, target):
    done = limited(tmp_path, f"--as={mebibytes << 20}", *RUN, *TARGETS[target])
    assert_told(done, 0, 1, 3, 4)
    assert "processes and threads ran out" not in done.stdout + done.stderr


STILLBORN = """
import itertools, os, threading

as_ever = threading.Thread._set_ident
number = itertools.count(1)

def set_ident(thread):
    if os.environ["STILLBORN"] in f"{type(thread).__name__} {thread.name}":
        if next(number) >= int(os.environ.get("STILLBORN_FROM", 1)):
            raise MemoryError
    as_ever(thread)

threading.Thread._set_ident = set_ident
"""
"""Has each process of Python fail in the first step of some threads, as one without memory does."""


@pytest.mark.parametrize(
    ("scenario", "thread"),
    [("task", "stage"), ("task", "_listen"), ("task", "reporter"), ("threads", "_UserThread")],
)
def test_a_thread_that_has_no_memory_for_its_first_step_lets_nothing_wait_for_ever(
    tmp_path, scenario, thread
):
    (tmp_path / "sitecustomize.py").write_text(STILLBORN)
    done = subprocess.run(
        [*LOADLAB, "run", scenario, "--concurrency", "2", "--duration", "300ms", "--warmup", "0"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "STILLBORN": thread},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "memory ran out" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("thread", ["stage", "_listen"])
def test_a_thread_of_a_later_stage_that_has_no_memory_leaves_the_stages_before_it_kept(tmp_path, thread):
    (tmp_path / "sitecustomize.py").write_text(STILLBORN)
    sweep = ["--concurrency", "2,3", "--duration", "300ms", "--warmup", "0"]
    secret = ["--header", "Authorization: hunter2hunter2"]
    done = subprocess.run(
        [*LOADLAB, "run", "task", *sweep, *secret],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "STILLBORN": thread, "STILLBORN_FROM": "2"},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "memory ran out" in done.stderr
    (kept,) = tmp_path.glob("results/*/result.json")
    assert f"stages that were finished are kept: {kept.relative_to(tmp_path)}" in done.stderr
    result = json.loads(kept.read_bytes())
    assert [each["label"] for each in result["stages"]] == ["2"]
    assert result["stages"][0]["counts"]["ok"] > 0
    assert (result["verdict"], result["interrupted"]) == ("invalid", False)
    (why,) = [each["message"] for each in result["checks"] if each["name"] == "client"]
    assert "memory ran out" in why
    assert not any(b"hunter2" in path.read_bytes() for path in kept.parent.iterdir())


def test_the_tour_says_it_in_the_same_words(tmp_path):
    done = limited(tmp_path, "--nproc=2", "tour", "--delay", "10ms", "--only", "1")
    assert_told(done)
    assert "processes and threads ran out (the limit is 2): raise the limit" in done.stderr


def assert_told(done, *codes):
    """A verdict, or a sentence without a traceback; Python's own end, too, has the 1 of a verdict."""
    assert done.returncode in (codes or (0, 3)), done.stderr
    assert "report it" not in done.stderr
    if not re.search(r"^(PASS|FAIL|INVALID)\b", done.stdout, re.MULTILINE):
        assert done.returncode > 1, done.stderr
        assert re.search(r"^loadlab: .+", done.stderr, re.MULTILINE), done.stderr
        assert "Traceback" not in done.stderr
