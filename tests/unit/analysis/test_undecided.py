"""What no check of a stage could tell is said once for the run, and changes no verdict."""

import pytest

from loadlab.analysis import judge_run
from loadlab.analysis.checks.steady_state import BY_PLAN
from loadlab.results.result import Check, CheckOutcome, Verdict
from support.results import stage

CLIENT = ("client_cpu", "client_core", "lag")
ACCOUNTS = ("little", "target_count", "target_busy", "target_inside", "bound")


def check(name, label="1", outcome=CheckOutcome.UNTESTABLE, message="too short"):
    return Check(
        name=name,
        stage=label,
        metric="it",
        operator="<=",
        limit=1.0,
        actual=None,
        unit="cores",
        outcome=outcome,
        message=message,
    )


def of_stage(label="1", **outcomes):
    """Return the checks of a stage, all of them untestable but these."""
    return [check(name, label, outcomes.get(name, CheckOutcome.UNTESTABLE)) for name in (*CLIENT, *ACCOUNTS)]


def undecided(checks):
    return list(judge_run.undecided(checks))


@pytest.mark.parametrize("outcome", [CheckOutcome.PASS, CheckOutcome.FAIL])
def test_one_check_that_tells_answers_its_question(outcome):
    for client in CLIENT:
        for account in ACCOUNTS:
            assert undecided(of_stage(**{client: outcome, account: outcome})) == []


def test_a_question_that_no_check_answers_is_told_with_the_stages_and_with_why():
    found = undecided(
        [*of_stage("1"), *of_stage("8", lag=CheckOutcome.PASS), check("client_cpu", "32", message="unseen")]
    )
    assert [each.name for each in found] == ["client_judged", "figures_judged"]
    client, figures = found
    assert client.message == "stages 1, 32: unknown whether the client was the limit (too short; unseen)"
    assert (client.actual, client.operator, client.limit, client.unit) == (2, "==", 0, "stages")
    assert client.metric
    assert figures.message == "stages 1, 8: the figures could not be cross-checked (too short)"
    assert {each.stage for each in found} == {None}
    assert {each.outcome for each in found} == {CheckOutcome.UNTESTABLE}


def test_a_window_too_short_to_tell_whether_the_load_was_steady_says_so():
    short = [check("stationary", "2", message="too few seconds"), check("warmed_up", "2")]
    (found,) = undecided(short)
    assert found.name == "steadiness_judged"
    assert found.message == "stage 2: unknown whether the load was steady (too few seconds)"
    assert undecided([check("stationary", "2", CheckOutcome.PASS), check("warmed_up", "2")]) == []


def test_a_ramp_is_not_asked_whether_it_is_steady():
    assert undecided([check("stationary", "5:50", message=BY_PLAN)]) == []


def test_it_changes_no_verdict():
    open_questions = undecided(of_stage())
    assert judge_run.verdict((*judge_run.checks((stage(),), 0), *open_questions), (stage(),)) is Verdict.PASS


def test_a_run_without_a_stage_leaves_no_question_open():
    assert undecided([]) == []
