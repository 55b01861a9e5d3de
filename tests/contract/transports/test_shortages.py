"""What the system says when this machine has not enough for a connection or a request is the client's own."""

import errno

import pytest

from contract.transports.callers import ASYNC, BLOCKING, plan_for
from contract.transports.scripted import answers
from loadlab.recording.reasons import lacked
from loadlab.recording.sample import Outcome
from loadlab.system.resources import Resource
from loadlab.workload.plan import Request
from support.failing_calls import SEND, where_calls_fail
from support.replies import reason_of

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SHORT_OF = {
    errno.EADDRNOTAVAIL: Resource.PORTS,
    errno.EMFILE: Resource.FILES,
    errno.ENFILE: Resource.FILES,
    errno.ENOBUFS: Resource.BUFFERS,
    errno.ENOMEM: Resource.MEMORY,
}


def sent_where(calls, number, kind, url):
    """Return the reply to one request, and the transport's stats."""

    def send():
        caller = {**ASYNC, **BLOCKING}[kind]()
        caller.open(plan_for(url))
        reply = caller.send(Request(url=url))
        caller.close()
        caller.stop()
        return reply, caller.stats

    return where_calls_fail(calls, number, send)


def named(number):
    return errno.errorcode[number]


@pytest.mark.parametrize(
    ("call", "number"),
    [
        *(("socket", number) for number in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)),
        *(("connect", number) for number in (errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)),
    ],
    ids=lambda value: value if isinstance(value, str) else named(value),
)
def test_no_connection_for_want_of_something_of_this_machine_is_the_clients_own(kind, serve, call, number):
    reply, stats = sent_where((call,), number, kind, serve(answers(FINE)).url)

    assert (reply.outcome, lacked(reason_of(reply))) == (Outcome.CONNECT_ERROR, SHORT_OF[number])
    assert stats.short_of == {SHORT_OF[number]: 1}
    assert stats.connections_opened == 0


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM], ids=named)
def test_a_request_that_cannot_be_written_for_want_of_memory_is_the_clients_own(kind, serve, number):
    server = serve(answers(FINE))
    reply, stats = sent_where(SEND, number, kind, server.url)

    assert (reply.outcome, lacked(reason_of(reply))) == (Outcome.PROTOCOL_ERROR, SHORT_OF[number])
    assert stats.short_of == {SHORT_OF[number]: 1}
    assert (stats.connections_opened, stats.closed.peer, stats.connections_lost) == (1, 0, 0)
    assert server.received == []
