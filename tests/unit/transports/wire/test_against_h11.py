"""The same bytes, read by `wire` and by h11."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from loadlab.recording.sample import Outcome
from unit.transports.wire.grammar import Stream, streams
from unit.transports.wire.memory import Wire
from unit.transports.wire.oracle import h11_reads


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(streams(), st.data())
def test_a_valid_response_is_read_as_h11_reads_it_however_it_is_cut(stream: Stream, data):
    expected = h11_reads(stream.data, bodiless=stream.bodiless, ends=stream.ends)
    assert expected is not None
    assert expected.outcome is Outcome.OK
    wire = Wire(bodiless=stream.bodiless)
    size = len(stream.data)
    cuts = st.lists(st.integers(0, size), max_size=10)
    for pieces in (
        [stream.data],
        [stream.data],  # again, as its head may be known now
        [bytes([byte]) for byte in stream.data],
        pieces_of(stream.data, data.draw(cuts)),
        pieces_of(stream.data, data.draw(cuts)),
    ):
        assert wire.exchange(pieces, ends=stream.ends).reply == expected
    for cut in range(size):
        assert wire.exchange(pieces_of(stream.data, [cut]), ends=stream.ends).reply == expected


@given(streams())
def test_a_truncated_response_is_read_as_h11_reads_it(stream: Stream):
    wire = Wire(bodiless=stream.bodiless)
    for upto in range(len(stream.data)):
        part = stream.data[:upto]
        for ends in (False, True):
            expected = h11_reads(part, bodiless=stream.bodiless, ends=ends)
            assert wire.exchange([part], ends=ends).reply == expected, (part, ends)
