"""HDR counts in classic buckets: nothing is lost, nothing moves, and the edges are the target's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Theirs

from loadlab.clock import NS_PER_S
from loadlab.metrics.buckets import EDGES_S, EMPTY, LE, Spread
from loadlab.recording.histogram import HIGHEST_NS, Histogram, bucket_of, highest_in
from loadlab_target.meters import BUCKETS_S

EDGES_NS = [round(edge_s * NS_PER_S) for edge_s in EDGES_S]
near_an_edge = st.builds(
    lambda edge, by: max(0, edge + by), st.sampled_from(EDGES_NS), st.integers(-(1 << 22), 1 << 22)
)
values = st.integers(0, HIGHEST_NS) | st.integers(0, NS_PER_S) | near_an_edge
some_values = st.lists(values, max_size=60)


def histogram(recorded):
    made = Histogram()
    made.record(np.array(recorded, dtype=np.int64))
    return made


def highest(value):
    return highest_in(int(bucket_of(np.array([value]))[0]))


@given(some_values)
def test_a_bucket_counts_the_values_whose_hdr_bucket_ends_at_its_edge_or_before(recorded):
    counts = Spread.of(histogram(recorded)).counts.tolist()
    assert counts == [sum(highest(value) <= edge for value in recorded) for edge in EDGES_NS] + [
        len(recorded)
    ]


@given(some_values)
def test_a_value_is_counted_within_a_thousandth_of_where_it_is(recorded):
    counts = Spread.of(histogram(recorded)).counts.tolist()
    for edge, count in zip(EDGES_NS, counts[:-1], strict=True):
        assert sum(value <= edge * 0.999 for value in recorded) <= count
        assert count <= sum(value <= edge for value in recorded)


@given(some_values, some_values)
def test_more_values_never_make_a_bucket_smaller_and_buckets_add_like_the_histograms(one, other):
    both = Spread.of(histogram(one + other))
    added = Spread.of(histogram(one)).plus(Spread.of(histogram(other)))
    assert added.counts.tolist() == both.counts.tolist()
    assert added.sum_ns == both.sum_ns == sum(one + other)
    assert (both.counts >= Spread.of(histogram(one)).counts).all()


def test_a_spread_is_a_copy():
    grows = histogram([1])
    taken = Spread.of(grows)
    grows.record(np.array([2]))
    assert (taken.counts[-1], taken.sum_ns) == (1, 1)


def test_nothing_is_the_same_as_an_empty_histogram():
    assert Spread.of(Histogram()).counts.tolist() == EMPTY.counts.tolist()


def test_the_edges_are_the_targets_and_written_as_the_library_writes_them():
    assert EDGES_S == BUCKETS_S
    registry = CollectorRegistry()
    Theirs("a_seconds", "Some.", buckets=BUCKETS_S, registry=registry)
    text = generate_latest(registry).decode()
    assert [line.split('"')[1] for line in text.splitlines() if 'le="' in line] == list(LE)


@pytest.mark.parametrize("edge_ns", EDGES_NS)
def test_an_edges_own_bucket_is_decided_by_its_highest_value(edge_ns):
    position = EDGES_NS.index(edge_ns)
    counts = Spread.of(histogram([edge_ns])).counts
    assert counts[position] == (highest(edge_ns) <= edge_ns)
    assert counts[position + 1] == 1
