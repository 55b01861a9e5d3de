"""Invariant 3: what is merged is what one recorder would have counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.recording.recorder import Recorder
from support.recorded import (
    OPEN,
    WINDOW,
    everything,
    mixes,
    recorder,
    spans,
    windows,
)


@given(windows, mixes, st.lists(spans, max_size=5), st.data())
def test_any_split_over_shards_and_any_order_of_merging_counts_the_same(window, mix, flights, data):
    shards = data.draw(st.integers(1, 5))
    where = data.draw(st.lists(st.integers(0, shards - 1), min_size=len(mix), max_size=len(mix)))
    parts = [
        recorder(
            window,
            [sample for sample, at in zip(mix, where, strict=True) if at == shard],
            flights if shard == 0 else (),
        )
        for shard in range(shards)
    ]
    merged = Recorder(window)
    for part in data.draw(st.permutations(parts)):
        merged.merge(part)
    assert everything(merged) == everything(recorder(window, mix, flights))


@given(windows, mixes, mixes, mixes)
def test_merging_is_associative(window, one, two, three):
    left = recorder(window, one)
    left.merge(recorder(window, two))
    left.merge(recorder(window, three))
    right = recorder(window, two)
    right.merge(recorder(window, three))
    whole = recorder(window, one)
    whole.merge(right)
    assert everything(left) == everything(whole)


def test_recorders_of_different_windows_refuse_to_merge():
    with pytest.raises(ValueError, match="different windows"):
        Recorder(WINDOW).merge(Recorder(OPEN))
