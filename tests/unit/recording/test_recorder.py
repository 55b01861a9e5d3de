"""Invariants 1 and 2: every request is counted once, and in the window that its moment lies in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.reasons import number_of, short_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import (
    ANSWERED,
    CENSORED,
    OWN_LAG_SHIFT,
    STAMP_GRAIN_NS,
    WAITED,
    Outcome,
    Sample,
    waited,
)
from loadlab.system.resources import Resource
from support.recorded import START_NS, WINDOW, everything, mixes, recorder, rows_of, sample, spans, windows

answers = st.tuples(st.sampled_from([0, 200, 204]), st.integers(0, 1 << 30), st.integers(0, NS_PER_S))


def flagged(mix):
    """The same requests; every other one found no place in flight, some nanoseconds after it was due."""
    return [
        each._replace(outcome=each.outcome | (waited(number) if number % 2 else 0))
        for number, each in enumerate(mix)
    ]


@given(windows, mixes)
def test_every_request_that_is_due_in_the_window_has_exactly_one_outcome(window, mix):
    due = [
        sample
        for sample in mix
        if sample.due_ns >= window.start_ns and (window.end_ns is None or sample.due_ns < window.end_ns)
    ]
    counted = recorder(window, mix)
    assert sum(counted.counts) == len(due)
    for outcome in Outcome:
        assert counted.count(outcome) == sum(sample.outcome == outcome for sample in due)
    answered = sum(sample.outcome in ANSWERED for sample in due)
    assert counted.latency.count == counted.service.count == answered
    assert (
        counted.late.count == counted.late_service.count == sum(sample.outcome in CENSORED for sample in due)
    )
    assert counted.lag.count == len(due) - counted.count(Outcome.DROPPED)
    assert counted.finished == sum(sample.outcome != Outcome.DROPPED for sample in mix)


@given(windows, mixes)
def test_who_waited_for_a_place_is_counted_as_all_others_and_apart_from_them(window, mix):
    plain, marked = recorder(window, mix), recorder(window, flagged(mix))
    assert marked.counts == plain.counts
    assert marked.lag.sparse() == plain.lag.sparse()
    due = [sample for sample in flagged(mix) if window.overlap_ns(sample.due_ns, sample.due_ns + 1)]
    found_none = [sample for sample in due if sample.outcome & WAITED]
    refused = [sample for sample in found_none if sample.outcome & (WAITED - 1) == Outcome.DROPPED]
    went = [sample for sample in due if not sample.outcome & WAITED and sample.outcome != Outcome.DROPPED]
    assert marked.own_lag.count == len(went) + len(found_none)
    assert marked.own_lag.sum_ns == sum(sample.sent_ns - sample.due_ns for sample in went) + sum(
        sample.outcome >> OWN_LAG_SHIFT for sample in found_none
    )
    assert marked.refused == len(refused)
    assert marked.waited == len(found_none) - len(refused)
    assert plain.refused == plain.waited == 0


@given(windows, mixes)
def test_time_in_flight_is_counted_as_far_as_it_lies_in_the_window(window, mix):
    end_ns = window.end_ns or 1 << 60
    exact = sum(max(0, min(sample.done_ns, end_ns) - max(sample.sent_ns, window.start_ns)) for sample in mix)
    assert recorder(window, mix).in_flight_by_stamps_ns == exact


def test_looks_at_what_is_in_flight_are_counted_in_the_window_with_their_jumps():
    counted = Recorder(WINDOW)
    for number, (before, seen) in enumerate([(0, 9), (9, 4), (4, 4), (4, 7)]):
        at_ns = START_NS - 5 + number * 10
        counted.observe_in_flight(at_ns - 10, at_ns, seen, before)
    assert counted.flight_samples == 3
    assert counted.flight_jumps == 25 + 0 + 9


def test_counts_are_of_what_is_due_in_the_window_and_throughput_of_what_is_done_in_it():
    counted = recorder(
        WINDOW,
        [
            sample(-100, -100, 50),  # due in the warm-up, done in the window
            sample(10, 10, 60),
            sample(2_950, 2_950, 3_050),  # due in the window, done in the drain
            sample(3_000, 3_000, 3_010),  # due at the end: no longer in it
        ],
    )
    assert counted.count(Outcome.OK) == 2
    assert counted.completions == 2
    assert counted.body_bytes == 12
    assert counted.finished == 4


def test_the_window_holds_its_start_and_not_its_end():
    counted = recorder(WINDOW, [sample(0, 0, 0), sample(3_000, 3_000, 3_000)])
    assert (counted.count(Outcome.OK), counted.completions) == (1, 1)


def test_latency_counts_from_due_service_time_from_sent_and_lag_between_them():
    counted = recorder(WINDOW, [sample(100, 130, 200)])
    assert counted.latency.max_ns == 100 * NS_PER_MS
    assert counted.service.max_ns == 70 * NS_PER_MS
    assert counted.lag.max_ns == 30 * NS_PER_MS


def test_the_way_there_and_back_is_what_a_stamp_leaves_of_the_service_time():
    stamped = sample(100, 130, 200)._replace(inside_ns=60 * NS_PER_MS)
    counted = recorder(WINDOW, [stamped, sample(100, 130, 200)])
    assert (counted.outside_target.count, counted.outside_target.max_ns) == (1, 10 * NS_PER_MS)
    assert counted.stamps_over_service == 0


@pytest.mark.parametrize(
    ("over_ns", "stamps_over_service"), [(0, 0), (STAMP_GRAIN_NS, 0), (STAMP_GRAIN_NS + 1, 1)]
)
def test_a_stamp_may_say_more_than_the_service_time_by_its_own_grain_alone(over_ns, stamps_over_service):
    counted = recorder(WINDOW, [sample(100, 130, 200)._replace(inside_ns=70 * NS_PER_MS + over_ns)])
    assert (counted.outside_target.count, counted.outside_target.max_ns) == (1, 0)
    assert counted.stamps_over_service == stamps_over_service


def test_a_stamp_counts_only_of_what_was_due_in_the_window_and_answered():
    due_before = sample(-10, -10, 50)
    given_up = sample(100, 100, 200, Outcome.TIMEOUT)
    counted = recorder(WINDOW, [each._replace(inside_ns=NS_PER_S) for each in (due_before, given_up)])
    assert counted.outside_target.count == counted.stamps_over_service == 0


def test_a_request_without_an_answer_has_no_latency_but_was_waited_for():
    counted = recorder(WINDOW, [sample(100, 130, 200, Outcome.UNFINISHED)])
    assert counted.latency.count == counted.service.count == counted.completions == 0
    assert counted.late.max_ns == 100 * NS_PER_MS
    assert counted.late_service.max_ns == 70 * NS_PER_MS


@given(st.lists(spans, max_size=6), windows)
def test_requests_in_flight_are_integrated_inside_the_window_only(flights, window):
    counted = recorder(window, [], flights)
    end_ns = window.end_ns or START_NS + 99 * NS_PER_S
    exact = sum(
        in_flight * max(0, min(from_ns + length_ns, end_ns) - max(from_ns, window.start_ns))
        for from_ns, length_ns, in_flight in flights
    )
    assert counted.in_flight_integral_ns == exact
    assert sum(part.in_flight_integral_ns for part in counted.slices.values()) == exact


@given(windows, mixes)
def test_rows_count_the_same_together_as_one_by_one(window, mix):
    for only in (mix, [each._replace(outcome=Outcome.OK) for each in mix]):
        together, one_by_one = recorder(window, only), Recorder(window)
        one_by_one.sent = len(only)
        for each in only:
            one_by_one.fold(rows_of([each]))
        assert everything(together) == everything(one_by_one)


@given(st.lists(st.integers(0, NS_PER_S - 1), min_size=1, max_size=40), st.data())
def test_rows_that_all_ended_well_count_as_they_do_beside_one_that_did_not(moments, data):
    begin_ns = START_NS + NS_PER_S
    well = [
        Sample(due_ns, sent_ns, done_ns, Outcome.OK, *data.draw(answers))
        for due_ns, sent_ns, done_ns in (
            sorted(begin_ns + data.draw(st.sampled_from(moments)) for _ in range(3)) for _ in moments
        )
    ]
    late = Sample(*[START_NS - 5] * 3, Outcome.TIMEOUT, 0, 0, 0)  # before the window: it is finished, no more
    alone, beside = recorder(WINDOW, well), recorder(WINDOW, [*well, late])
    beside.sent -= 1
    beside.finished -= 1
    beside.last_failing_ns = 0
    assert everything(alone) == everything(beside)


@pytest.mark.parametrize("resource", Resource)
def test_a_request_that_this_machine_had_not_enough_for_is_counted_but_says_nothing_of_the_target(resource):
    own = sample(500, 500, 501, Outcome.CONNECT_ERROR)._replace(status=number_of(short_of(resource)))
    refused = sample(200, 200, 201, Outcome.CONNECT_ERROR)._replace(status=number_of("connection refused"))
    alone, beside = recorder(WINDOW, [own]), recorder(WINDOW, [own, refused, own])
    assert (alone.last_failing_ns, alone.slices[0].failing, alone.slices[0].failing_sent) == (0, 0, 0)
    assert beside.last_failing_ns == refused.sent_ns
    assert alone.last_lacking_ns == beside.last_lacking_ns == own.sent_ns
    assert (beside.slices[0].failing, beside.slices[0].failing_sent) == (1 << 10, 1 << 10)
    assert beside.count(Outcome.CONNECT_ERROR) == beside.slices[0].errors == 3
    assert beside.errors[Outcome.CONNECT_ERROR] == {short_of(resource): 2, "connection refused": 1}
