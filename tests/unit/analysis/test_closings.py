"""What the other side did to connections: idle ones that it closed, or a crash."""

import pytest

from loadlab.analysis.closings import closings
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.reasons import CLOSED, CLOSED_WHILE_KEPT, CUT_OFF, NO_ANSWER, RESET, number_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Stage
from loadlab.workload.traits import Workload
from support.fakes import START_NS, plan
from support.recorded import rows_of

SECONDS = 4
ANSWERED = 400
WINDOW = Window(START_NS, START_NS + SECONDS * NS_PER_S)
CLOSED_LOAD = {"stages": (Stage(concurrency=4),), "duration_ns": SECONDS * NS_PER_S}
THINKING = CLOSED_LOAD | {"think_ns": NS_PER_S}
OPEN = {
    "workload": Workload.OPEN,
    "stages": (Stage(rate_hz=100.0),),
    "duration_ns": SECONDS * NS_PER_S,
    "max_in_flight": 100,
}
UNHEARD = (Outcome.PROTOCOL_ERROR, CLOSED_WHILE_KEPT)
BROKEN = (Outcome.PROTOCOL_ERROR, CUT_OFF)
REFUSED = (Outcome.CONNECT_ERROR, "connection refused")
OTHER_FAILURES = [
    (Outcome.HTTP_ERROR, ""),
    (Outcome.TIMEOUT, NO_ANSWER),
    (Outcome.PROTOCOL_ERROR, CUT_OFF),
]


def ended(times, outcome, reason="", *, every_ms=10, from_ms=0):
    """So many requests that take 1 ms each."""
    moments = [START_NS + (from_ms + number * every_ms) * NS_PER_MS for number in range(times)]
    return [[ns, ns, ns + NS_PER_MS, outcome, number_of(reason), 0, 0] for ns in moments]


def told(*failures, whole=CLOSED_LOAD, workers_ended=None, workers_replaced=None, **stats):
    counted = Recorder(WINDOW)
    counted.fold(rows_of(ended(ANSWERED, Outcome.OK)))
    for rows in failures:
        counted.fold(rows_of(rows))
    carried = StageCounts(
        counted=counted,
        window=WINDOW,
        lost=(),
        stats=ConnectionStats(**stats),
        cpu_use=(),
        loop_stall_max_ns=0,
    )
    return {
        each.name: each.message for each in closings(plan(**whole), carried, workers_ended, workers_replaced)
    }


