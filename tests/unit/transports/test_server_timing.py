"""What counts as the target's stamp, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS
from loadlab.recording.histogram import HIGHEST_NS
from loadlab.transports.server_timing import inside_ns

STAMP = "queue;dur=0.123, app;dur=12.345"
STAMP_NS = 12_468_000

READ = {
    "the target's own": ([STAMP], STAMP_NS),
    "whole milliseconds": (["queue;dur=0, app;dur=5"], 5 * NS_PER_MS),
    "without blanks": (["queue;dur=1,app;dur=2"], 3 * NS_PER_MS),
    "with more of them": (["\tqueue;dur=1 \t,\t app;dur=2 "], 3 * NS_PER_MS),
    "behind the app's own lines": (["db;dur=5, app;dur=7", STAMP], STAMP_NS),
    "behind the app's own in one line": ([f"db;dur=5, app;dur=7, {STAMP}"], STAMP_NS),
    "before something else": ([f"{STAMP}, proxy;dur=99"], STAMP_NS),
    "of two, the last": (["queue;dur=50, app;dur=50", STAMP], STAMP_NS),
    "an hour": (["queue;dur=0, app;dur=3600000"], HIGHEST_NS),
}
NO_STAMP = {
    "nothing": [],
    "an empty line": [""],
    "only one of the two": ["queue;dur=1"],
    "an app's own name alone": ["app;dur=2"],
    "in the other order": ["app;dur=2, queue;dur=1"],
    "with something in between": ["queue;dur=1, db;dur=3, app;dur=2"],
    "without a duration": ["queue, app"],
    "negative": ["queue;dur=-1, app;dur=2"],
    "signed": ["queue;dur=+1, app;dur=2"],
    "with an exponent": ["queue;dur=1e3, app;dur=2"],
    "not a number": ["queue;dur=nan, app;dur=inf"],
    "other digits": ["queue;dur=\u0661, app;dur=\u0662"],
    "half a number": ["queue;dur=1., app;dur=.5"],
    "more than an hour": ["queue;dur=0.001, app;dur=3600000"],
    "more digits than a float has": [f"queue;dur=1, app;dur={'9' * 5000}"],
    "with more parameters": ['queue;dur=1;desc="x", app;dur=2'],
    "a longer name": ["myqueue;dur=1, app;dur=2"],
    "inside quotes": ['x;desc="queue;dur=1, app;dur=2"'],
    "zero": ["queue;dur=0, app;dur=0"],
}


@pytest.mark.parametrize("case", READ)
def test_a_stamp_is_queue_and_app_together(case):
    values, expected_ns = READ[case]
    assert inside_ns(values) == expected_ns


@pytest.mark.parametrize("case", NO_STAMP)
def test_anything_else_is_no_stamp(case):
    assert inside_ns(NO_STAMP[case]) == 0


@given(st.lists(st.text('queapdr;=, .019\x00\n"', max_size=40) | st.text(max_size=10), max_size=3))
def test_whatever_comes_is_a_time_that_can_be_counted_and_never_an_error(values):
    assert 0 <= inside_ns(values) <= HIGHEST_NS


@given(st.integers(0, 10**6), st.integers(1, 10**7))
def test_what_the_target_writes_is_read_to_the_microsecond(queue_us, app_us):
    written = f"queue;dur={queue_us / 1e3:.3f}, app;dur={app_us / 1e3:.3f}"
    assert inside_ns([written]) == (queue_us + app_us) * 1_000
