"""A run whose agent is killed: the stages that had ended are kept, and a run that goes on is left alone."""

import os

import pytest

from loadlab.agent.unfinished import FILE, Unfinished, recover
from loadlab.results import run_folder
from loadlab.results.events import RunBegan, StageBegan, StageEnded
from loadlab.results.result import Verdict
from loadlab.targets import App
from loadlab.workload.kept_plan import kept
from loadlab.workload.plan import Stage
from support.fakes import plan
from support.results import environment, stage

RUN = "20261201-120000-task-ab12"
SHOP = App(module="shop:app", revision="abc", dirty=True)
SWEEP = kept(plan(stages=tuple(Stage(concurrency=users) for users in (1, 8, 32))))


def going_on(results, *events):
    """Return what an agent keeps of a run, and the folder of the run."""
    folder = results / RUN
    folder.mkdir(parents=True)
    unfinished = Unfinished(folder)
    for event in (RunBegan(RUN, environment(), SWEEP, "loadlab run", "mine", SHOP), *events):
        unfinished.tell(event)
    return unfinished, folder


def killed(unfinished):
    """Let go of the lock, as the end of a process does."""
    unfinished._file.close()


def test_a_killed_agent_loses_no_stage_that_had_ended(tmp_path):
    ended = StageEnded(0, stage(label="1", throughput_hz=45.0))
    unfinished, folder = going_on(tmp_path, StageBegan(0), ended, StageBegan(1))
    killed(unfinished)
    assert recover(tmp_path) == [RUN]
    result = run_folder.read(folder)
    assert (result.run_id, result.verdict) == (RUN, Verdict.INVALID)
    assert [each.throughput_hz for each in result.stages] == [45.0]
    assert len(result.plan.stages) == 3
    assert (result.command, result.label, result.app) == ("loadlab run", "mine", SHOP)
    assert result.environment.where == "a target of its own"
    assert result.started_at <= result.finished_at
    assert [check.message for check in result.checks if check.name == "client"] == [
        "the agent ended during the run: finished stages are kept, the rest is unknown"
    ]
    assert recover(tmp_path) == []
    assert [path.name for path in folder.iterdir()] == [run_folder.RESULT]


def test_a_run_that_goes_on_is_left_alone_and_one_that_ended_leaves_nothing(tmp_path):
    unfinished, folder = going_on(tmp_path)
    assert recover(tmp_path) == []
    assert (folder / FILE).exists()
    unfinished.over()
    assert list(folder.iterdir()) == []


def test_a_result_that_is_there_is_not_replaced(tmp_path):
    unfinished, folder = going_on(tmp_path)
    (folder / run_folder.RESULT).write_text("kept")
    killed(unfinished)
    recover(tmp_path)
    assert [path.name for path in folder.iterdir()] == [run_folder.RESULT]
    assert (folder / run_folder.RESULT).read_text() == "kept"


@pytest.mark.parametrize("left", [b"", b"no JSON\n", b'{"type":"StageEnded"}\n'])
def test_what_cannot_be_read_stays_and_harms_nothing(tmp_path, left):
    (tmp_path / RUN).mkdir()
    (tmp_path / RUN / FILE).write_bytes(left)
    assert recover(tmp_path) == []
    assert [path.name for path in (tmp_path / RUN).iterdir()] == [FILE]


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path):
    (tmp_path / RUN).mkdir()
    os.mkfifo(tmp_path / RUN / FILE)
    assert recover(tmp_path) == []


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    unfinished, folder = going_on(tmp_path, StageEnded(0, stage(label="1")))
    unfinished._file.write(b'{"type":"StageEnded","ind')
    killed(unfinished)
    assert recover(tmp_path) == [RUN]
    assert len(run_folder.read(folder).stages) == 1


@pytest.mark.parametrize(
    "damage", [b"\xff\n", b'{"type":"\xff"}\n', b"\n", b"{}\n", b"[" * 100_000 + b"\n"], ids=range(5)
)
def test_a_damaged_line_costs_no_stage_but_its_own(tmp_path, damage):
    unfinished, folder = going_on(tmp_path, StageEnded(0, stage(label="1")))
    unfinished._file.write(damage)
    unfinished.tell(StageEnded(2, stage(label="32")))
    killed(unfinished)
    assert recover(tmp_path) == [RUN]
    assert [each.label for each in run_folder.read(folder).stages] == ["1", "32"]


def test_a_folder_that_cannot_be_written_costs_the_run_nothing(tmp_path):
    unfinished = Unfinished(tmp_path / "gone")
    unfinished.tell(RunBegan(RUN, environment(), SWEEP))
    unfinished.tell(StageEnded(0, stage(label="1")))
    unfinished.over()
    assert list(tmp_path.iterdir()) == []