@pytest.mark.parametrize(
    ("times", "whole", "refused", "name"),
    [
        (8, CLOSED_LOAD, 0, "closed_in_use"),
        (8, CLOSED_LOAD, 3, "closed_in_use"),
        (ANSWERED // 2, CLOSED_LOAD, 0, "closed_while_kept"),
        (8, THINKING, 0, "closed_while_kept"),
        (8, THINKING, 3, "closed_in_use"),
        (8, OPEN, 0, "closed_while_kept"),
        (8, OPEN, 3, "closed_in_use"),
    ],
)
def test_a_crash_of_the_target_is_not_told_as_connections_that_were_idle(times, whole, refused, name):
    found = told(ended(times, *UNHEARD, every_ms=30), ended(refused, *REFUSED), whole=whole)
    assert list(found) == [name]
    if name == "closed_in_use":
        assert "--no-keep-alive" not in found[name]
        assert found[name].startswith("the target closed 8 connections while requests were under way")


@pytest.mark.parametrize("whole", [OPEN, THINKING])
def test_requests_that_fail_at_one_moment_are_a_crash_although_connections_rest(whole):
    at_once = ended(8, *UNHEARD, every_ms=0, from_ms=1_005)
    assert list(told(at_once, whole=whole)) == ["closed_in_use"]
    two = ended(2, *UNHEARD, every_ms=0, from_ms=1_005)
    assert list(told(two, whole=whole)) == ["closed_while_kept"]


@pytest.mark.parametrize("failure", OTHER_FAILURES)
def test_other_failures_do_not_hide_that_connections_closed_at_one_moment(failure):
    others = ended(100, *failure, every_ms=30)
    assert "closed_in_use" in told(ended(8, *UNHEARD, every_ms=0, from_ms=1_005), others, whole=OPEN)
    assert "closed_while_kept" in told(ended(8, *UNHEARD, every_ms=30), others, whole=OPEN)


@pytest.mark.parametrize("whole", [OPEN, THINKING, CLOSED_LOAD])
def test_where_a_worker_ended_it_closed_connections_in_use(whole):
    found = told(ended(2, *UNHEARD), whole=whole, workers_ended=1)
    assert "it or one of its workers restarted or crashed" in found["closed_in_use"]


@pytest.mark.parametrize(
    ("times", "whole", "name"),
    [
        (8, OPEN, "closed_while_kept"),
        (8, THINKING, "closed_while_kept"),
        (8, CLOSED_LOAD, "closed_in_use"),  # its connections are never idle
        (ANSWERED // 2, CLOSED_LOAD, "closed_while_kept"),
    ],
)
def test_where_no_worker_ended_connections_are_closed_in_use_only_where_none_is_idle(times, whole, name):
    found = told(ended(times, *UNHEARD, every_ms=0, from_ms=1_005), whole=whole, workers_ended=0)
    assert list(found) == [name]
    assert "crashed" not in found[name], "the target says that no worker did"


def test_a_target_whose_workers_did_not_end_but_that_refused_connections_went_away_itself():
    found = told(ended(8, *UNHEARD), ended(3, *REFUSED), workers_ended=0)
    assert "under way: it restarted or crashed;" in found["closed_in_use"]


def test_a_count_of_requests_is_of_the_window():
    """Of four connections that broke unheard, three did so in the warm-up."""
    found = told(ended(1, *UNHEARD), whole=OPEN, connections_lost=4, lost_unheard=4)
    assert found["closed_while_kept"].startswith("the target closed 1 idle connection")
    assert told(whole=OPEN, connections_lost=4, lost_unheard=4) == {}


def test_connections_that_broke_while_an_answer_came_are_counted_apart():
    found = told(ended(3, *UNHEARD), ended(4, *BROKEN), whole=OPEN, connections_lost=7, lost_unheard=3)
    assert found["closed_while_kept"].startswith("the target closed 3 idle connections")
    assert found["connections_lost"].startswith("4 connections broke during a request")
    one = told(ended(1, *BROKEN), connections_lost=1)["connections_lost"]
    assert one.startswith("1 connection broke during a request; see")


@pytest.mark.parametrize(("warmup_ns", "said"), [(0, False), (NS_PER_S, True)])
def test_a_count_that_is_of_more_than_the_window_says_so(warmup_ns, said):
    whole = CLOSED_LOAD | {"warmup_ns": warmup_ns}
    found = told(ended(1, *BROKEN), whole=whole, connections_lost=2, unexpected_bytes=1)
    assert {"(warm-up included)" in message for message in found.values()} == {said}
    assert found.keys() == {"connections_lost", "surplus"}


def test_connections_that_broke_in_the_warm_up_alone_are_not_told_of_the_window():
    assert told(connections_lost=2) == {}


REPLACED = "gunicorn replaced 2 workers (max_requests)"


@pytest.mark.parametrize("whole", [OPEN, THINKING, CLOSED_LOAD])
def test_requests_on_connections_that_replaced_workers_closed_are_told_as_such(whole):
    lost = [
        ended(3, Outcome.PROTOCOL_ERROR, reason, every_ms=1, from_ms=from_ms)
        for reason, from_ms in ((CLOSED_WHILE_KEPT, 1_005), (CLOSED, 2_005), (RESET, 2_010))
    ]
    found = told(*lost, whole=whole, workers_ended=0, workers_replaced=2)
    assert found == {"workers_replaced": f"{REPLACED}; 9 requests failed on connections that they closed"}


def test_workers_that_were_replaced_without_a_loss_are_told_too():
    assert told(workers_ended=0, workers_replaced=2) == {
        "workers_replaced": f"{REPLACED}, and no request failed by it"
    }


@pytest.mark.parametrize(
    ("failures", "ended_workers", "name"),
    [
        ([ended(8, *UNHEARD, every_ms=0)], 1, "closed_in_use"),  # one died besides
        ([ended(8, *UNHEARD, every_ms=0), ended(3, *REFUSED)], 0, "closed_in_use"),
        (
            [ended(12, *UNHEARD, every_ms=300)],
            0,
            "closed_while_kept",
        ),  # at more moments than two workers have
    ],
)
def test_what_others_may_have_closed_is_not_laid_on_the_replacement(failures, ended_workers, name):
    found = told(*failures, whole=OPEN, workers_ended=ended_workers, workers_replaced=2)
    assert found.keys() == {"workers_replaced", name}
    assert found["workers_replaced"] == REPLACED
