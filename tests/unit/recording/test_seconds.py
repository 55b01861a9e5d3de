"""The seconds of a window: what falls into each, and what is kept of one that is over."""

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import Outcome, Sample
from loadlab.recording.window import Window
from support.recorded import START_NS, WINDOW, recorder, rows_of, sample


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
    counted.fold(rows_of([Sample(0, 0, 5_000_000 + n, Outcome.OK, 200, 6) for n in range(500)]))
    before = counted.slices[0].figures()
    counted.settle(NS_PER_S)
    assert counted.slices[0].figures() == before
    assert counted.slices[0].latency.counts == b""
    assert counted.slices[0].settled is not None


def test_a_second_that_is_not_over_is_not_settled():
    counted = Recorder(Window(0, 3 * NS_PER_S))
    counted.fold(rows_of([Sample(0, 0, 5_000_000, Outcome.OK, 200, 6)]))
    counted.settle(NS_PER_S - 1)
    assert counted.slices[0].settled is None


def test_a_reply_that_comes_late_for_a_settled_second_still_counts():
    counted, late = Recorder(Window(0, 3 * NS_PER_S)), Recorder(Window(0, 3 * NS_PER_S))
    counted.fold(rows_of([Sample(0, 0, 5_000_000, Outcome.OK, 200, 6)]))
    late.fold(rows_of([Sample(0, 0, 6_000_000, Outcome.OK, 200, 6)]))
    counted.settle(NS_PER_S)
    counted.merge(late)
    assert counted.slices[0].figures().count == 2
    assert counted.slices[0].figures().sum_ns == 11_000_000
