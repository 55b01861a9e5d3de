"""Which moments lie in which second of a window."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_S
from loadlab.recording.window import Window

START_NS = 5 * NS_PER_S // 3
offsets = st.one_of(
    st.integers(0, 20 * NS_PER_S),
    st.builds(lambda second, ns: max(0, second * NS_PER_S + ns), st.integers(0, 20), st.integers(-1, 1)),
)


@given(st.lists(offsets, min_size=1, max_size=50))
def test_each_moment_lies_in_one_second_and_seconds_without_any_are_left_out(found):
    moments_ns = np.array(found) + START_NS
    seconds = list(Window(START_NS).seconds_of(moments_ns))
    assert [second for second, _ in seconds] == sorted({offset // NS_PER_S for offset in found})
    for second, here in seconds:
        assert here.tolist() == [offset // NS_PER_S == second for offset in found]
