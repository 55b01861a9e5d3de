"""Why requests fail: numbers on a tape, sums by text, and lines of a result."""

import pytest

from loadlab.analysis.error_reasons import error_reasons, failure_reasons
from loadlab.analysis.lost_workers import Missed
from loadlab.analysis.summary import counts
from loadlab.fleet.messages import Report, encode, from_worker
from loadlab.recording import reasons
from loadlab.recording.reasons import Closer, Reasons, number_of, shown
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome, Sample
from loadlab.transports.status_outcomes import failed
from support.fakes import plan
from support.recorded import START_NS, WINDOW, rows_of
from support.results import stage


def ended(outcome, reason="", *, at_ns=START_NS, status=None):
    number = number_of(reason) if status is None else status
    return Sample(at_ns, at_ns, at_ns + 5, outcome, number, 0)


def recorded(*samples):
    counted = Recorder(WINDOW)
    counted.fold(rows_of(samples))
    return counted


def told(*samples, missed=Missed()):  # noqa: B008 - it is immutable
    counted = recorded(*samples)
    return error_reasons(plan(), counted, counts(counted, missed))


def test_a_reason_has_one_number_and_a_number_one_reason():
    table = Reasons()
    first, second = table.number_of("one"), table.number_of("two")
    assert (table.number_of("one"), table.text_of(first), table.text_of(second)) == (first, "one", "two")
    assert (table.number_of(""), table.text_of(0)) == (0, "")


def test_too_many_reasons_share_one_number():
    table = Reasons()
    numbers = {table.number_of(f"reason {number}") for number in range(1000)}
    assert len(numbers) == 257
    assert table.text_of(table.number_of("one more")) == reasons.OTHER


def test_a_text_of_anothers_making_is_one_short_line_without_control_characters():
    line = shown("bad\x1b[31m line\r\n" + "x" * 500)
    assert line.isprintable()
    assert len(line) == 100


def test_reasons_are_counted_of_requests_due_in_the_window_and_add_up_to_their_kind():
    counted = recorded(
        ended(Outcome.OK, status=200),
        ended(Outcome.CONNECT_ERROR, "connection refused"),
        ended(Outcome.CONNECT_ERROR, "connection refused"),
        ended(Outcome.CONNECT_ERROR, "certificate has expired"),
        ended(Outcome.TIMEOUT, reasons.NO_ANSWER),
        ended(Outcome.CONNECT_ERROR, "connection refused", at_ns=START_NS - 1),
    )
    assert counted.errors == {
        Outcome.CONNECT_ERROR: {"connection refused": 2, "certificate has expired": 1},
        Outcome.TIMEOUT: {reasons.NO_ANSWER: 1},
    }
    assert counted.statuses == {200: 1}, "the number of a reason is no status"


def test_the_reasons_of_several_shards_are_sums_and_travel_with_what_was_counted():
    one = recorded(ended(Outcome.TIMEOUT, reasons.NO_ANSWER))
    other = recorded(ended(Outcome.TIMEOUT, reasons.NO_ANSWER), ended(Outcome.TIMEOUT, reasons.NO_CONNECTION))
    one.merge(other)
    assert one.errors == {Outcome.TIMEOUT: {reasons.NO_ANSWER: 2, reasons.NO_CONNECTION: 1}}
    sent = from_worker(encode(Report(one, 0)))
    assert isinstance(sent, Report)
    assert sent.counted.errors == one.errors


def test_a_result_has_the_worst_kind_first_and_of_each_the_most_frequent_reason():
    found = told(
        ended(Outcome.TIMEOUT, reasons.NO_ANSWER),
        ended(Outcome.PROTOCOL_ERROR, reasons.NOT_HTTP),
        *[ended(Outcome.PROTOCOL_ERROR, reasons.CLOSED_WHILE_KEPT)] * 3,
        *[ended(Outcome.HTTP_ERROR, status=503)] * 2,
    )
    assert [(each.kind, each.reason, each.count, each.closed_by) for each in found] == [
        ("protocol_error", reasons.CLOSED_WHILE_KEPT, 3, Closer.PEER),
        ("protocol_error", reasons.NOT_HTTP, 1, Closer.CLIENT),
        ("http_error", "status 503", 2, None),
        ("timeout", reasons.NO_ANSWER, 1, Closer.CLIENT),
    ]


def test_of_a_kind_sixteen_reasons_are_told_apart_and_the_rest_is_counted():
    found = told(
        *[ended(Outcome.CONNECT_ERROR, f"reason {number}") for number in range(20)],
        ended(Outcome.CONNECT_ERROR, "reason 0"),
    )
    assert len(found) == reasons.MOST + 1
    assert (found[0].reason, found[0].count) == ("reason 0", 2)
    assert (found[-1].reason, found[-1].count) == (reasons.OTHER, 4)


@pytest.mark.parametrize("outcome", [Outcome.UNFINISHED, Outcome.DROPPED])
def test_what_went_with_a_lost_worker_has_a_reason_too(outcome):
    missed = Missed(unfinished=2) if outcome is Outcome.UNFINISHED else Missed(dropped=2)
    found = told(ended(Outcome.OK, status=200), missed=missed)
    assert [(each.kind, each.count) for each in found] == [(outcome.key, 2)]


def test_a_stage_says_why_requests_failed_in_a_line_for_each_kind_that_needs_it():
    found = told(
        ended(Outcome.TIMEOUT, reasons.NO_ANSWER),
        *[ended(Outcome.CONNECT_ERROR, f"reason {number}") for number in range(5)],
        ended(Outcome.HTTP_ERROR, status=503),
    )
    assert [each.sentence for each in failure_reasons(stage(errors=found))] == [
        "connect error: 1 × reason 0, 1 × reason 1, 1 × reason 2, 2 × another reason",
        f"timeout: 1 × {reasons.NO_ANSWER}",
    ]


def test_replies_of_one_reason_are_one_object():
    assert failed(Outcome.TIMEOUT, reasons.NO_ANSWER) is failed(Outcome.TIMEOUT, reasons.NO_ANSWER)
