"""The target's stamp is read from an answer by every transport alike; without one, and it is none."""

import pytest

from contract.transports.callers import plan_for
from contract.transports.scripted import answers, once
from loadlab.recording.sample import Outcome, Reply
from loadlab.workload.plan import Request

STAMP = b"Server-Timing: queue;dur=0.123, app;dur=12.345\r\n"
STAMP_NS = 12_468_000


def fine(lines=b"", status=b"200 OK"):
    return b"HTTP/1.1 %s\r\n%sContent-Length: 2\r\n\r\nok" % (status, lines)


STAMPED = {
    "the target's own": STAMP,
    "its name in any case": STAMP.replace(b"Server-Timing", b"sERVER-tIMING"),
    "behind a line of the app": b"Server-Timing: db;dur=53, app;dur=47.2\r\n" + STAMP,
    "behind an odd line of the app": b"Server-Timing: \xe9;desc=\x22\xff, \x22;dur\r\n" + STAMP,
}
NOT_STAMPED = {
    "nothing": b"",
    "an empty line": b"Server-Timing:\r\n",
    "somebody else's": b"Server-Timing: cache;desc=\x22hit\x22, db;dur=53, app;dur=47.2\r\n",
    "words": b"Server-Timing: queue;dur=soon, app;dur=later\r\n",
    "a negative time": b"Server-Timing: queue;dur=-5, app;dur=12.345\r\n",
    "a huge time": b"Server-Timing: queue;dur=0, app;dur=999999999\r\n",
    "an endless number": b"Server-Timing: queue;dur=0, app;dur=" + b"9" * 4000 + b"\r\n",
    "a time without end": b"Server-Timing: queue;dur=inf, app;dur=nan\r\n",
}


@pytest.mark.parametrize("case", STAMPED)
def test_the_stamp_on_an_answer_is_read_each_time(caller, serve, case):
    server = serve(answers(fine(STAMPED[case])))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert replies == [Reply(Outcome.OK, 200, 2, STAMP_NS)] * 3


@pytest.mark.parametrize("case", NOT_STAMPED)
def test_an_answer_without_a_readable_stamp_is_as_good_and_has_none(caller, serve, case):
    server = serve(answers(fine(NOT_STAMPED[case])))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(3)]

    assert replies == [Reply(Outcome.OK, 200, 2, 0)] * 3


def test_each_answer_has_its_own_stamp_and_none_is_kept_for_the_next(caller, serve):
    stamps = [b"queue;dur=1.000, app;dur=2.000", b"queue;dur=3.000, app;dur=2.000"]
    first, second = (fine(b"Server-Timing: %s\r\n" % stamp) for stamp in stamps)

    def script(peer):
        for response in (first, second, first, fine(), second):
            peer.read()
            peer.say(response)

    server = serve(script)
    caller.open(plan_for(server.url))

    told = [caller.send(Request(url=server.url)).inside_ns for _ in range(5)]

    assert told == [3_000_000, 5_000_000, 3_000_000, 0, 5_000_000]


def test_an_answer_with_an_unexpected_status_is_stamped_too(caller, serve):
    server = serve(answers(fine(STAMP, status=b"503 Not now")))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.HTTP_ERROR, 503, 2, STAMP_NS)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_so_is_one_that_has_no_body(caller, serve, status):
    server = serve(answers(b"HTTP/1.1 %s\r\n%s\r\n" % (status, STAMP)))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).inside_ns == STAMP_NS


def test_and_one_to_head(caller, serve):
    server = serve(answers(b"HTTP/1.1 200 OK\r\n%s\r\n" % STAMP))
    caller.open(plan_for(server.url))

    assert caller.send(Request(method="HEAD", url=server.url)).inside_ns == STAMP_NS


def test_the_stamp_of_a_streamed_answer_is_of_its_head_alone_and_not_read(caller, serve):
    head = b"HTTP/1.1 200 OK\r\n%sConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" % STAMP
    in_chunks = head + b"2\r\nok\r\n0\r\n\r\n"
    to_the_end = b"HTTP/1.1 200 OK\r\n%s\r\nok" % STAMP
    server = serve(once(in_chunks), once(to_the_end))
    caller.open(plan_for(server.url))

    replies = [caller.send(Request(url=server.url)) for _ in range(2)]

    assert replies == [Reply(Outcome.OK, 200, 2, 0)] * 2


def test_the_stamp_of_an_interim_answer_is_not_that_of_the_answer(caller, serve):
    server = serve(answers(b"HTTP/1.1 103 Early Hints\r\n%s\r\n%s" % (STAMP, fine())))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)) == Reply(Outcome.OK, 200, 2, 0)


def test_a_broken_answer_has_no_stamp(caller, serve):
    server = serve(once(b"HTTP/1.1 200 OK\r\n%sContent-Length: 100\r\n\r\nhalf" % STAMP))
    caller.open(plan_for(server.url))

    assert caller.send(Request(url=server.url)).outcome is Outcome.PROTOCOL_ERROR
