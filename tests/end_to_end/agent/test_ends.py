"""The agent's own end: what it keeps, how long it takes, and that no load outlives it."""

import json
import signal
import time

import pytest

from support.agents import LONG
from support.live import is_gone, wait_until, workers_of

pytestmark = pytest.mark.real
PROMPT_S = 15
"""Well below the half minute or more that it would go on for."""
DOCKERS_PATIENCE_S = 20
"""`stop_grace_period` in docker-compose.yml."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_that_is_idle_ends_at_once_and_well(mortal, number):
    with mortal.follow() as follower:
        began = time.monotonic()
        assert mortal.end(number) == 0
        assert time.monotonic() - began < PROMPT_S
        assert follower.next() is None
    assert not mortal.socket.exists()
    assert mortal.log == ""


def test_a_signal_while_it_runs_drains_keeps_and_tells(mortal):
    run_id = mortal.start(delay="50ms", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        workers = workers_of(mortal.pid)
        assert workers
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < PROMPT_S
        last = follower.until("RunEnded")
    assert last["result"]["interrupted"] is True
    kept = json.loads((mortal.results / run_id / "result.json").read_text())
    assert kept == last["result"]
    assert kept["stages"][0]["counts"]["unfinished"] == 0
    wait_until(lambda: all(map(is_gone, workers)))


def test_a_run_that_does_not_drain_is_given_up_within_dockers_patience(mortal):
    run_id = mortal.start(delay="60s", timeout="100s", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < DOCKERS_PATIENCE_S
    kept = json.loads((mortal.results / run_id / "result.json").read_text())
    assert kept["stages"][0]["counts"]["unfinished"] == 2


def test_a_second_signal_does_not_wait(mortal):
    mortal.start(delay="60s", timeout="100s", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        mortal.process.send_signal(signal.SIGTERM)
        time.sleep(2)  # two signals at once would be one
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < PROMPT_S


def test_an_agent_that_is_killed_leaves_no_load_behind(mortal):
    mortal.start(**LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        left = workers_of(mortal.pid)
        assert left
        mortal.process.kill()
        wait_until(lambda: all(map(is_gone, left)))
