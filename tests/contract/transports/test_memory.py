"""Bodies are counted, not kept; of a session's so much as a journey may look into."""

import tracemalloc

import pytest

from contract.transports.callers import plan_for
from loadlab.recording.sample import Outcome
from loadlab.transports.content import MOST_KEPT_BYTES
from loadlab.workload.plan import Request

SIZE = 60_000_000
PIECE = bytes(100_000)
MOST_BYTES = 3_000_000


def with_length(peer):
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
    for _ in range(SIZE // len(PIECE)):
        peer.say(PIECE)


def in_chunks(peer):
    peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
    for _ in range(SIZE // len(PIECE)):
        peer.say(chunk)
    peer.say(b"0\r\n\r\n")


def redirecting(peer):
    peer.say(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: %d\r\n\r\n" % SIZE)
    for _ in range(SIZE // len(PIECE)):
        peer.say(PIECE)


@pytest.mark.parametrize("body", [with_length, in_chunks, redirecting])
def test_a_big_body_is_counted_in_bounded_memory(kind, caller, serve, body):
    def script(peer):
        while peer.read():
            body(peer)

    server = serve(script)
    caller.open(plan_for(server.url, timeout_s=20))
    caller.send(Request(url=server.url))

    tracemalloc.start()
    reply = caller.send(Request(url=server.url))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (reply.outcome, reply.body_bytes) == (Outcome.OK, SIZE)
    assert peak < MOST_BYTES + (2 * MOST_KEPT_BYTES if kind.endswith("-session") else 0)
    assert [each.connection for each in server.received] == [0, 0]
