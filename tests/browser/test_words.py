"""The page's own words and numbers are those of the lab."""

import json

import pytest

from loadlab.analysis import judge_run
from loadlab.analysis.judge_stage import CLIENT_LIMIT_CHECKS, NO_BOUND_SHARE_CHECKS, SHORTAGES
from loadlab.analysis.together import Told, together
from loadlab.results.result import (
    Check,
    CheckOutcome,
    State,
    Verdict,
    encode,
)
from loadlab.terminal.table import reasons
from loadlab.units import format_number, show_ns
from support.browsing import import_of, module_says
from support.results import result as a_result
from support.results import stage as a_stage

pytestmark = [pytest.mark.browser, pytest.mark.real]


def test_numbers_are_written_as_the_terminal_writes_them(page):
    page.open()
    values = [0, 0.004, 0.0994, 0.0996, 1, 9.994, 9.996, 12.34, 99.94, 99.96, 631.4, 1590, 117_856.2, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'figure')})", values) == [
        format_number(value) for value in values
    ]
    spans = [0, 17, 999, 1_000, 999_600, 2_500_000, 101_234_567, 1_270_000_000, 61e9, None]
    assert module_says(page, f"arguments[0].map({import_of('units', 'showSpan')})", spans) == [
        show_ns(value) for value in spans
    ]


def test_the_page_knows_which_checks_are_of_the_clients_own_limits_and_which_are_open_questions(page):
    page.open()
    assert set(module_says(page, import_of("words", "CLIENT_LIMIT_CHECKS"))) == CLIENT_LIMIT_CHECKS
    assert set(module_says(page, import_of("words", "NO_BOUND_SHARE_CHECKS"))) == NO_BOUND_SHARE_CHECKS
    assert set(module_says(page, import_of("words", "SHORTAGES"))) == SHORTAGES
    assert set(module_says(page, import_of("words", "UNJUDGED"))) == judge_run.UNJUDGED
    assert set(module_says(page, import_of("words", "REASONS"))) == CLIENT_LIMIT_CHECKS | judge_run.FAILING


def told(result):
    """Return a result as the page gets it."""
    return json.loads(encode(result))


def test_a_verdict_has_the_same_name_as_in_the_terminal(page):
    page.open()
    results = [
        a_result(verdict=verdict, interrupted=interrupted, stages=(a_stage(state=state),))
        for verdict in Verdict
        for interrupted in (False, True)
        for state in (State.VALID, State.SUSPECT)
    ]
    assert module_says(
        page, f"arguments[0].map({import_of('words', 'headline')})", [told(each) for each in results]
    ) == [
        judge_run.headline(
            each.verdict, stopped=each.interrupted, suspect=each.stages[0].state is State.SUSPECT
        )
        for each in results
    ]


def test_the_same_finding_of_several_stages_is_told_once_as_in_the_terminal(page):
    page.open()
    sentences = [
        Told("lag", "1", "1 ms late"),
        Told("places", "1", "full"),
        Told("lag", "8?", "9 ms late"),
        Told("lost", "8?", "shard 0"),
        Told("lost", "8?", "shard 1"),
        Told("places", "32", "full"),
    ]
    assert module_says(
        page,
        f"{import_of('words', 'together')}(arguments[0])",
        [each._asdict() for each in sentences],
    ) == together(sentences)


def test_a_lost_target_has_the_same_reasons_as_in_the_terminal(page):
    page.open()
    checks = tuple(
        Check(
            name=name, stage=stage, metric="it", operator="<=", limit=0, actual=1, unit="times",
            outcome=CheckOutcome.FAIL, message=f"{name} of {stage}",
        )
        for name, stage in (
            ("target", None), ("lag", "1"), ("lag", "8"), ("errors", "8"), ("open_files", "8"),
        )
    )  # fmt: skip
    for lost in (None, "Connection refused"):
        of = a_result(
            checks=checks,
            stages=(a_stage(), a_stage(label="8")),
            target_lost=lost,
            verdict=Verdict.INVALID,
        )
        assert module_says(page, f"{import_of('words', 'reasons')}(arguments[0])", told(of)) == reasons(of)
