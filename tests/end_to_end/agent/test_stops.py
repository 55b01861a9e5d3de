"""A run of the agent's that is stopped, from any place."""

import time

import pytest

from support.agents import LONG

pytestmark = pytest.mark.real
STOPS = {
    "measuring": {"duration": "10m", "warmup": "0", "delay": "5ms"},
    "warm-up": {"duration": "30s", "warmup": "10m", "delay": "5ms"},
}
"""Of runs that nothing but a stop ends before the patience of a test does."""


@pytest.mark.parametrize("phase", STOPS)
def test_a_stop_drains_and_keeps(agent, phase):
    run_id = agent.start(**STOPS[phase])
    with agent.follow() as follower:
        while follower.until("Tick")["phase"] != phase:
            pass
        assert agent.stop(run_id).status == 202
        last = follower.until("RunEnded")
    assert last["result"]["interrupted"] is True
    assert last["result"]["stages"][0]["counts"]["unfinished"] == 0
    assert agent.result(run_id)["interrupted"] is True


@pytest.mark.quick
def test_a_second_stop_while_it_drains_does_not_wait(agent):
    run_id = agent.start(delay="60s", timeout="100s", **LONG)
    with agent.follow() as follower:
        follower.until("Tick")
        agent.stop(run_id)
        time.sleep(0.5)
        assert agent.running()["run_id"] == run_id
        agent.stop(run_id)
        last = follower.until("RunEnded")
    assert last["result"]["stages"][0]["counts"]["unfinished"] == 2


def test_a_stop_between_stages_begins_no_other(agent):
    run_id = agent.start(concurrency="1,2,3,4", duration="300ms")
    with agent.follow() as follower:
        follower.until("StageEnded")
        agent.stop(run_id)
        last = follower.until("RunEnded")
    assert last["result"]["interrupted"] is True
    assert len(last["result"]["stages"]) < 4


def test_a_stop_before_the_load_begins_leaves_nothing(mortal):
    run_id = mortal.start(
        {"scenario": "task", "concurrency": "1", "duration": "9s"}
    )  # its target takes a while
    assert mortal.stop(run_id).status == 202
    assert mortal.ended(run_id)["type"] == "Refused"
    assert list(mortal.results.glob("*/result.json")) == []


def test_a_stop_of_what_does_not_run_is_refused(agent):
    run_id = agent.start()
    agent.ended(run_id)
    assert agent.stop(run_id).status == 409
    assert agent.stop("20260101-000000-task-0000").status == 404
