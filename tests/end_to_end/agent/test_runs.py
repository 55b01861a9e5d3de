"""What the agent's API says of a run, from its beginning to its end, and that none leaves anything behind."""

import os
import signal
import socket
from pathlib import Path

import pytest

from support.agents import LONG, NULL, RunningAgent, failing, finish, sound
from support.live import processes, workers_of

pytestmark = pytest.mark.real


@pytest.mark.quick
def test_a_run_is_told_from_its_beginning_to_its_end_and_kept(agent):
    run_id = agent.start(concurrency="1,2")
    with agent.follow() as follower:
        last = follower.until("RunEnded")
    without_ticks = [kind for kind in follower.kinds if kind != "Tick"]
    assert without_ticks == ["RunBegan", *["StageBegan", "StageEnded"] * 2, "RunEnded"]
    assert follower.events[0]["run_id"] == run_id
    assert last["result"] == agent.result(run_id)
    assert sound(last)
    listed = agent.get("/api/runs?limit=1").json
    assert [(run["run_id"], run["stages"], run["transport"]) for run in listed] == [(run_id, 2, "null")]


def test_a_target_of_its_own_is_started_for_a_run_and_gone_after_it(agent):
    run_id = agent.start({"scenario": "pool", "concurrency": "2", "duration": "1s"})
    ended = agent.ended(run_id)
    assert sound(ended), ended
    assert "a target of its own on this machine" in ended["result"]["environment"]["where"]
    assert targets_of(agent) == []
    assert (agent.results / run_id / "target.log").stat().st_size > 0


def targets_of(agent):
    everybody = processes().items()
    return [pid for pid, each in everybody if each.parent == agent.pid and "loadlab_target" in each.command]


def test_it_says_what_it_is_and_what_can_be_asked_of_it(agent):
    state = agent.get("/api/state").json
    assert state["running"] is None
    assert "a target of its own for each run" in state["target"]
    task = next(each for each in state["scenarios"] if each["name"] == "task")
    assert {"idea", "transports", "workloads", "single_user", "many_processes"} < set(task)
    assert state["defaults"]["concurrency"] == "1,8,32,128"
    assert state["limits"]["body_bytes"] == 256 * 1024


def test_a_second_run_is_refused_and_hears_whose_the_first_is(agent):
    run_id = agent.start(**LONG)
    assert agent.running()["run_id"] == run_id
    refused = agent.post("/api/runs", {"options": NULL})
    assert refused.status == 409
    assert refused.json["run_id"] == run_id
    assert f"{run_id} is under way (task, since " in refused.error
    finish(agent, run_id)
    assert agent.running() is None


def test_options_that_make_no_plan_get_the_command_lines_sentence(agent):
    refused = agent.post("/api/runs", {"options": NULL | {"concurrency": "many"}})
    assert (refused.status, refused.error) == (
        400,
        "--concurrency: 'many' is not a whole number of 1 or more",
    )


def test_a_target_that_is_away_is_said_and_nothing_is_kept(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with RunningAgent(tmp_path, "--target", url) as agent:
            run_id = agent.start({"scenario": "task", "concurrency": "1", "duration": "1s"})
            last = agent.ended(run_id)
            assert last["type"] == "Refused"
            assert "cannot be reached" in last["sentence"]
            assert last["exit"] == 4
            assert list(agent.results.glob("*")) == []
            assert agent.running() is None


def test_many_runs_leave_nothing_behind(mortal):
    mortal.ended(mortal.start())
    before = open_files(mortal.pid)
    for _ in range(3):
        mortal.ended(mortal.start())
    assert open_files(mortal.pid) <= before + 2
    assert workers_of(mortal.pid) == []


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_target_that_dies_ends_the_run_and_the_next_one_works(mortal):
    run_id = mortal.start({"scenario": "task", "concurrency": "2", **LONG})
    with mortal.follow() as follower:
        while not follower.until("Tick")["finished"]:
            pass
        [target] = targets_of(mortal)
        os.killpg(target, signal.SIGKILL)
        last = follower.until("RunEnded")
    assert "the target ended" in last["result"]["target_lost"]
    assert last["result"]["run_id"] == run_id
    again = mortal.ended(mortal.start({"scenario": "task", "concurrency": "2", "duration": "500ms"}))
    assert sound(again)


def test_a_worker_that_is_killed_makes_that_run_invalid_and_no_other(mortal):
    mortal.start(**LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        [worker] = workers_of(mortal.pid)
        os.kill(worker, signal.SIGKILL)
        last = follower.until("RunEnded")
    assert last["result"]["verdict"] == "invalid"
    assert "workers" in failing(last)
    assert sound(mortal.ended(mortal.start()))
