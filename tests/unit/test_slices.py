"""The seconds of a window: what falls into each, what is kept of one that is over, and of the halves."""

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recorder import Recorder
from loadlab.sample import Outcome, Sample
from loadlab.window import Window
from recorded import OPEN, START_NS, WINDOW, recorder, rows_of, sample


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
    assert counted.slices.keys() == {0, 1}
    assert [counted.slices[second].figures().count for second in (0, 1)] == [1, 2]
    assert counted.slices[0].latency.max_ns == 99 * NS_PER_MS
    assert counted.slices[0].errors == 0
    assert counted.slices[1].latency.max_ns == 300 * NS_PER_MS
    assert counted.slices[1].errors == 2


def test_a_span_over_a_seconds_edge_is_divided_between_its_slices():
    counted = recorder(WINDOW, [], [(START_NS + 700 * NS_PER_MS, 500 * NS_PER_MS, 4)])
    assert counted.slices[0].in_flight_integral_ns == 4 * 300 * NS_PER_MS
    assert counted.slices[1].in_flight_integral_ns == 4 * 200 * NS_PER_MS


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
