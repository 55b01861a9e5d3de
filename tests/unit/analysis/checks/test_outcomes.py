"""How many requests may fail, and what the run says of those that did."""

import pytest

from loadlab.analysis import judge_run
from loadlab.analysis.checks.outcomes import kinds
from loadlab.results.result import CheckOutcome, Counts, Finding, State, Verdict
from loadlab.workload.plan import StatusRange
from support.results import stage
from support.stages import CLOSED, FAIL, PASS, UNTESTABLE, check, healthy, judged


def errors(of, **plan):
    return check("errors", of, whole=CLOSED | plan)


def failed(times, sent, **changed):
    counts = Counts(scheduled=sent, ok=sent - times, http_error=times)
    return healthy(**{"counts": counts, "statuses": {"200": sent - times, "401": times}, **changed})


@pytest.mark.parametrize(
    ("times", "sent", "outcome"),
    [
        (0, 25, PASS),
        (1, 25, UNTESTABLE),
        (2, 25, UNTESTABLE),
        (3, 25, FAIL),
        (1, 100, PASS),
        (100, 10_000, PASS),
        (110, 10_000, UNTESTABLE),
        (150, 10_000, FAIL),
        (2_887, 2_915, FAIL),
    ],
)
def test_a_run_fails_where_more_requests_fail_than_allowed_and_chance_does_not_explain_it(
    times, sent, outcome
):
    found = errors(failed(times, sent))
    assert found.outcome is outcome
    assert found.limit == 0.01
    assert found.actual == times / sent


def test_a_failure_says_how_many_of_how_many_and_what_they_were():
    found = errors(failed(2_887, 2_915))
    assert found.message.startswith("99 % of 2,915 requests failed (limit 1 %): 2,887 × status 401")
    assert found.stage == "64"


def test_the_limit_is_the_plans_and_none_switches_it_off():
    assert errors(failed(5, 100), max_errors_ratio=0.1).outcome is PASS
    assert errors(failed(1, 100), max_errors_ratio=0.0).outcome is FAIL
    off = errors(failed(100, 100), max_errors_ratio=None)
    assert off.outcome is UNTESTABLE
    assert "--max-errors none" in off.message


def test_what_was_dropped_is_no_error_because_it_was_never_sent():
    found = errors(healthy(counts=Counts(scheduled=200, ok=100, dropped=100)))
    assert (found.outcome, found.actual) == (PASS, 0)
    nothing_sent = errors(healthy(counts=Counts(scheduled=200, dropped=200)))
    assert nothing_sent.outcome is UNTESTABLE


def test_what_a_stopped_run_gave_up_is_no_error():
    counts = Counts(scheduled=110, ok=100, unfinished=10)
    assert errors(healthy(counts=counts)).outcome is FAIL
    assert errors(healthy(counts=counts, halted=True)).outcome is PASS


def test_one_error_of_few_requests_is_a_finding_and_no_failure():
    found, checks = judged(failed(1, 25))
    assert [each.name for each in found.findings] == ["few_errors"]
    assert "1 of 25 requests failed" in found.findings[0].message
    assert found.state is State.VALID
    assert judge_run.verdict((*judge_run.checks((found,), 0), *checks), (found,)) is Verdict.PASS


def test_too_many_errors_make_the_run_fail_and_leave_the_stage_valid():
    found, checks = judged(failed(500, 1_000))
    assert [each.name for each in found.findings] == ["errors"]
    assert found.state is State.VALID
    assert judge_run.verdict((*judge_run.checks((found,), 0), *checks), (found,)) is Verdict.FAIL


def test_where_a_worker_was_lost_nothing_is_said_of_errors():
    lost = Finding("worker_lost", "worker 0 was killed")
    assert errors(failed(500, 1_000, findings=(lost,))).outcome is UNTESTABLE
    found, _ = judged(failed(500, 1_000, findings=(lost,)))
    assert "few_errors" not in [each.name for each in found.findings]


def test_a_run_without_a_single_ok_says_what_came_instead():
    stages = (
        stage(counts=Counts(scheduled=9, http_error=9), statuses={"302": 5, "401": 4}),
        stage(counts=Counts(scheduled=3, timeout=2, connect_error=1), statuses={}),
    )
    (found,) = [each for each in judge_run.checks(stages, 0) if each.name == "answered"]
    assert found.outcome is CheckOutcome.FAIL
    assert "(5 × status 302, 4 × status 401, 2 × timeout, 1 × connect error)" in found.message


def test_a_run_in_which_nothing_was_sent_does_not_blame_the_target():
    (found,) = [
        each
        for each in judge_run.checks((stage(counts=Counts(scheduled=9, dropped=9), statuses={}),), 0)
        if each.name == "answered"
    ]
    assert found.message.startswith("no request was sent")


def redirected(share, status="302", expect=((200, 399),), **changed):
    times = round(share * 6400)
    of = healthy(statuses={"200": 6400 - times, status: times}, **changed)
    spans = tuple(StatusRange(*span) for span in expect)
    return check("redirects", of, whole=CLOSED | {"expect_status": spans})


def test_most_answers_being_redirects_that_nothing_expects_is_told_with_where_they_lead():
    found = redirected(1.0, redirected_to=("/login", "/sorry"))
    assert found.outcome is FAIL
    assert found.message.startswith("6,400 of 6,400 answers are redirects to /login and /sorry (6,400 × 302)")
    assert "--expect-status 302" in found.message


@pytest.mark.parametrize(
    ("share", "status", "expect", "outcome"),
    [
        (0.4, "302", ((200, 399),), PASS),
        (0.6, "307", ((200, 399),), FAIL),
        (0.6, "302", ((200, 200),), FAIL),
        (1.0, "302", ((302, 302),), PASS),
        (1.0, "301", ((200, 200), (300, 399)), PASS),
        (1.0, "304", ((200, 399),), PASS),
        (1.0, "404", ((200, 399),), PASS),
    ],
)
def test_a_redirect_that_is_asked_for_is_what_it_should_be(share, status, expect, outcome):
    assert redirected(share, status, expect).outcome is outcome


def test_of_no_answers_none_is_a_redirect():
    nothing = healthy(counts=Counts(scheduled=9, timeout=9), statuses={})
    assert check("redirects", nothing).outcome is UNTESTABLE


def test_what_failed_in_several_stages_is_added_up_the_most_frequent_first():
    late = {"counts": Counts(scheduled=10, ok=6, timeout=4), "statuses": {"200": 6}}
    stages = (failed(2, 10), failed(3, 10), stage(**late), stage(**late))
    assert kinds(stages, lambda status: status < 400) == "8 × timeout, 5 × status 401"
