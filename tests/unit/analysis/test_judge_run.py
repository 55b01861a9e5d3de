"""What a run is worth, and the exit code that tells it."""

import itertools

import pytest
from msgspec import structs

from loadlab.analysis import judge_run
from loadlab.cli.run import exit_of
from loadlab.errors import EarlyStopError, Exit, LabError, TargetError, UsageError, first_of
from loadlab.results.result import CheckOutcome, Counts, Finding, State, Verdict
from support.results import result, stage

LOST = Finding("worker_lost", "worker 0 was killed")
NO_OK = Counts(scheduled=3, timeout=3)


def judged(*stages, unaccounted=0):
    return judge_run.verdict(judge_run.checks(stages, unaccounted), stages)


def test_a_run_whose_checks_all_hold_passes():
    assert judged(stage(), stage()) is Verdict.PASS


def test_a_request_without_an_outcome_makes_a_run_invalid():
    assert judged(stage(), unaccounted=1) is Verdict.INVALID
    assert judged(stage(), unaccounted=-1) is Verdict.INVALID


def test_a_lost_worker_makes_a_run_invalid():
    assert judged(stage(findings=(LOST,), state=State.INVALID)) is Verdict.INVALID


def test_one_invalid_stage_makes_a_run_invalid():
    assert judged(stage(), stage(state=State.INVALID)) is Verdict.INVALID


def test_a_suspect_stage_does_not_change_the_verdict():
    assert judged(stage(state=State.SUSPECT)) is Verdict.PASS


def test_a_run_without_a_single_ok_fails():
    assert judged(stage(counts=NO_OK)) is Verdict.FAIL
    assert judged() is Verdict.FAIL


def test_one_ok_in_any_stage_is_an_answer():
    assert judged(stage(counts=NO_OK), stage()) is Verdict.PASS


def test_invalid_comes_before_failed():
    assert judged(stage(counts=NO_OK), unaccounted=5) is Verdict.INVALID


def test_a_stopped_run_is_stopped_unless_it_failed_or_is_invalid():
    def stopped(*stages):
        return judge_run.verdict(judge_run.checks(stages, 0, stopped=True), stages, stopped=True)

    assert stopped(stage()) is Verdict.STOPPED
    assert stopped(stage(state=State.SUSPECT)) is Verdict.STOPPED
    assert stopped(stage(counts=NO_OK)) is Verdict.FAIL
    assert stopped(stage(state=State.INVALID)) is Verdict.INVALID


def test_a_run_that_was_stopped_before_a_request_ended_did_not_fail():
    given_up = Counts(scheduled=5, unfinished=3, dropped=2)
    for stages in ((), (stage(counts=Counts()),), (stage(counts=given_up, halted=True),)):
        checks = judge_run.checks(stages, 0, stopped=True)
        assert judge_run.verdict(checks, stages, stopped=True) is Verdict.STOPPED
        (answered,) = [each for each in checks if each.name == "answered"]
        assert answered.outcome is CheckOutcome.UNTESTABLE
        assert "stopped before a request ended" in answered.message


def test_what_the_end_of_the_target_cut_off_is_no_answer_and_no_failure():
    cut_off = stage(counts=Counts(scheduled=4, unfinished=4), halted=True)
    (answered,) = [each for each in judge_run.checks((cut_off,), 0, "it is gone") if each.name == "answered"]
    assert answered.outcome is CheckOutcome.UNTESTABLE
    assert "--expect-status" not in answered.message


def test_a_target_that_never_spoke_what_its_url_says_was_not_lost_and_has_no_other_advice():
    sentence = "https://h/ cannot be loaded: self-signed certificate; name the CA's file"
    failed = stage(counts=Counts(scheduled=9, connect_error=9), statuses={})
    told = {each.name: each for each in judge_run.checks((failed,), 0, sentence, fits=False)}
    assert told["target"].outcome is CheckOutcome.FAIL
    assert told["target"].message == sentence
    assert told["answered"].message == "every request failed (9 × connect error)"


def test_what_a_lost_worker_had_sent_is_not_held_against_the_target():
    unknown = stage(counts=Counts(scheduled=5, unfinished=5), findings=(LOST,), state=State.INVALID)
    (answered,) = [each for each in judge_run.checks((unknown,), 0) if each.name == "answered"]
    assert answered.outcome is CheckOutcome.UNTESTABLE
    assert "a worker was lost" in answered.message


@pytest.mark.parametrize(
    ("verdict", "stopped", "suspect", "headline"),
    [
        (Verdict.PASS, False, False, "PASS"),
        (Verdict.PASS, False, True, "PASS with warnings"),
        (Verdict.PASS, True, True, "STOPPED"),
        (Verdict.STOPPED, True, True, "STOPPED"),
        (Verdict.FAIL, True, True, "FAIL"),
        (Verdict.INVALID, True, True, "INVALID"),
    ],
)
def test_a_verdict_has_one_name(verdict, stopped, suspect, headline):
    assert judge_run.headline(verdict, stopped=stopped, suspect=suspect) == headline


