"""Requests by outcome and class of status: the two are told apart without a count of each pair."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.metrics.tally import Tally, status_class
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import ANSWERED, Outcome, Sample
from loadlab.recording.tape import COLUMNS
from loadlab.recording.window import Window
from loadlab.results.result import Counts
from loadlab.workload.plan import StatusRange
from support import fakes, results

statuses = st.sampled_from([200, 204, 304, 404, 418, 500, 503, 600, 999])
ranges = st.lists(
    st.sampled_from([StatusRange(200, 399), StatusRange(404, 404), StatusRange(500, 999)]),
    min_size=1,
    max_size=3,
).map(tuple)


def counted(plan, mix):
    """Record requests, each the status of its complete response or the outcome that it had instead."""
    rows = [
        Sample(0, 0, 0, Outcome.OK if plan.expects(each) else Outcome.HTTP_ERROR, each, 0)
        if each not in Outcome.__members__.values()
        else Sample(0, 0, 0, each, 0, 0)
        for each in mix
    ]
    made = Recorder(Window(0))
    made.fold(np.array(rows, dtype=np.int64).reshape(-1, COLUMNS))
    return made


unanswered = st.sampled_from([outcome for outcome in Outcome if outcome not in ANSWERED])
mixes = st.lists(statuses | unanswered, max_size=40)


@given(ranges, mixes)
def test_each_request_is_in_the_cell_of_its_outcome_and_its_status(expect_status, mix):
    plan = fakes.plan(expect_status=expect_status)
    expected = Counter(
        (each, "none")
        if each in Outcome.__members__.values()
        else (Outcome.OK if plan.expects(each) else Outcome.HTTP_ERROR, status_class(each))
        for each in mix
    )
    tally = Tally.of(plan, counted(plan, mix))
    assert {cell: times for cell, times in tally.requests.items() if times} == expected


@given(ranges, mixes)
def test_the_cells_of_an_outcome_add_up_to_its_count(expect_status, mix):
    plan = fakes.plan(expect_status=expect_status)
    recorder = counted(plan, mix)
    tally = Tally.of(plan, recorder)
    for outcome in Outcome:
        cells = sum(times for (each, _), times in tally.requests.items() if each is outcome)
        assert cells == recorder.count(outcome)


@given(ranges, mixes)
def test_every_cell_that_a_request_can_fall_into_is_there_before_the_first_one_does(expect_status, mix):
    plan = fakes.plan(expect_status=expect_status)
    nothing = Tally.nothing(plan)
    assert not any(nothing.requests.values())
    assert nothing.plus(Tally.of(plan, counted(plan, mix))).requests.keys() == nothing.requests.keys()


def test_only_cells_that_can_be_met_are_there():
    cells = Tally.nothing(fakes.plan()).requests
    assert {name for outcome, name in cells if outcome is Outcome.OK} == {"2xx", "3xx"}
    assert {name for outcome, name in cells if outcome is Outcome.HTTP_ERROR} == {"1xx", "4xx", "5xx", "none"}
    assert {name for outcome, name in cells if outcome not in ANSWERED} == {"none"}


def test_what_went_with_a_lost_worker_is_added_at_the_stages_end():
    plan = fakes.plan()
    seen = Tally.of(plan, counted(plan, [200, 200, 503, Outcome.TIMEOUT]))
    counts = Counts(scheduled=11, ok=2, http_error=1, timeout=1, dropped=3, unfinished=4)
    told = results.stage(counts=counts, statuses={"200": 2, "503": 1}, sent_total=8)
    ended = seen.ended(plan, told)
    assert {cell: times for cell, times in ended.requests.items() if times} == {
        (Outcome.OK, "2xx"): 2,
        (Outcome.HTTP_ERROR, "5xx"): 1,
        (Outcome.TIMEOUT, "none"): 1,
        (Outcome.DROPPED, "none"): 3,
        (Outcome.UNFINISHED, "none"): 4,
    }
    assert ended.sent == 8
    assert ended.latency == seen.latency


@pytest.mark.parametrize(
    ("status", "name"), [(100, "1xx"), (200, "2xx"), (399, "3xx"), (404, "4xx"), (599, "5xx"), (600, "none")]
)
def test_a_class_is_named_as_the_target_names_it(status, name):
    from loadlab_target import meters

    assert status_class(status) == name == meters.status_class(status)
