"""A mix sends each of its requests as often as its weight says, few or thousands, on one shard or many."""

import warnings
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.workload.mix import mixed

BOUND = 4
"""How far a count may be from its share, of whole shuffled runs."""
RUN = 256

weights = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=40)
shares = st.integers(1, 8).flatmap(lambda shards: st.tuples(st.integers(0, shards - 1), st.just(shards)))


def first(many, of, seed=1, shard=0, shards=1):
    return list(islice(mixed(range(len(of)), of, seed=seed, shard=shard, shards=shards), many))


@given(weights, st.integers(0, 1 << 62), shares, st.integers(1, 20))
def test_each_request_is_sent_as_often_as_its_weight_says(of, seed, share, runs):
    with warnings.catch_warnings(action="error"):
        counts = Counter(first(runs * RUN, of, seed, *share))
    assert counts.total() == runs * RUN
    for number, weight in enumerate(of):
        assert abs(counts[number] - weight / sum(of) * runs * RUN) <= BOUND


@pytest.mark.parametrize("many", [4096, 4097, 6000, 20_000])
def test_of_thousands_of_requests_each_is_sent(many):
    counts = Counter(first(2 * many, [1.0] * many))
    assert len(counts) == many
    assert max(counts.values()) <= 4


def test_a_heavy_request_among_thousands_keeps_its_share():
    counts = Counter(first(32 * RUN, [1000.0, *[1.0] * 2999]))
    assert counts[0] == pytest.approx(1000 / 3999 * 32 * RUN, abs=BOUND)


@pytest.mark.parametrize("weight", [5e-324, 1e-320, 1.7e308])
def test_the_size_of_weights_is_of_no_matter(weight):
    counts = Counter(first(4 * RUN, [weight, weight]))
    assert counts[0] == pytest.approx(2 * RUN, abs=BOUND)


def test_a_rare_request_is_sent_as_rarely_as_asked():
    assert Counter(first(64 * RUN, [1.0, 1e-4]))[1] <= 4


@given(weights, st.integers(2, 8))
def test_shards_together_keep_the_proportions(of, shards):
    counts = Counter(each for shard in range(shards) for each in first(RUN, of, shard=shard, shards=shards))
    for number, weight in enumerate(of):
        assert abs(counts[number] - weight / sum(of) * shards * RUN) <= 2 * BOUND


def test_few_requests_of_several_processes_are_mixed():
    seen = Counter(each for shard in range(4) for each in first(10, [3, 1], shard=shard, shards=4))
    assert 20 <= seen[0] <= 38


@given(weights, shares)
def test_a_mix_is_the_same_for_the_same_seed(of, share):
    assert first(500, of, 7, *share) == first(500, of, 7, *share)


def test_another_seed_or_shard_gives_another_order():
    orders = [first(100, [1, 1], 1, 0, 2), first(100, [1, 1], 2, 0, 2), first(100, [1, 1], 1, 1, 2)]
    assert len(set(map(tuple, orders))) == 3


def test_the_order_is_no_rhythm_that_users_could_fall_in_with():
    """A regular sequence of two even requests never has three of the same in a row."""
    order = first(RUN, [1, 1])
    assert any(len(set(order[at : at + 4])) == 1 for at in range(RUN - 4))


def test_one_request_alone_is_repeated():
    assert first(3, [0.5]) == [0, 0, 0]
