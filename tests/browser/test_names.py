"""Requests by name and journeys on the page: which page was the slow one, and why journeys failed."""

import msgspec
import pytest

from loadlab.clock import NS_PER_MS
from loadlab.results.result import Counts, Distribution, JourneyFailure, JourneyResult, NameResult
from loadlab.workload.kept_plan import kept
from loadlab.workload.plan import Stage
from support.browsing import until
from support.fakes import plan
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]

HOSTILE = "GET /<img src=x onerror=document.title='owned'>"


def took(ms):
    quantiles = dict.fromkeys(("mean", "p50", "p90", "p95", "p99", "p999", "max"), ms * NS_PER_MS)
    return Distribution(count=10, **quantiles)


def named(name, ms, **counts):
    return NameResult(
        name=name,
        counts=Counts(scheduled=10, **({"ok": 10} | counts)),
        statuses={"200": 10},
        throughput_hz=5.0,
        received_bytes=100,
        latency_ns=took(ms),
        service_ns=took(ms),
    )


def a_run(run_id):
    buy = JourneyResult(
        name="buy",
        started=12,
        finished=9,
        failed=(
            JourneyFailure(
                reason="KeyError in line 12", count=2, traceback="Traceback:\n  KeyError: 'price'"
            ),
            JourneyFailure(reason="GET /a: status 500", count=1),
        ),
        duration_ns=took(700),
    )
    stages = [
        msgspec.structs.replace(
            a_stage(label=label, concurrency=int(label)),
            by_name=(named("GET /report", slow), named(HOSTILE, 3, ok=8, unexpected=2)),
            journeys=(buy,),
        )
        for label, slow in (("1", 200), ("20", 480))
    ]
    of = plan(stages=(Stage(concurrency=1), Stage(concurrency=20)))
    return a_result(run_id=run_id, stages=tuple(stages), plan=kept(of))


def cells(page, table):
    return [
        [cell.text for cell in row.find_elements("css selector", "th, td")]
        for row in page.all(f"#names div:nth-of-type({table}) tbody tr")
    ]


def test_requests_stand_by_name_the_slowest_first_and_journeys_below(page, agent):
    run_id = "20261101-080000-task-bbbb"
    agent.keep(a_run(run_id))
    page.open(f"#run={run_id}")
    page.wait("#names table")
    slow, hostile = cells(page, 1)
    assert slow[:4] == ["GET /report", "10", "0", "5.00"]
    assert slow[4] == "480"
    assert (hostile[0], hostile[2]) == (HOSTILE, "2")
    [journey] = cells(page, 2)
    assert journey == ["buy", "12", "9", "3", "0", "700 ms", "700 ms", "700 ms"]
    page.one("#names details summary").click()
    assert "KeyError: 'price'" in page.text("#names pre")
    assert "buy failed 1 times: GET /a: status 500" in page.text("#names")
    assert "owned" not in page.js("document.title")


def test_another_stage_can_be_chosen_by_keyboard_and_keeps_the_focus(page, agent):
    run_id = "20261101-080000-task-cccc"
    agent.keep(a_run(run_id))
    page.open(f"#run={run_id}")
    page.wait("#names-stage").send_keys("1")
    until(lambda: cells(page, 1)[0][4] == "200", "the figures of stage 1")
    assert page.js("document.activeElement.id") == "names-stage"


def test_a_run_without_names_shows_none(page, agent):
    run_id = "20261101-080000-task-dddd"
    agent.keep(a_result(run_id=run_id, stages=(a_stage(),)))
    page.open(f"#run={run_id}")
    page.wait("#table table")
    assert not page.one("#names").is_displayed()
