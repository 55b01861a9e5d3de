"""A stage's requests by name and its journeys, from what was counted."""

import numpy as np
import pytest

from loadlab.analysis.by_name import journeys, names
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.journeys import MOST_REASONS, OTHER_REASONS, JourneyEvent, Kind
from loadlab.recording.names import MOST_NAMES, NAME_SHIFT, OTHER, Names
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from support.fakes import plan

PLAN = plan()
WINDOW = Window(0, 10 * NS_PER_S)


def row(number, took_ms, outcome=Outcome.OK, status=200, at_ms=1_000):
    at_ns = at_ms * NS_PER_MS
    return [at_ns, at_ns, at_ns + took_ms * NS_PER_MS, outcome, status | number << NAME_SHIFT, 10, 0]


def recorded(*rows, texts=("a", "b", "c")):
    recorder = Recorder(WINDOW)
    recorder.fold_named(np.array(rows, dtype=np.int64), list(texts))
    return recorder


def test_each_name_has_its_own_figures_and_they_add_up_to_the_stage():
    counted = recorded(
        *(row(0, 10) for _ in range(30)),
        *(row(1, 20) for _ in range(20)),
        row(1, 5, Outcome.HTTP_ERROR, 500),
        row(1, 5, Outcome.UNEXPECTED, 404),
    )
    slow, fast = names(PLAN, counted, WINDOW.length_ns)
    assert (slow.name, slow.counts.scheduled, slow.counts.errors) == ("b", 22, 2)
    assert (fast.name, fast.counts.scheduled, fast.throughput_hz) == ("a", 30, 3.0)
    assert slow.statuses == {"200": 20, "404": 1, "500": 1}
    for outcome in Outcome:
        assert sum(each.count(outcome) for each in counted.by_name.values()) == counted.count(outcome)
    assert sum(each.body_bytes for each in counted.by_name.values()) == counted.body_bytes == 520
    assert counted.statuses == {200: 50, 404: 1, 500: 1}


def test_a_slow_name_stands_first_also_where_its_requests_are_too_few_for_a_p95():
    counted = recorded(*(row(0, 40) for _ in range(100)), *(row(1, 300) for _ in range(12)))
    assert [each.name for each in names(PLAN, counted, WINDOW.length_ns)] == ["b", "a"]


def test_a_name_without_a_request_in_the_window_is_left_out():
    counted = recorded(row(0, 10), row(2, 10, at_ms=11_000))
    assert [each.name for each in names(PLAN, counted, WINDOW.length_ns)] == ["a"]


def test_names_merge_over_processes_by_their_text_and_not_by_their_number():
    mine, theirs = recorded(row(0, 10)), recorded(row(0, 10), row(1, 10), texts=("b", "a"))
    mine.merge(theirs)
    assert {name: each.count(Outcome.OK) for name, each in mine.by_name.items()} == {"a": 2, "b": 1}


def test_rows_without_a_name_make_none():
    counted = Recorder(WINDOW)
    counted.fold(np.array([row(0, 10)], dtype=np.int64))
    assert names(PLAN, counted, WINDOW.length_ns) == ()


def test_names_beyond_the_most_are_counted_as_other():
    known = Names()
    numbers = [known.number(str(each)) for each in range(MOST_NAMES + 5)]
    assert len(set(numbers)) == MOST_NAMES + 1
    assert known.texts[-1] == OTHER
    assert known.number("0") == numbers[0] == 0
    assert known.texts[known.number("66") >> NAME_SHIFT] == OTHER


def event(kind, why="", took_ms=100, begun_ms=0, trace=""):
    return JourneyEvent("buy", kind, begun_ms * NS_PER_MS, (begun_ms + took_ms) * NS_PER_MS, why, trace)


def test_journeys_are_counted_by_what_became_of_them():
    counted = Recorder(WINDOW)
    counted.take_journeys(
        [
            *(event(Kind.FINISHED, took_ms=ms) for ms in (100, 200, 300) * 20),
            event(Kind.FAILED, "KeyError in line 3", trace="first"),
            event(Kind.FAILED, "KeyError in line 3", trace="second"),
            event(Kind.FAILED, "GET /a: status 500"),
            event(Kind.CUT),
            event(Kind.FINISHED, begun_ms=10_000),
        ]
    )
    [buy] = journeys(counted)
    assert (buy.started, buy.finished, buy.failures, buy.cut) == (64, 60, 3, 1)
    assert [(each.reason, each.count, each.traceback) for each in buy.failed] == [
        ("KeyError in line 3", 2, "first"),
        ("GET /a: status 500", 1, ""),
    ]
    assert buy.duration_ns.p50 == pytest.approx(200 * NS_PER_MS, rel=0.01)


def test_reasons_of_failed_journeys_are_bounded_and_add_up():
    counted, other = Recorder(WINDOW), Recorder(WINDOW)
    counted.take_journeys([event(Kind.FAILED, f"reason {each}") for each in range(40)])
    other.take_journeys([event(Kind.FAILED, f"reason {each}", trace="t") for each in range(100, 140)])
    counted.merge(other)
    [buy] = journeys(counted)
    assert buy.failures == 80
    assert len(buy.failed) == MOST_REASONS + 1
    assert OTHER_REASONS in {each.reason for each in buy.failed}
