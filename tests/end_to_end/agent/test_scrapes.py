"""The agent's metrics and its scrapers: what is scraped is what the result has."""

import time

import pytest

from support.agents import Scraper, scrape, sound

pytestmark = pytest.mark.real


def test_what_is_scraped_after_a_run_is_what_the_result_has(agent):
    with Scraper(agent):
        run_id = agent.start(concurrency="1,2", duration="600ms")
        last = agent.ended(run_id)
    assert last["result"]["checks"] is not None
    assert not [check for check in last["result"]["checks"] if check["name"] == "scraped"]
    lines = [line for line in scrape(agent).splitlines() if f'run="{run_id}"' in line]
    ok = sum(float(line.split()[-1]) for line in lines if "requests_total" in line and 'outcome="ok"' in line)
    assert ok == sum(stage["counts"]["ok"] for stage in last["result"]["stages"]) > 0


def test_a_scraper_that_goes_away_is_said_and_holds_nothing_up_for_long(agent):
    scrape(agent)
    began = time.monotonic()
    run_id = agent.start()
    with agent.follow() as follower:
        noted = follower.until("Noted")
        last = follower.until("RunEnded")
    assert time.monotonic() - began < 150
    assert "did not scrape" in noted["sentence"]
    [check] = [check for check in last["result"]["checks"] if check["name"] == "scraped"]
    assert check["outcome"] == "untestable"
    assert sound(last)
    assert agent.result(run_id)["checks"] == last["result"]["checks"]


def test_a_look_at_the_metrics_is_no_scrape_that_a_run_would_wait_for(mortal):
    assert "loadlab_run_state" in mortal.get("/metrics").body.decode()
    with mortal.follow(f"/api/runs/{mortal.start()}/events") as follower:
        follower.until("RunEnded")
    assert "Noted" not in follower.kinds, "it waits for no scrape, and misses none"
