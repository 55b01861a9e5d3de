"""What a run is worth, on the page: its verdict, its reasons and what its figures are called."""

import msgspec
import pytest

from loadlab.results.result import (
    Check,
    CheckOutcome,
    Counts,
    Finding,
    Theory,
    Verdict,
)
from loadlab.workload.plan import Stage
from support.fakes import plan
from support.results import SENTENCE, limited_by_the_client
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_what_the_client_limited_is_at_least_and_never_the_targets(page, agent):
    run_id = "20261101-090000-task-bbbb"
    agent.keep(limited_by_the_client(run_id))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "INVALID")
    first, second = (row.text.split() for row in page.all("#table tbody tr"))
    assert "25%" in first
    assert second[0] == "!8"
    assert "≥150" in second
    assert second[-1] == "–"
    assert page.figure("throughput") == "100", "the figures are of the stage that is the target's"
    title = page.js("document.querySelector('#stages li:last-child').title")
    assert title.startswith("limited by the client")
    assert "at least" in page.text("#sweep figure .legend")
    assert page.js("document.querySelector('#stages li:last-child .word').textContent") == "! ≥150/s"


def test_a_share_of_the_bound_that_is_left_open_has_its_reason(page, agent):
    run_id = "20261101-110000-task-eeee"
    unsure = Theory(service_ns=20e6, bound_hz=400.0, bound_ratio=None)
    agent.keep(a_result(run_id=run_id, stages=(a_stage(theory=unsure),)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    assert page.text("#table tbody td:last-child") == "–"
    assert "% of bound –: too few requests besides those in flight" in page.text("#table")


def test_sentences_are_text_and_never_markup(page, agent):
    run_id = "20261101-100000-task-cccc"
    agent.keep(limited_by_the_client(run_id))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "INVALID")
    assert f"stage 8: {SENTENCE}" in page.text("#verdict .why")
    assert SENTENCE in page.text("#checks")
    assert page.all("main img") == []


LAG = Check(
    name="lag", stage="1", metric="p99 of sent - due, without the wait for a place in flight", operator="<=",
    limit=3_740_000, actual=149_000_000, unit="ns", outcome=CheckOutcome.FAIL,
    message="the client sent 1 % of requests over 149 ms late (limit 3.74 ms: 5 % of p50, at least 1 ms)",
)  # fmt: skip


def test_replies_that_all_failed_are_not_called_the_targets_throughput(page, agent):
    run_id = "20261101-140000-task-dddd"
    failed = {"counts": Counts(scheduled=20, http_error=20), "throughput_hz": 900.0}
    two = tuple(Stage(concurrency=users) for users in (1, 8))
    stages = (a_stage(throughput_hz=10.0), a_stage(label="8", concurrency=8, **failed))
    agent.keep(a_result(run_id=run_id, plan=msgspec.structs.replace(plan(), stages=two), stages=stages))
    page.open(f"#run={run_id}")
    page.wait_text("#figures-of", "Stage of 1 user: the best valid stage")
    assert page.figure("throughput") == "10.0"
    assert "best 10.0/s" in page.text(f"#runs a[data-run='{run_id}']")


@pytest.mark.parametrize("width", [1400, 820, 390])
def test_a_check_is_read_without_scrolling_and_its_times_have_a_unit(page, agent, width):
    run_id = f"20261101-1500{width:04}-task-cccc"
    cpu = msgspec.structs.replace(LAG, name="client_cpu", limit=0.9, actual=None, unit="cores")
    files = msgspec.structs.replace(LAG, name="open_files", limit=0, actual=1_200, unit="connections")
    agent.keep(a_result(run_id=run_id, checks=(LAG, cpu, files)))
    page.size(width, 900, phone=width < 500)
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    page.one("#checks summary").click()
    measured = [cell.text for cell in page.all("#checks .measured")]
    assert measured[0].endswith("in flight: 149 ms, limit at most 3.74 ms")
    assert measured[1].endswith("in flight: –, limit at most 0.90 cores")
    assert measured[2].endswith("in flight: 1,200, limit at most 0 connections")
    fits = "((box) => [box.scrollWidth, box.clientWidth])(document.querySelector('#checks .scroll'))"
    scrolled, seen = page.js(fits)
    assert scrolled <= seen
    assert page.all("#checks .words")[0].size["width"] > 200


def test_a_run_that_failed_gives_its_reason_once_and_the_statuses_that_came(page, agent):
    run_id = "20261101-120000-task-ffff"
    sentence = "50 % of 20 requests failed"
    check = Check(
        name="errors", stage="1", metric="requests", operator="<=", limit=0.01, actual=0.5,
        unit="of the requests", outcome=CheckOutcome.FAIL, message=sentence,
    )  # fmt: skip
    stage = a_stage(
        counts=Counts(scheduled=20, ok=10, http_error=10),
        statuses={"302": 10, "401": 10},
        findings=(Finding("errors", sentence),),
    )
    agent.keep(a_result(run_id=run_id, verdict=Verdict.FAIL, checks=(check,), stages=(stage,)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "FAIL")
    assert page.text("#verdict .why") == f"stage 1: {sentence}"
    assert page.text("#verdict").count(sentence) == 1
    assert page.one("#stages li").get_attribute("data-state") == "failed", "however well it was measured"
    assert "10 http error; 10 × status 302, 10 × status 401" in page.text("#verdict .besides")


def test_a_pass_of_which_something_could_not_be_judged_says_so(page, agent):
    run_id = "20261101-100000-task-dddd"
    sentence = "stage 1: unknown whether the client was the limit (too short)"
    check = Check(
        name="client_judged", metric="stages", operator="==", limit=0, actual=1, unit="stages",
        outcome=CheckOutcome.UNTESTABLE, message=sentence,
    )  # fmt: skip
    agent.keep(a_result(run_id=run_id, checks=(check,)))
    page.open(f"#run={run_id}")
    page.wait_text("#phase", "PASS")
    assert "no check failed, but see below" in page.text("#verdict")
    assert page.text("#verdict .why") == sentence
