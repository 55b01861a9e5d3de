"""Requests of every kind, around a window, and what a recorder knows of them."""

import numpy as np
from hypothesis import strategies as st

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.recording.reasons import number_of
from loadlab.recording.recorder import Recorder
from loadlab.recording.sample import ANSWERED, Outcome, Sample
from loadlab.recording.seconds import Slice
from loadlab.recording.tape import COLUMNS
from loadlab.recording.window import Window

START_NS = 50 * NS_PER_S
WINDOW = Window(START_NS, START_NS + 3 * NS_PER_S)
OPEN = Window(START_NS)


@st.composite
def samples(draw):
    due_ns = draw(st.integers(START_NS - NS_PER_S, START_NS + 4 * NS_PER_S))
    sent_ns = due_ns + draw(st.integers(0, NS_PER_S))
    outcome = draw(st.sampled_from(list(Outcome)))
    # Without an answer it is a reason's number, and any may mean something in this process.
    statuses = [200, 404, 503] if outcome in ANSWERED else [0, number_of("connection refused")]
    return Sample(
        due_ns=due_ns,
        sent_ns=sent_ns,
        done_ns=sent_ns + draw(st.integers(0, 2 * NS_PER_S)),
        outcome=outcome,
        status=draw(st.sampled_from(statuses)),
        body_bytes=draw(st.integers(0, 1 << 30)),
        inside_ns=draw(st.just(0) | st.integers(0, 3 * NS_PER_S)),
    )


spans = st.tuples(
    st.integers(START_NS - NS_PER_S, START_NS + 4 * NS_PER_S), st.integers(0, 2 * NS_PER_S), st.integers(0, 9)
)
windows = st.sampled_from([WINDOW, OPEN])
mixes = st.lists(samples(), max_size=40)


def rows_of(mix):
    return np.array(mix, dtype=np.int64).reshape(-1, COLUMNS)


def recorder(window, mix, flights=()):
    made = Recorder(window)
    made.sent = len(mix)
    made.fold(rows_of(mix))
    for from_ns, length_ns, in_flight in flights:
        made.observe_in_flight(from_ns, from_ns + length_ns, in_flight)
    return made


def everything(counted):
    """All that a recorder knows, as plain values."""
    return {
        name: value
        for name in Recorder.__struct_fields__
        if (value := _plain(getattr(counted, name))) is not None
    }


def _plain(value):
    match value:
        case dict():
            return {key: _plain(each) for key, each in sorted(value.items())}
        case Slice():
            return [getattr(value, name) for name in Slice.__struct_fields__ if name != "settled"]
        case int() | list() | Window():
            return value
        case _:
            return value.sparse()


def sample(due_ms, sent_ms, done_ms, outcome=Outcome.OK, body_bytes=6):
    moments = (START_NS + ms * NS_PER_MS for ms in (due_ms, sent_ms, done_ms))
    return Sample(*moments, outcome, 200 if outcome in ANSWERED else 0, body_bytes)
