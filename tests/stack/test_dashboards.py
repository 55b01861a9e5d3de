"""Every panel of every dashboard, asked of the stack's Prometheus after runs through `make run`.

What can be known without a running Grafana is known after this: each query is understood and has data, no
panel has two series of one name, and what is shown is what the result files say. Its table is written to a
file.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from support.agreement import look, write, wrong
from support.counters import assert_increase_is_near, assert_raw_counters_are_the_counts
from support.dashboards import loaded
from support.grafana import Prometheus, Viewer

pytestmark = pytest.mark.either_compose

SWEEPS = (("pool", "1,8,64"), ("task", "4,32"))


class Ran(NamedTuple):
    """What ran, the newest last, and when that was."""

    began_s: float
    ended_s: float
    results: list


def make_run(stack, folder, scenario, concurrency, duration="3s"):
    """A sweep as a person starts it; its exit code is its verdict, which is not the question here."""
    before = set(folder.glob("*/result.json"))
    settings = (f"SCENARIO={scenario}", f"CONCURRENCY={concurrency}", f"DURATION={duration}")
    done = stack.run_make("run", *settings, f"ARGS=--out {folder}")
    [written] = set(folder.glob("*/result.json")) - before or [None]
    assert written, done.stdout + done.stderr
    result = json.loads(written.read_text())
    assert len(result["stages"]) == len(concurrency.split(",")), done.stderr
    return result


@pytest.fixture(scope="module")
def runs(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    stack.wait_for_scrape()
    time.sleep(5)  # until the rates of what ran before are down
    began_s = time.time()
    results = [make_run(stack, folder, *sweep) for sweep in SWEEPS]
    time.sleep(6)
    return Ran(began_s, time.time(), results)


def test_every_panel_of_every_dashboard_has_data_that_agrees_with_the_results(stack, runs, tmp_path, capsys):
    # What ran before them stays exposed until they begin, so a range that has their beginning has that, too.
    chosen = {"run": [result["run_id"] for result in runs.results]}
    viewer = Viewer(Prometheus(stack.prometheus_port), runs.began_s - 1, runs.ended_s, chosen)
    rows = look(loaded(), viewer, runs.results)
    table = tmp_path / "panels.md"
    write(rows, table)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(rows)} queries of panels, resolved and answered: {table}\n")
    assert wrong(rows) == [], table


def test_raw_counters_are_the_counts_and_increase_is_near(stack, runs):
    for result in runs.results:
        assert_raw_counters_are_the_counts(Prometheus(stack.prometheus_port), result)
        assert_increase_is_near(Prometheus(stack.prometheus_port), result)


def test_the_counts_are_exact_when_prometheus_is_restarted_within_the_run(stack, runs, tmp_path):
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(make_run, stack, tmp_path, "pool", "4,8", "5s")
        time.sleep(5)
        stack.container("prometheus").restart(timeout=10)
        result = running.result()
    stack.wait_for_scrape("client")
    assert_raw_counters_are_the_counts(Prometheus(stack.prometheus_port), result)
    assert_increase_is_near(Prometheus(stack.prometheus_port), result)


def test_no_alert_fires_for_want_of_a_run(stack, runs):
    stack.wait_for_scrape()
    time.sleep(5)
    assert stack.prometheus('ALERTS{alertstate="firing"}') == []


def test_a_client_that_is_gone_is_said(stack):
    stack.container("client").pause()
    try:
        within(
            20, lambda: stack.prometheus('ALERTS{alertname="ScrapeLost", job="client", alertstate="firing"}')
        )
    finally:
        stack.container("client").unpause()
    within(30, lambda: stack.container("client").attrs["State"]["Health"]["Status"] == "healthy")


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
