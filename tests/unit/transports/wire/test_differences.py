"""Where `wire` and h11 read a malformed response differently, each case with our choice and its reason.

There are no others: the last test breaks responses at random and accepts a difference from this table only.
"""

import re
from typing import NamedTuple

import pytest
from hypothesis import given, settings

from loadlab.recording.sample import Outcome, Reply
from support.replies import BROKEN
from unit.transports.wire.grammar import Stream, broken
from unit.transports.wire.memory import Wire
from unit.transports.wire.oracle import h11_reads

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)"
"""A control character that is neither a tab nor a part of a line's end."""
OK_2 = Reply(Outcome.OK, 200, 2)


class Difference(NamedTuple):
    """A stream that the two read differently."""

    data: bytes
    ours: Reply
    theirs: Reply
    reason: str
    shows: str
    """A pattern, case aside, of the bytes that make the difference."""

    def explains(self, data: bytes, ours: Reply, theirs: Reply) -> bool:
        """Whether a stream has these bytes, and the same of the two refuses it."""
        same = (ours == BROKEN, theirs == BROKEN) == (self.ours == BROKEN, self.theirs == BROKEN)
        return same and re.search(self.shows.encode(), data, re.IGNORECASE) is not None


DIFFERENCES = {
    "a line ends with LF alone": Difference(
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        BROKEN,
        OK_2,
        "h11 takes it where RFC 9112, 2.2 says MAY; two readers that disagree about where a line ends is how"
        " responses are smuggled, and a server that writes so should know",
        r"(?<!\r)\n",
    ),
    "a header has a control character": Difference(
        b"HTTP/1.1 200 OK\r\nX-One: \x01\r\nContent-Length: 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "h11 lets them through for the sake of odd cookies; RFC 9110, 5.5 has them invalid",
        _CONTROL,
    ),
    "a reason has a control character": Difference(
        b"HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "the same",
        _CONTROL,
    ),
    "a chunk's extension has a control character": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;\x01\r\nok\r\n0\r\n\r\n",
        BROKEN,
        OK_2,
        "the same; h11 does not look into extensions at all",
        _CONTROL,
    ),
    "a version that is not 1.0 or 1.1": Difference(
        b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "nothing defines what frames such a response; h11 reads any two digits",
        r"HTTP/(?!1\.[01])",
    ),
    "a length and chunks": Difference(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BROKEN,
        OK_2,
        "h11 lets chunked win; RFC 9112, 6.3 calls it an attempt at smuggling that ought to be an error",
        r"content-length(?s:.*)transfer-encoding|transfer-encoding(?s:.*)content-length",
    ),
    "the same length twice": Difference(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "RFC 9112, 6.3 lets a reader refuse it or take it; httptools refuses",
        r"content-length(?s:.*)content-length",
    ),
    "the same length twice in one line": Difference(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "the same",
        r"content-length:[^\r]*,",
    ),
    "a list of transfer codings with an empty element": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: , chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        OK_2,
        BROKEN,
        "RFC 9110, 5.6.1 has readers pass over empty elements",
        r"transfer-encoding:[^\r]*(\r\n[ \t]+)*[^\r]*,",
    ),
    "a trailer that names a transfer coding": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nok\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
        OK_2,
        BROKEN,
        "RFC 9110, 6.5.1 keeps trailer fields apart from the head's: the body was framed before it came, and"
        " has ended; h11 reads it as a head's",
        r"\n0+[ \t]*(;[^\r]*)?\r\n(?s:.*)transfer-encoding:",
    ),
    "blanks before a chunk's extension": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 ;a=b\r\nok\r\n0\r\n\r\n",
        OK_2,
        BROKEN,
        "RFC 9112, 7.1.1 allows them as bad whitespace that is to be read",
        r"\n[0-9a-f]+[ \t]+;",
    ),
    "a chunk size of more than 16 digits": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000002\r\nok\r\n0\r\n\r\n",
        BROKEN,
        OK_2,
        "more than 64 bits can't be meant; h11's limit is 20",
        r"\n[0-9a-f]{17,}",
    ),
    "more than 256 header lines": Difference(
        b"HTTP/1.1 200 OK\r\n" + b"X:1\r\n" * 300 + b"Content-Length: 2\r\n\r\nok",
        BROKEN,
        OK_2,
        "more than any server sends, and than most clients take; h11 limits bytes only",
        r"\A(?=(?:.*\r\n){258})",
    ),
    "a line of a chunk's size of more than 8 KiB": Difference(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 9000 + b"\r\nok\r\n0\r\n\r\n",
        BROKEN,
        OK_2,
        "nobody reads extensions; h11 limits what it buffers as a whole",
        r"\n[0-9a-f]+;[^\n]{8000}",
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_known_difference_is_one(name):
    case = DIFFERENCES[name]

    assert Wire().exchange([case.data], ends=True).reply == case.ours
    assert h11_reads(case.data, ends=True) == case.theirs
    assert re.search(case.shows.encode(), case.data, re.IGNORECASE)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_known_difference_does_not_depend_on_the_cut(name):
    case = DIFFERENCES[name]
    data = case.data
    for cut in range(1, len(data), max(1, len(data) // 200)):
        assert Wire().exchange([data[:cut], data[cut:]], ends=True).reply == case.ours


@settings(max_examples=1000)
@given(broken())
def test_there_are_no_other_differences_and_none_depends_on_the_cut(stream: Stream):
    data = stream.data
    wire = Wire(bodiless=stream.bodiless)
    ours = wire.exchange([data], ends=True).reply

    assert wire.exchange([bytes([byte]) for byte in data], ends=True).reply == ours
    theirs = h11_reads(data, bodiless=stream.bodiless, ends=True)
    if ours != theirs:
        assert any(case.explains(data, ours, theirs) for case in DIFFERENCES.values())
