"""What `loadlab` prints where, and what a run leaves."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support.labs import QUICK, VERDICT, ended
from support.live import PATIENCE_S

pytestmark = pytest.mark.real


@pytest.mark.quick
def test_json_is_the_result_file_on_stdout_and_all_else_is_on_stderr(lab):
    done = lab("run", "task", *QUICK, "--json")
    assert lab.exits(done, 0), done.stderr
    (written,) = lab.out.glob("*/result.json")
    assert done.stdout == written.read_text()
    assert re.search(VERDICT, done.stderr)
    assert str(written.relative_to(lab.folder)) in done.stderr.replace("\n", "")


def test_the_table_is_on_stdout_and_the_progress_on_stderr(lab):
    done = lab("run", "task", *QUICK)
    assert lab.exits(done, 0), done.stderr
    assert re.search(VERDICT, done.stdout)
    assert "bound" in done.stdout
    assert done.stderr.startswith("a target of its own on this machine")


def test_quiet_shows_no_progress(lab):
    done = lab("run", "task", *QUICK, "--quiet")
    assert done.stderr.splitlines() == [
        line for line in done.stderr.splitlines() if line.startswith("result: ")
    ]
    assert re.search(VERDICT, done.stdout)


@pytest.mark.quick
def test_show_prints_the_table_of_a_run_again(lab):
    ran = lab("run", "task", *QUICK)
    (written,) = lab.out.glob("*/result.json")
    for named in (str(written), str(written.parent), written.parent.name, written.parent.name[:4], "latest"):
        shown = lab("show", named)
        assert shown.returncode == 0
        assert shown.stdout.startswith(written.parent.name)
        assert shown.stdout.endswith(ran.stdout)


def test_the_result_folder_holds_the_result_and_the_targets_log(lab):
    lab("run", "task", *QUICK)
    (folder,) = lab.out.iterdir()
    assert {path.name for path in folder.iterdir()} == {"result.json", "target.log"}
    result = json.loads((folder / "result.json").read_bytes())
    assert result["run_id"] == folder.name
    assert result["stages"][0]["counts"]["ok"] == result["stages"][0]["counts"]["scheduled"] > 0


def test_a_reader_that_goes_away_is_no_error(lab):
    """It has gone before the first line: what a pipe holds would hide that it went after one."""
    command = f"{sys.executable} -m loadlab --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_two_runs_side_by_side_do_not_disturb_each_other(lab):
    both = [lab.start("run", "task", *QUICK) for _ in range(2)]
    assert all(lab.exits(ended(process), 0) for process in both)
    assert len(lab.results()) == 2


def test_no_temporary_files_are_left(lab, monkeypatch):
    with tempfile.TemporaryDirectory() as place:  # with a short name: sockets are made below it
        monkeypatch.setenv("TMPDIR", place)
        done = lab("run", "task", *QUICK)
        assert lab.exits(done, 0), done.stderr
        assert list(Path(place).iterdir()) == []


def test_a_reader_that_leaves_early_changes_nothing_about_the_exit_code(lab):
    run = lab.start("run", "task", "--quiet", *QUICK)
    run.stdout.close()
    run.wait(PATIENCE_S)
    assert lab.exits(run, 0)
    assert lab.results()
