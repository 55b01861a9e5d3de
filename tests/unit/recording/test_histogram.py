"""The bucket layout, the percentiles and the encoding are HdrHistogram's own, value for value."""

import base64
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.recording import hdr_encoding
from loadlab.recording.histogram import (
    DIGITS,
    HIGHEST_NS,
    LENGTH,
    Histogram,
    Sparse,
    bucket_of,
    highest_in,
    interval_ns,
    quantile_ns,
)

HdrHistogram = pytest.importorskip("hdrh.histogram", reason="hdrhistogram has no wheel here").HdrHistogram

EDGES = sorted(
    {0, 1, 2, HIGHEST_NS - 1, HIGHEST_NS}
    | {
        value + by
        for bits in range(10, 42)
        for value in [1 << bits]
        for by in (-1, 0, 1)
        if value + by <= HIGHEST_NS
    }
)
values = st.integers(0, HIGHEST_NS) | st.integers(0, 5_000_000_000) | st.sampled_from(EDGES)
some_values = st.lists(values, max_size=60)


def library(recorded=()):
    made = HdrHistogram(1, HIGHEST_NS, DIGITS)
    for value in recorded:
        assert made.record_value(value)
    return made


def histogram(recorded=()):
    made = Histogram()
    made.record(np.array(recorded, dtype=np.int64))
    return made


def same(one, other):
    return np.array_equal(one.counts, other.counts) and (one.count, one.sum_ns, one.max_ns) == (
        other.count,
        other.sum_ns,
        other.max_ns,
    )


def test_each_value_falls_into_the_bucket_that_the_library_gives_it():
    reference = library()
    spread = np.unique(np.geomspace(1, HIGHEST_NS, 20_000).astype(np.int64))
    checked = np.concatenate([np.array(EDGES, dtype=np.int64), np.arange(5_000), spread])
    theirs = [reference._counts_index_for(int(value)) for value in checked]
    assert bucket_of(checked).tolist() == theirs


def test_a_bucket_reports_the_highest_value_that_the_library_holds_equivalent():
    reference = library()
    for value in EDGES:
        bucket = int(bucket_of(np.array([value]))[0])
        assert highest_in(bucket) == reference.get_highest_equivalent_value(value)


def test_the_highest_bucket_is_that_of_the_highest_value():
    assert int(bucket_of(np.array([HIGHEST_NS]))[0]) == LENGTH - 1
    assert highest_in(LENGTH - 1) >= HIGHEST_NS


def test_a_bucket_is_never_wider_than_a_thousandth_of_its_values():
    for value in EDGES[3:]:
        bucket = int(bucket_of(np.array([value]))[0])
        assert highest_in(bucket) - value <= value / 1000


@given(some_values.filter(len), st.integers(0, 1000))
def test_a_percentile_is_the_librarys_but_never_above_the_maximum(recorded, permille):
    rank = max(1, math.ceil(len(recorded) * permille / 1000))
    exact = sorted(recorded)[rank - 1]
    theirs = library().get_highest_equivalent_value(exact)
    assert histogram(recorded).value_at_rank(rank) == min(theirs, max(recorded))


@given(some_values)
def test_the_encoding_decodes_to_the_same_counts_by_the_library(recorded):
    theirs = HdrHistogram.decode(histogram(recorded).encode())
    assert theirs.get_total_count() == len(recorded)
    reference = library(recorded)
    assert [theirs.get_count_at_value(value) for value in recorded] == [
        reference.get_count_at_value(value) for value in recorded
    ]


def payload(encoded):
    """What the compressed form holds: zlib's output may differ, its content may not."""
    return zlib.decompress(base64.b64decode(encoded)[8:])


@given(some_values)
def test_the_encoding_is_the_librarys_to_the_byte(recorded):
    assert payload(histogram(recorded).encode()) == payload(library(recorded).encode())


@pytest.mark.parametrize("bits", range(1, 63))
def test_a_count_of_any_size_is_encoded_as_the_library_does(bits):
    for count in ((1 << bits) - 1, 1 << bits):
        theirs = library()
        assert theirs.record_value(1_000, count)
        ours = hdr_encoding.encode([(1_000, count)], lowest=1, highest=HIGHEST_NS, digits=DIGITS)
        assert payload(ours) == payload(theirs.encode())


def test_the_encoding_holds_many_counts_of_every_bucket():
    ours = Histogram()
    ours.counts = np.arange(1, LENGTH + 1)
    ours.count = int(ours.counts.sum())
    theirs = HdrHistogram.decode(ours.encode())
    assert theirs.get_total_count() == ours.count
    assert [theirs.get_count_at_value(highest_in(bucket)) for bucket in range(0, LENGTH, 997)] == [
        bucket + 1 for bucket in range(0, LENGTH, 997)
    ]


@given(some_values)
def test_a_sparse_copy_comes_back_whole(recorded):
    ours = histogram(recorded)
    assert same(Histogram.of(ours.sparse()), ours)
    assert same(Histogram.of(Sparse.of(np.array(recorded, dtype=np.int64))), ours)


@given(some_values, some_values)
def test_sparse_sums_are_the_sums_of_the_wholes(one, other):
    together = Sparse.of(np.array(one, dtype=np.int64)).plus(Sparse.of(np.array(other, dtype=np.int64)))
    assert same(Histogram.of(together), histogram(one + other))


@given(some_values, some_values)
def test_merging_is_recording_all_in_one(one, other):
    merged = histogram(one)
    merged.merge(histogram(other))
    assert same(merged, histogram(one + other))