@pytest.mark.parametrize("stages", [(), (stage(),), (stage(counts=NO_OK, findings=(LOST,)),)])
def test_a_check_says_what_it_compares_and_its_outcome_is_that_comparison(stages):
    for check in judge_run.checks(stages, 0):
        compare = {"==": check.actual == check.limit, ">=": check.actual >= check.limit}
        assert compare[check.operator] == (check.outcome is CheckOutcome.PASS)
        assert check.metric
        assert check.unit
        assert check.message


@pytest.mark.parametrize(
    ("name", "stages", "told", "actual", "sentence"),
    [
        ("accounting", (stage(),), {}, 0, "has exactly one outcome"),
        ("accounting", (stage(),), {"unaccounted": 1}, 1, "loadlab lost track"),
        ("accounting", (stage(),), {"unaccounted": -1}, -1, "loadlab lost track"),
        ("workers", (stage(),), {}, 0, "no client worker was lost"),
        ("workers", (stage(findings=(LOST, LOST)), stage(findings=(LOST,))), {}, 3, "was lost"),
        ("target", (stage(),), {}, 0, "was reachable to the end"),
        ("target", (stage(),), {"target_lost": "it ended with 9"}, 1, "it ended with 9"),
        ("answered", (stage(), stage(counts=NO_OK)), {}, 1, "at least one request succeeded"),
        ("answered", (stage(counts=NO_OK),), {}, 0, "every request failed"),
        ("answered", (stage(counts=Counts(), statuses={}),), {}, 0, "longer --duration"),
        (
            "answered",
            (stage(counts=Counts(scheduled=3, dropped=3), statuses={}),),
            {},
            0,
            "no request was sent",
        ),
    ],
)
def test_each_check_of_a_run_says_what_it_found(name, stages, told, actual, sentence):
    (found,) = [
        each
        for each in judge_run.checks(stages, told.get("unaccounted", 0), told.get("target_lost"))
        if each.name == name
    ]
    assert found.actual == actual
    assert sentence in found.message


def test_a_run_holds_together_whatever_its_stages_are_worth():
    whole = judge_run.checks((stage(),), 0)
    of_stage = structs.replace(judge_run.checks((), 0)[-1], stage="8")
    assert of_stage.outcome is CheckOutcome.FAIL
    assert judge_run.holds_together((*whole, of_stage)) is True
    assert judge_run.holds_together(judge_run.checks((stage(),), 1)) is False


PRECEDENCE = [
    Exit.INTERRUPTED,
    Exit.INTERNAL,
    Exit.USAGE,
    Exit.TARGET,
    Exit.INVALID,
    Exit.THRESHOLD,
    Exit.PASS,
]


def test_the_exit_codes_are_those_that_the_design_promises():
    assert {code.name: code.value for code in Exit} == {
        "PASS": 0,
        "THRESHOLD": 1,
        "USAGE": 2,
        "INVALID": 3,
        "TARGET": 4,
        "INTERNAL": 70,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(("stronger", "weaker"), list(itertools.combinations(PRECEDENCE, 2)))
def test_where_two_exits_apply_the_stronger_one_is_told(stronger, weaker):
    assert first_of([weaker, stronger]) is stronger
    assert first_of([stronger, weaker]) is stronger


def test_where_nothing_is_to_be_told_the_run_passed():
    assert first_of([]) is Exit.PASS


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"verdict": Verdict.FAIL}, 1),
        ({"verdict": Verdict.INVALID}, 3),
        ({"verdict": Verdict.INVALID, "target_lost": "it ended"}, 4),
        ({"target_lost": "it ended"}, 4),
        ({"target_lost": "it ended", "failure": "Traceback"}, 70),
        ({"interrupted": True}, 130),
        ({"interrupted": True, "verdict": Verdict.STOPPED}, 130),
        ({"interrupted": True, "failure": "Traceback", "verdict": Verdict.INVALID}, 130),
    ],
)
def test_a_results_exit_code_is_the_strongest_thing_that_it_has_to_tell(changed, code):
    assert exit_of(result(**changed)) == code


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError, 2), (TargetError, 4), (EarlyStopError, 130), (LabError, 70)]
)
def test_each_error_owns_its_exit_code(error, code):
    assert error("a sentence").exit == code


def test_a_client_that_is_gone_makes_a_run_invalid_with_its_last_words():
    lost = judge_run.client_lost("the agent ended")
    assert (lost.name, lost.outcome, lost.message) == ("client", CheckOutcome.FAIL, "the agent ended")
    assert (lost.operator, lost.limit, lost.actual, lost.unit) == ("==", 0, 1, "clients")
    assert lost.metric
    assert judge_run.verdict((lost,), (stage(),)) is Verdict.INVALID


@pytest.mark.parametrize(
    ("changed", "headline"),
    [
        ({"stages": (stage(),)}, "PASS"),
        ({"stages": (stage(), stage(state=State.SUSPECT))}, "PASS with warnings"),
        ({"stages": (stage(),), "interrupted": True}, "STOPPED"),
        ({"stages": (stage(),), "verdict": Verdict.FAIL}, "FAIL"),
    ],
)
def test_a_results_headline_is_of_its_verdict_its_stages_and_whether_it_was_stopped(changed, headline):
    assert judge_run.headline_of(result(**changed)) == headline
