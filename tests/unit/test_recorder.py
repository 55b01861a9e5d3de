"""Invariants 1 to 4: nothing is lost, and what is merged is what one recorder would have counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.messages import (
    Delta,
    Ended,
    Failed,
    Go,
    Halt,
    Pulse,
    Quit,
    Ready,
    encode,
    from_parent,
    from_worker,
)
from loadlab.recorder import Recorder
from loadlab.sample import ANSWERED, CENSORED, STAMP_GRAIN_NS, WAITED, Outcome, Sample
from loadlab.slices import Slice
from loadlab.tape import COLUMNS, PIECE, Tape, packed_row
from loadlab.transports import Wear
from loadlab.window import Window

START_NS = 50 * NS_PER_S
WINDOW = Window(START_NS, START_NS + 3 * NS_PER_S)
OPEN = Window(START_NS)


@st.composite
def samples(draw):
    due_ns = draw(st.integers(START_NS - NS_PER_S, START_NS + 4 * NS_PER_S))
    sent_ns = due_ns + draw(st.integers(0, NS_PER_S))
    return Sample(
        due_ns=due_ns,
        sent_ns=sent_ns,
        done_ns=sent_ns + draw(st.integers(0, 2 * NS_PER_S)),
        outcome=draw(st.sampled_from(list(Outcome))),
        status=draw(st.sampled_from([0, 200, 404, 503])),
        body_bytes=draw(st.integers(0, 1 << 30)),
        inside_ns=draw(st.just(0) | st.integers(0, 3 * NS_PER_S)),
    )


spans = st.tuples(
    st.integers(START_NS - NS_PER_S, START_NS + 4 * NS_PER_S), st.integers(0, 2 * NS_PER_S), st.integers(0, 9)
)
windows = st.sampled_from([WINDOW, OPEN])
mixes = st.lists(samples(), max_size=40)


def flagged(mix):
    """The same requests, of which every other one found no place in flight."""
    return [
        each._replace(outcome=each.outcome | (WAITED if number % 2 else 0)) for number, each in enumerate(mix)
    ]


def rows_of(mix):
    return np.array(mix, dtype=np.int64).reshape(-1, COLUMNS)


def recorder(window, mix, flights=()):
    made = Recorder(window)
    made.sent = len(mix)
    made.take(rows_of(mix))
    for from_ns, length_ns, in_flight in flights:
        made.observe_in_flight(from_ns, from_ns + length_ns, in_flight)
    return made


def everything(counted):
    """All that a recorder knows, as plain values."""
    return {
        name: value
        for name in Recorder.__struct_fields__
        if (value := _plain(getattr(counted, name))) is not None
    }


def _plain(value):
    match value:
        case dict():
            return {key: _plain(each) for key, each in sorted(value.items())}
        case Slice():
            return (value.latency, value.errors, value.in_flight_integral_ns)
        case int() | list() | Window():
            return value
        case _:
            return value.sparse()


@given(windows, mixes, st.lists(spans, max_size=5), st.data())
def test_any_split_over_shards_and_any_order_of_merging_counts_the_same(window, mix, flights, data):
    shards = data.draw(st.integers(1, 5))
    where = data.draw(st.lists(st.integers(0, shards - 1), min_size=len(mix), max_size=len(mix)))
    parts = [
        recorder(
            window,
            [sample for sample, at in zip(mix, where, strict=True) if at == shard],
            flights if shard == 0 else (),
        )
        for shard in range(shards)
    ]
    merged = Recorder(window)
    for part in data.draw(st.permutations(parts)):
        merged.merge(part)
    assert everything(merged) == everything(recorder(window, mix, flights))


@given(windows, mixes, mixes, mixes)
def test_merging_is_associative(window, one, two, three):
    left = recorder(window, one)
    left.merge(recorder(window, two))
    left.merge(recorder(window, three))
    right = recorder(window, two)
    right.merge(recorder(window, three))
    whole = recorder(window, one)
    whole.merge(right)
    assert everything(left) == everything(whole)


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
    dropped = [sample for sample in due if sample.outcome & (WAITED - 1) == Outcome.DROPPED]
    assert marked.own_lag.count == sum(not sample.outcome & WAITED for sample in due) - sum(
        not sample.outcome & WAITED for sample in dropped
    )
    assert marked.refused == sum(bool(sample.outcome & WAITED) for sample in dropped)
    assert plain.refused == 0


@given(windows, mixes)
def test_time_in_flight_is_counted_as_far_as_it_lies_in_the_window(window, mix):
    end_ns = window.end_ns or 1 << 60
    exact = sum(max(0, min(sample.done_ns, end_ns) - max(sample.sent_ns, window.start_ns)) for sample in mix)
    assert recorder(window, mix).flown_ns == exact


def test_looks_at_what_is_in_flight_are_counted_in_the_window_with_their_jumps():
    counted = Recorder(WINDOW)
    for number, (before, seen) in enumerate([(0, 9), (9, 4), (4, 4), (4, 7)]):
        at_ns = START_NS - 5 + number * 10
        counted.observe_in_flight(at_ns - 10, at_ns, seen, before)
    assert counted.flight_samples == 3
    assert counted.flight_jumps == 25 + 0 + 9


@given(windows, mixes, st.lists(spans, max_size=5))
def test_a_recorder_comes_through_a_message_whole(window, mix, flights):
    sent = recorder(window, mix, flights)
    received = from_worker(encode(Delta(sent, 7)))
    assert received.upto_ns == 7
    assert everything(received.counted) == everything(sent)
    received.counted.merge(sent)
    sent.merge(sent)
    assert everything(received.counted) == everything(sent)


@pytest.mark.parametrize(
    "message",
    [
        Ready(),
        Pulse(1, 2, 3, 4, 5, 6, 7, None, 8),
        Ended(Wear(7, 8, 9, 10)),
        Failed("ValueError: no", "Traceback …"),
    ],
)
def test_a_workers_message_comes_through_whole(message):
    assert from_worker(encode(message)) == message


@pytest.mark.parametrize("message", [Go(12345), Halt(), Quit()])
def test_the_parents_message_comes_through_whole(message):
    assert from_parent(encode(message)) == message


def sample(due_ms, sent_ms, done_ms, outcome=Outcome.OK, body_bytes=6):
    moments = (START_NS + ms * NS_PER_MS for ms in (due_ms, sent_ms, done_ms))
    return Sample(*moments, outcome, 200, body_bytes)


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
    assert (counted.outside.count, counted.outside.max_ns) == (1, 10 * NS_PER_MS)
    assert counted.outlasted == 0


@pytest.mark.parametrize(("over_ns", "outlasted"), [(0, 0), (STAMP_GRAIN_NS, 0), (STAMP_GRAIN_NS + 1, 1)])
def test_a_stamp_may_say_more_than_the_service_time_by_its_own_grain_alone(over_ns, outlasted):
    counted = recorder(WINDOW, [sample(100, 130, 200)._replace(inside_ns=70 * NS_PER_MS + over_ns)])
    assert (counted.outside.count, counted.outside.max_ns) == (1, 0)
    assert counted.outlasted == outlasted


def test_a_stamp_counts_only_of_what_was_due_in_the_window_and_answered():
    due_before = sample(-10, -10, 50)
    given_up = sample(100, 100, 200, Outcome.TIMEOUT)
    counted = recorder(WINDOW, [each._replace(inside_ns=NS_PER_S) for each in (due_before, given_up)])
    assert counted.outside.count == counted.outlasted == 0


def test_a_request_without_an_answer_has_no_latency_but_was_waited_for():
    counted = recorder(WINDOW, [sample(100, 130, 200, Outcome.UNFINISHED)])
    assert counted.latency.count == counted.service.count == counted.completions == 0
    assert counted.late.max_ns == 100 * NS_PER_MS
    assert counted.late_service.max_ns == 70 * NS_PER_MS


def test_a_slice_holds_the_completions_and_errors_of_its_second():
    counted = recorder(
        WINDOW,
        [
            sample(900, 900, 999),
            sample(900, 900, 1_000),
            sample(1_100, 1_100, 1_400, Outcome.HTTP_ERROR),
            sample(1_100, 1_100, 1_500, Outcome.TIMEOUT),
        ],
    )
    assert {second: (part.latency.of, part.errors) for second, part in counted.slices.items()}.keys() == {
        0,
        1,
    }
    assert counted.slices[0].latency.max_ns == 99 * NS_PER_MS
    assert counted.slices[0].errors == 0
    assert counted.slices[1].latency.max_ns == 300 * NS_PER_MS
    assert counted.slices[1].errors == 2


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


def test_a_span_over_a_seconds_edge_is_divided_between_its_slices():
    counted = recorder(WINDOW, [], [(START_NS + 700 * NS_PER_MS, 500 * NS_PER_MS, 4)])
    assert counted.slices[0].in_flight_integral_ns == 4 * 300 * NS_PER_MS
    assert counted.slices[1].in_flight_integral_ns == 4 * 200 * NS_PER_MS


def test_recorders_of_different_windows_refuse_to_merge():
    with pytest.raises(ValueError, match="different windows"):
        Recorder(WINDOW).merge(Recorder(OPEN))


@given(st.lists(samples(), max_size=30), st.integers(1, 12))
def test_a_tape_gives_back_what_was_noted_in_order_piece_by_piece(mix, piece):
    tape = Tape()
    for each in mix:
        tape.note(packed_row(*each))
    assert len(tape) == len(mix)
    pieces = []
    while len(tape):
        pieces += tape.cut(piece).tolist()
    assert pieces == [list(each) for each in mix]


def test_a_tape_may_grow_while_it_is_cut():
    tape = Tape()
    for number in range(PIECE + 5):
        tape.note(packed_row(*[number] * COLUMNS))
    first = tape.cut()
    tape.note(packed_row(*[-1] * COLUMNS))
    assert len(first) == PIECE
    assert tape.cut()[:, 0].tolist() == [*range(PIECE, PIECE + 5), -1]


def test_a_recorder_does_not_grow_with_the_number_of_requests():
    few, many = recorder(WINDOW, [sample(1, 1, 5)]), recorder(WINDOW, [sample(1, 1, 5)] * 5_000)
    assert len(encode(Delta(many, 0))) <= len(encode(Delta(few, 0))) + 100


def test_a_settled_second_keeps_its_figures_and_nothing_else():
    counted = Recorder(Window(0, 3 * NS_PER_S))
    counted.take(rows_of([Sample(0, 0, 5_000_000 + n, Outcome.OK, 200, 6) for n in range(500)]))
    before = counted.slices[0].figures()
    counted.settle(NS_PER_S)
    assert counted.slices[0].figures() == before
    assert counted.slices[0].latency.counts == b""
    assert counted.slices[0].settled is not None


def test_a_second_that_is_not_over_is_not_settled():
    counted = Recorder(Window(0, 3 * NS_PER_S))
    counted.take(rows_of([Sample(0, 0, 5_000_000, Outcome.OK, 200, 6)]))
    counted.settle(NS_PER_S - 1)
    assert counted.slices[0].settled is None


def test_a_reply_that_comes_late_for_a_settled_second_still_counts():
    counted, late = Recorder(Window(0, 3 * NS_PER_S)), Recorder(Window(0, 3 * NS_PER_S))
    counted.take(rows_of([Sample(0, 0, 5_000_000, Outcome.OK, 200, 6)]))
    late.take(rows_of([Sample(0, 0, 6_000_000, Outcome.OK, 200, 6)]))
    counted.settle(NS_PER_S)
    counted.merge(late)
    assert counted.slices[0].figures().count == 2


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [
        (4, {0, 1}, {2, 3}),
        (5, {0, 1}, {3, 4}),
        (6, {0, 1, 2}, {3, 4, 5}),
        (3, set(), set()),
        (2, set(), set()),
    ],
)
@pytest.mark.parametrize("settled", [0, 2, 9])
def test_the_halves_of_a_window_keep_their_latencies_also_of_seconds_that_are_settled(
    seconds, first, last, settled
):
    """One request in second 0, two in second 1 and so on, each in its own millisecond."""
    window = Window(START_NS, START_NS + seconds * NS_PER_S)
    counted = recorder(
        window,
        [
            sample(at * 1000 + 1, at * 1000 + 1, at * 1000 + 2 + at)
            for at in range(seconds)
            for _ in range(at + 1)
        ],
    )
    counted.settle(START_NS + settled * NS_PER_S)
    halves = counted.half_latencies()
    assert [half.count for half in halves] == (
        [sum(at + 1 for at in first), sum(at + 1 for at in last)] if first else []
    )


def test_a_window_without_an_end_has_no_halves():
    assert recorder(OPEN, [sample(1, 1, 5)]).half_latencies() == ()


def test_a_row_comes_back_as_it_was_packed():
    tape = Tape()
    row = (1 << 62, -5, 3, Outcome.TIMEOUT | WAITED, 200, 6, 7)
    tape.note(packed_row(*row))
    assert len(tape) == 1
    assert tape.cut().tolist() == [[*row]]