@given(some_values, some_values, st.booleans())
def test_what_is_counted_after_it_was_packed_is_in_what_is_packed_then(one, other, recorded):
    together = histogram(one)
    together.sparse()
    if recorded:
        together.record(np.array(other, dtype=np.int64))
    else:
        together.merge(histogram(other))
    assert same(Histogram.of(together.sparse()), histogram(one + other))


def test_values_outside_the_range_count_at_its_ends():
    assert same(histogram([-5, HIGHEST_NS + 5]), histogram([0, HIGHEST_NS]))


@given(some_values.filter(len))
def test_the_mean_is_exact(recorded):
    assert histogram(recorded).mean_ns == sum(recorded) / len(recorded)


def test_nothing_has_no_mean_and_no_rank():
    assert Histogram().mean_ns is None
    with pytest.raises(ValueError, match="rank 1 of 0"):
        Histogram().value_at_rank(1)


quantiles = st.sampled_from([0.5, 0.9, 0.99, 0.999])


def bucket_at(recorded, quantile):
    """The bucket of a quantile by sorting, the way it is done by hand."""
    rank = max(1, math.ceil(len(recorded) * quantile - 1e-9))
    return int(bucket_of(np.array([sorted(recorded)[rank - 1]]))[0])


@given(st.data(), quantiles, st.lists(values, max_size=80), st.lists(values, max_size=8))
def test_a_quantile_that_is_told_stays_whatever_the_censored_values_really_were(
    data, quantile, known, bounds
):
    told = quantile_ns(histogram(known), histogram(bounds), quantile)
    if told is None:
        return
    for _ in range(5):
        really = [data.draw(st.integers(bound, HIGHEST_NS)) for bound in bounds]
        assert bucket_at(known + really, quantile) == int(bucket_of(np.array([told]))[0])


@given(quantiles, st.lists(values, max_size=80), st.lists(values, max_size=8))
def test_a_quantile_is_left_open_only_where_it_could_move_or_has_too_few_values(quantile, known, bounds):
    count = len(known) + len(bounds)
    if quantile_ns(histogram(known), histogram(bounds), quantile) is not None or count == 0:
        return
    too_few = count * quantile + 1.96 * math.sqrt(count * quantile * (1 - quantile)) > count
    infinite = [HIGHEST_NS] * len(bounds)
    rank = max(1, math.ceil(count * quantile - 1e-9))
    assert (
        too_few
        or rank > len(known)
        or bucket_at(known + bounds, quantile) != bucket_at(known + infinite, quantile)
    )


def test_unanswered_requests_that_waited_long_leave_the_low_quantiles_alone():
    known, late = histogram([1_000_001] * 99), histogram([5_000_000_000])
    assert quantile_ns(known, late, 0.5) == 1_000_001
    assert quantile_ns(known, late, 0.9) == 1_000_001


def test_unanswered_requests_above_the_quantile_leave_it_open():
    known, late = histogram([1_000_000] * 50), histogram([1_000] * 50)
    assert quantile_ns(known, late, 0.5) is None
    assert quantile_ns(known, late, 0.9) is None


@pytest.mark.parametrize(("quantile", "least"), [(0.5, 4), (0.9, 35), (0.99, 381), (0.999, 3838)])
def test_a_quantile_needs_the_upper_end_of_its_interval_to_exist(quantile, least):
    assert quantile_ns(histogram([5] * (least - 1)), Histogram(), quantile) is None
    assert quantile_ns(histogram([5] * least), Histogram(), quantile) == 5


def test_a_quantile_of_nothing_is_left_open():
    assert quantile_ns(Histogram(), Histogram(), 0.5) is None


@pytest.mark.parametrize(
    ("count", "quantile", "ranks"),
    [(100, 0.5, (40, 60)), (1000, 0.9, (881, 919)), (10_000, 0.99, (9880, 9920))],
)
def test_the_interval_of_a_quantile_lies_between_its_two_ranks(count, quantile, ranks):
    """n*q -+ 1.96*sqrt(n*q*(1-q)), outwards to whole ranks; values below 2,048 have a bucket each."""
    known = histogram(list(range(1, count + 1)) if count < 2048 else [1 + i // 10 for i in range(count)])
    expected = ranks if count < 2048 else tuple(1 + (rank - 1) // 10 for rank in ranks)
    assert interval_ns(known, Histogram(), quantile) == expected


@given(quantiles, st.lists(values, max_size=300), st.lists(values, max_size=8))
def test_a_quantile_lies_in_its_interval_and_has_one_whenever_it_is_told(quantile, known, bounds):
    told = quantile_ns(histogram(known), histogram(bounds), quantile)
    interval = interval_ns(histogram(known), histogram(bounds), quantile)
    assert (told is None) == (interval is None)
    if interval is not None:
        low, high = interval
        assert low <= told
        assert high is None or told <= high


def test_an_interval_that_reaches_into_what_had_no_answer_has_no_upper_end():
    known, late = histogram([5] * 95), histogram([10**9] * 5)
    assert interval_ns(known, late, 0.9) == (5, None)


def test_an_empty_distribution_is_not_written_to_by_others():
    one, other = Histogram(), Histogram()
    one.record(np.array([5]))
    other.merge(one)
    other.record(np.array([7]))
    assert (Histogram().counts.sum(), one.count, one.counts.sum(), other.counts.sum()) == (0, 1, 1, 2)
