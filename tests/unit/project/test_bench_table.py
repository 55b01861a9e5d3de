"""The bench's table: ratios within a round, their median, and what became of the limit."""

import pytest
from rows import ROWS, Row, needed
from table import medians, text, told

RATIO = Row(group="g", what="ours / theirs", of=("ours", "rate_hz"), over=("theirs", "rate_hz"), limit=0.85)
ROUNDS = {
    "ours": [{"rate_hz": 90.0}, {"rate_hz": 40.0}, {"rate_hz": 100.0}],
    "theirs": [{"rate_hz": 100.0}, {"rate_hz": 50.0}, {"rate_hz": 100.0}],
}


def test_a_ratio_is_of_the_same_round_and_the_result_their_median():
    row = told(RATIO, ROUNDS, {})
    assert row["rounds"] == pytest.approx([0.9, 0.8, 1.0])
    assert row["median"] == pytest.approx(0.9)
    assert row["outcome"] == "met"


@pytest.mark.parametrize(("limit", "most", "outcome"), [(0.95, False, "missed"), (0.95, True, "met")])
def test_a_limit_is_the_least_or_the_most(limit, most, outcome):
    row = Row(group="g", what="w", of=RATIO.of, over=RATIO.over, limit=limit, most=most)
    assert told(row, ROUNDS, {})["outcome"] == outcome


@pytest.mark.parametrize("lost", [{"dropped": 1, "failed": 0}, {"dropped": 0, "failed": 1}])
def test_a_lag_is_not_met_where_a_request_of_any_round_was_dropped_or_failed(lost):
    row = Row(group="g", what="w", of=("open", "lag_p99_ms"), limit=1.0, most=True, unit="ms")
    whole = {"lag_p99_ms": 0.2, "dropped": 0, "failed": 0}
    assert told(row, {"open": [whole] * 3}, {})["outcome"] == "met"
    found = told(row, {"open": [whole, whole | lost, whole]}, {})
    assert found["outcome"] == "missed: 1 dropped or failed"
    assert found["median"] == pytest.approx(0.2)


def test_a_tool_that_is_not_here_is_named_and_not_counted():
    row = told(RATIO, {"ours": ROUNDS["ours"]}, {"theirs": "oha"})
    assert (row["median"], row["outcome"]) == (None, "oha is not installed")
    assert "oha is not installed" in text([row], medians({"ours": ROUNDS["ours"]}))


def test_each_row_is_told_apart_by_what_it_says():
    assert len({row.what for row in ROWS}) == len(ROWS)
    assert "wrk -t1" in needed(list(ROWS))
