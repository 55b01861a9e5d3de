"""`loadlab calibrate` as people and scripts meet it, and a run that shows how near it came."""

import json
import os
import signal
import subprocess
import sys

import pytest

from support.live import PATIENCE_S, descendants, is_gone, wait_until

pytestmark = pytest.mark.real

LOADLAB = [sys.executable, "-m", "loadlab"]
ONE = ["--scenario", "task", "--transport", "null", "--duration", "500ms"]
RUN = ["run", "task", "--concurrency", "4", "--duration", "500ms", "--quiet"]


class Lab:
    """Runs `loadlab` in a folder of its own, with a cache of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "cache" / "concurrency-lab" / "ceilings.json"
        self.env = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}

    def __call__(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def start(self, *arguments):
        return subprocess.Popen(
            [*LOADLAB, *arguments],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def words(text):
    return " ".join(text.split())


def test_what_was_calibrated_is_shown_by_a_run_and_is_not_after_something_changed(lab):
    done = lab("calibrate", *ONE)
    assert done.returncode == 0, done.stderr
    (line,) = [line.split() for line in done.stdout.splitlines() if "null" in line]
    assert line[:4] == ["task", "null", "1", "32"]
    assert "1 of 1: task on null, 1 process: " in done.stderr
    assert f"kept in {lab.file}" in done.stderr
    kept = json.loads(lab.file.read_bytes())
    (ceiling,) = kept["ceilings"]
    assert ceiling["rate_hz"] > 1_000

    ran = lab(*RUN, "--transport", "null", "--json")
    (stage,) = json.loads(ran.stdout)["stages"]
    assert stage["client"]["ceiling_hz"] == ceiling["rate_hz"]
    assert stage["client"]["ceiling_ratio"] == stage["throughput_hz"] / ceiling["rate_hz"]
    assert words(ran.stderr).count("of what it can do at most with task on null, 1 process (") == 1
    assert words(ran.stderr).count("/s, by loadlab calibrate)") == 1

    lab.file.write_text(json.dumps(kept | {"environment": kept["environment"] | {"cpu_usable": 99.0}}))
    ran = lab(*RUN, "--transport", "null", "--json")
    result = json.loads(ran.stdout)
    assert result["stages"][0]["client"]["ceiling_hz"] is None
    assert result["ceilings_unused"].startswith("calibrated in another environment (usable cores 99, now ")
    assert words(ran.stderr).count("in another environment (usable cores 99, now ") == 1


def test_the_network_transports_are_held_against_the_sink_and_json_has_all_that_is_kept(lab):
    first = lab("calibrate", *ONE, "--json")
    assert first.returncode == 0, first.stderr
    second = lab("calibrate", "--scenario", "coroutine", "--transport", "wire", *ONE[-2:], "--json")
    assert second.returncode == 0, second.stderr
    assert second.stdout == lab.file.read_text()
    kept = json.loads(second.stdout)
    assert [(each["scenario"], each["transport"]) for each in kept["ceilings"]] == [
        ("coroutine", "wire"),
        ("task", "null"),
    ]
    assert kept["ceilings"][0]["rate_hz"] > 100


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_at_once_nothing_behind_and_what_was_kept_as_it_was(lab, number):
    lab.file.parent.mkdir(parents=True)
    lab.file.write_text("as it was")
    process = lab.start("calibrate", "--scenario", "task", "--transport", "wire,null", "--duration", "30s")
    below = wait_until(lambda: found if len(found := descendants(process.pid)) > 1 else None)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    assert "interrupted; what was kept before is as it was" in said
    assert lab.file.read_text() == "as it was"
    assert [path.name for path in lab.file.parent.iterdir()] == [lab.file.name]
    wait_until(lambda: all(is_gone(pid) for pid in below))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "taks"], "--scenario: there is no 'taks'. Did you mean task? It takes blocked-loop"),
        (["--scenario", "pool-map"], "--scenario: there is no 'pool-map'."),
        (["--scenario", "threads", "--transport", "wire"], "--transport: nothing that was asked for runs on"),
        (["--scenario", "task", "--processes", "2"], "--processes: nothing that was asked for runs in 2"),
        (["--processes", "0"], "--processes: '0' is not a whole number of 1 or more"),
        (["--duration", "1ms"], "--duration: '1ms' is not from 500ms to 60s"),
        (["--duration", "soon"], "--duration: 'soon' is not a duration"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_exit_code_2_and_nothing_is_written(lab, arguments, said):
    done = lab("calibrate", *arguments)
    assert done.returncode == 2
    assert said in words(done.stderr)
    assert done.stdout == ""
    assert list(lab.folder.iterdir()) == []
