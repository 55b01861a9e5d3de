"""From when to when nothing but errors ended."""

import pytest

from loadlab.analysis.failing import failing_seconds as found_in
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.fleet.stage_counts import StageCounts
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Stage
from support.fakes import START_NS, plan
from support.recorded import rows_of

GOOD, BAD = Outcome.OK, Outcome.HTTP_ERROR


def ended(from_ms, to_ms, outcome, every_ms=20):
    """Requests that end with this outcome, each 10 ms after it was sent."""
    return [
        [*(START_NS + (at_ms + ms) * NS_PER_MS for ms in (-10, -10, 0)), outcome, 0, 6, 0]
        for at_ms in range(from_ms, to_ms, every_ms)
    ]


def failing(*parts, seconds=6, halted=False, **changed):
    window = Window(START_NS, START_NS + seconds * NS_PER_S)
    shards = [Recorder(window), Recorder(window)]
    for rows in parts:
        for shard, counted in enumerate(shards):
            counted.fold(rows_of(rows[shard::2]))
    shards[0].merge(shards[1])
    whole = plan(stages=(Stage(concurrency=3),), duration_ns=seconds * NS_PER_S, **changed)
    carried = StageCounts(
        counted=shards[0],
        window=window,
        lost=(),
        stats=ConnectionStats(),
        cpu_use=(),
        loop_stall_max_ns=0,
        halted=halted,
    )
    return [each.message for each in found_in(whole, carried)]


@pytest.mark.parametrize("length_ms", [1_020, 1_400, 1_900])
@pytest.mark.parametrize("from_ms", [1_000, 1_100, 1_500, 1_980])
def test_a_burst_of_nothing_but_errors_is_named_wherever_a_second_ends(from_ms, length_ms):
    to_ms = from_ms + length_ms
    (told,) = failing(ended(20, from_ms, GOOD), ended(from_ms, to_ms, BAD), ended(to_ms, 6_000, GOOD))
    span = f"from {from_ms / 1_000:.2f} s to {to_ms / 1_000:.2f} s"
    assert told.startswith(f"every request that ended {span} failed; see")


def test_less_than_a_second_of_errors_is_not_named():
    assert not failing(ended(20, 2_000, GOOD), ended(2_000, 2_960, BAD), ended(2_960, 6_000, GOOD))


def test_errors_between_answers_that_are_ok_are_not_named():
    assert not failing(ended(20, 6_000, GOOD, every_ms=600), ended(20, 6_000, BAD))


def test_several_spans_are_named_up_to_three():
    spans = [(at, at + 1_200) for at in range(1_000, 11_000, 2_000)]
    parts = [part for at, to in spans for part in (ended(at, to, BAD), ended(to, at + 2_000, GOOD))]
    (told,) = failing(*parts[:4], seconds=12)
    assert told.startswith(
        "every request that ended from 1.00 s to 2.20 s and from 3.00 s to 4.20 s failed; see"
    )
    (told,) = failing(*parts, seconds=12)
    assert "from 5.00 s to 6.20 s failed, and 2 more times; see" in told


def test_a_span_may_last_until_the_windows_end():
    (told,) = failing(ended(20, 4_000, GOOD), ended(4_000, 6_000, BAD))
    assert "from 4.00 s to the window's end" in told


def test_a_second_without_a_reply_and_one_in_which_all_was_dropped_are_no_seconds_of_errors():
    assert not failing(ended(20, 1_000, GOOD), ended(5_000, 6_000, GOOD))
    assert not failing(
        ended(20, 1_000, GOOD), ended(1_000, 5_000, Outcome.DROPPED), ended(5_000, 6_000, GOOD)
    )


def test_what_was_given_up_at_a_stop_did_not_fail():
    given_up = ended(4_000, 6_000, Outcome.UNFINISHED)
    assert not failing(ended(20, 4_000, GOOD), given_up, halted=True)


def test_where_nothing_at_all_ended_well_no_second_is_named():
    assert not failing(ended(20, 6_000, Outcome.TIMEOUT))


@pytest.mark.parametrize("allowed", [None, 1.0])
def test_where_any_share_of_errors_is_allowed_a_stage_of_nothing_else_names_its_seconds(allowed):
    (told,) = failing(ended(20, 6_000, BAD), max_errors_ratio=allowed)
    assert "from 0.02 s to the window's end" in told


def test_a_span_that_an_outage_tells_is_left_out():
    good, away = ended(20, 1_000, GOOD), ended(1_000, 5_000, Outcome.CONNECT_ERROR)
    assert not failing(good, away, ended(5_000, 6_000, GOOD))
    assert not failing(good, ended(1_000, 6_000, Outcome.CONNECT_ERROR))


@pytest.mark.parametrize(("away_ms", "back_ms"), [(1_900, 2_200), (1_000, 3_000), (2_000, 3_100)])
def test_an_outage_does_not_divide_the_span_that_it_lies_in(away_ms, back_ms):
    """Answers that are errors, before the target is away, after it or both."""
    (told,) = failing(
        ended(20, 1_000, GOOD),
        ended(1_000, away_ms, BAD),
        ended(away_ms, back_ms, Outcome.CONNECT_ERROR),
        ended(back_ms, 3_100, BAD),
        ended(3_100, 6_000, GOOD),
    )
    assert "from 1.00 s to 3.10 s failed" in told
