"""The soak's accounting: what adds up passes, and each single request that does not is found."""

import copy

import pytest
from accounting import Served, problems

from loadlab.recording.reasons import CLOSED, CLOSED_WHILE_KEPT, CUT_OFF, NO_ANSWER, NO_CONNECTION, RESET

DONE = {"good": 90, "chunked": 5, "error": 2, "closed": 1, "reset": 1, "truncated": 1, "late": 1}
STAGE = {
    "sent_total": 101,
    "counts": {
        "scheduled": 101,
        "ok": 95,
        "http_error": 2,
        "timeout": 1,
        "connect_error": 0,
        "protocol_error": 3,
        "dropped": 0,
        "unfinished": 0,
    },
    "errors": [
        {"kind": "http_error", "reason": "503", "count": 2},
        {"kind": "timeout", "reason": NO_ANSWER, "count": 1},
        {"kind": "protocol_error", "reason": CLOSED, "count": 1},
        {"kind": "protocol_error", "reason": RESET, "count": 1},
        {"kind": "protocol_error", "reason": CUT_OFF, "count": 1},
    ],
}


def stage(sent=0, errors=(), **counts):
    """The stage with so many more sent, of each outcome, and for these reasons."""
    changed = copy.deepcopy(STAGE)
    changed["sent_total"] += sent
    for name, more in counts.items():
        changed["counts"][name] += more
    changed["errors"] += [{"kind": kind, "reason": reason, "count": count} for kind, reason, count in errors]
    return changed


def served(unknown=0, *, settled=True, **done):
    """The server's counts with so many more of each."""
    return Served({way: count + done.get(way, 0) for way, count in DONE.items()}, settled, unknown)


def test_what_adds_up_has_no_problem():
    assert problems(STAGE, served()) == []


@pytest.mark.parametrize("way", DONE)
def test_one_request_more_at_the_server_is_found(way):
    assert problems(STAGE, served(**{way: 1}))


@pytest.mark.parametrize("way", ["good", "chunked", "error", "truncated"])
def test_one_that_was_answered_and_that_the_server_did_not_read_is_found(way):
    assert problems(STAGE, served(**{way: -1}))


@pytest.mark.parametrize("name", ["ok", "http_error", "timeout", "protocol_error", "scheduled"])
def test_one_outcome_more_or_less_is_found(name):
    assert problems(stage(**{name: 1}), served())
    assert problems(stage(**{name: -1}), served())


def test_a_request_without_an_outcome_is_found():
    assert "+1 sent requests have no outcome" in problems(stage(sent=1), served(good=1))


def test_an_outcome_that_another_took_the_place_of_is_found():
    assert problems(stage(ok=-1, http_error=1, errors=[("http_error", "503", 1)]), served())


def test_a_request_on_a_connection_that_the_server_had_closed_need_not_have_been_read():
    closed = [("protocol_error", CLOSED_WHILE_KEPT, 1)]
    assert problems(stage(sent=1, scheduled=1, protocol_error=1, errors=closed), served()) == []


def test_a_request_without_a_connection_is_none_that_the_server_reads():
    refused = [("connect_error", "connection refused", 1), ("timeout", NO_CONNECTION, 1)]
    assert problems(stage(sent=2, scheduled=2, connect_error=1, timeout=1, errors=refused), served()) == []


def test_an_answer_that_came_after_the_time_limit_is_a_timeout():
    late = [("timeout", NO_ANSWER, 1)]
    assert problems(stage(ok=-1, timeout=1, errors=late), served()) == []


def test_what_a_lost_worker_may_have_sent_is_no_problem_and_one_more_is():
    assert problems(STAGE, served(unknown=3, good=3)) == []
    assert problems(STAGE, served(unknown=3, good=4))


def test_a_reason_that_no_transport_foresaw_is_found():
    raised = [("protocol_error", "unexpected ArithmeticError: no", 1)]
    more = stage(sent=1, scheduled=1, protocol_error=1, errors=raised)
    assert problems(more, served(truncated=1)) == ["1 x unexpected ArithmeticError: no"]


def test_a_connection_that_is_left_open_is_found():
    assert problems(STAGE, served(settled=False)) == ["connections were still open after the run"]


def test_mutated_responses_may_end_in_any_way_and_are_counted_all_the_same():
    answers = Served({"mutated": 101}, settled=True)
    assert problems(STAGE, answers) == []
    assert problems(STAGE, Served({"mutated": 102}, settled=True))
    assert problems(STAGE, Served({"mutated": 97}, settled=True))
