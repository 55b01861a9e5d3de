"""Which result `loadlab show` means: a path, a run of the result folder by its name, or the latest one."""

import errno
import os
from pathlib import Path

import pytest

from loadlab.cli.show import meant
from loadlab.errors import UsageError
from loadlab.results import run_folder
from loadlab.results.result import encode
from support.results import result

EARLY, LATE, LATEST = "20261124-111111-pool-aaaa", "20261124-111222-pool-bbbb", "20261124-120000-task-cccc"


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for run_id in (LATEST, EARLY, LATE):
        keep(Path("results"), run_id)
    return Path("results")


def keep(folder, run_id):
    day, time = run_id.split("-")[:2]
    (folder / run_id).mkdir(parents=True)
    started_at = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}.000+00:00"
    (folder / run_id / "result.json").write_bytes(encode(result(run_id=run_id, started_at=started_at)))


def refusal(text, out):
    with pytest.raises(UsageError) as raised:
        meant(text, out)
    return str(raised.value)


def test_a_path_that_is_there_is_taken_as_one(out):
    assert meant(f"results/{EARLY}", out) == out / EARLY
    assert meant(f"results/{EARLY}/result.json", out) == out / EARLY / "result.json"


def test_a_run_is_named_by_its_id_or_by_a_beginning_that_is_its_alone(out):
    assert meant(EARLY, out) == out / EARLY
    assert meant("20261124-1112", out) == out / LATE
    assert meant("20261124-12", out) == out / LATEST


def test_an_id_that_another_one_begins_with_is_still_that_id(out):
    keep(out, EARLY + "-2")
    assert meant(EARLY, out) == out / EARLY


def test_latest_is_the_run_that_was_started_last_whatever_its_folder_is_called(out):
    (out / LATEST).rename(out / "a-slow-one")
    (out / EARLY).rename(out / "the-first")
    assert meant("latest", out) == out / "a-slow-one"


def test_a_folder_without_a_result_is_not_the_latest(out):
    (out / "20261125-000000-task-dddd").mkdir()
    assert meant("latest", out) == out / LATEST


def test_a_beginning_of_several_runs_names_them_the_newest_first(out):
    assert refusal("20261124-11", out) == (
        f"RESULT: 2 runs in results begin with '20261124-11': {LATE}, {EARLY}; give more of one"
    )


def test_of_many_runs_the_newest_are_named(out):
    for second in range(10, 20):
        keep(out, f"20261125-0000{second}-task-eeee")
    said = refusal("2026", out)
    assert "13 runs in results" in said
    assert "20261125-000019-task-eeee, 20261125-000018-task-eeee" in said
    assert "20261125-000014-task-eeee" not in said
    assert "… and 8 more" in said


def test_what_is_nothing_of_these_names_the_newest_runs_that_are_there(out):
    assert refusal("yesterday", out) == (
        "RESULT: 'yesterday' is neither a path nor a run in results, nor the beginning of one. The newest"
        f" there: {LATEST}, {LATE}, {EARLY}"
    )


@pytest.mark.parametrize("text", ["latest", "yesterday", ""])
def test_where_there_is_no_run_at_all_that_is_said(text, tmp_path):
    said = refusal(text, tmp_path / "none")
    assert said.startswith("RESULT: ")
    assert said.endswith(f"there is no run in {tmp_path / 'none'}")


@pytest.mark.parametrize(
    "text", ["a" * 5000, "a/" * 2500, f"{'a' * 5000}.json", "/" + "a" * 300], ids=range(4)
)
def test_a_path_that_cannot_be_looked_up_is_refused_in_a_sentence(text, out):
    with pytest.raises(UsageError, match=r"cannot be read: File name too long$|is neither a path nor a run"):
        run_folder.read(meant(text, out))


def test_a_path_that_may_not_be_looked_up_is_refused_in_a_sentence(out, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "stat", refuse)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UsageError, match=r"^closed/result\.json cannot be read: Permission denied$"):
        run_folder.read(meant("closed/result.json", out))


def test_a_folder_of_results_that_cannot_be_looked_up_holds_no_run(out):
    assert refusal("yesterday", Path("a" * 5000)).startswith("RESULT: 'yesterday' is no path, and there")


@pytest.mark.parametrize("text", ["../elsewhere", "elsewhere/", "other.json"])
def test_what_is_written_as_a_path_is_one_even_where_nothing_is(text, out):
    assert meant(text, out) == Path(text)
