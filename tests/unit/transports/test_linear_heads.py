"""Reading a head costs as much as it is long, also byte by byte, in every reader of the lab."""

import asyncio
import io
import time

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser, HttpResponseParser

from loadlab.recording.sample import Outcome
from loadlab.remote.lines import Lines
from loadlab.targets.sink_process import Answer as SinkAnswer
from loadlab.targets.sink_process import Answers
from loadlab.transports.bounded_http import Answer, TimeLimit
from loadlab.transports.wire.heads import MOST_BYTES, MOST_FIELDS
from loadlab.transports.wire.reader import Reader

pytestmark = pytest.mark.real
LINE = 4000
SMALL, LARGE = MOST_BYTES // 8, MOST_BYTES - 2 * LINE
NEVER_NS = 10**15


def head(size, first=b"HTTP/1.1 200 OK"):
    lines = [first]
    while sum(map(len, lines)) < size:
        lines.append(b"A: " + b"b" * LINE)
    return b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])


class Drip(io.RawIOBase):
    """Gives a byte at each read."""

    def __init__(self, data):
        self._data = iter(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        for byte in self._data:
            buffer[0] = byte
            return 1
        return 0


class DripSocket:
    def __init__(self, data):
        self._data = data

    def makefile(self, *_):
        return io.BufferedReader(Drip(self._data))

    def settimeout(self, _):
        pass


def wire(size):
    reader = Reader({200: Outcome.OK}, bodiless=False)
    data = head(size)
    replies = [reader.feed(data[at : at + 1]) for at in range(len(data))]
    assert replies[-1].status == 200
    assert set(replies[:-1]) == {None}


def requests(size):
    answer = Answer(DripSocket(head(size)), limit=TimeLimit(NEVER_NS, NEVER_NS), method="GET")
    answer.begin()
    assert answer.status == 200


def aiohttp_parser(kind, data, **limits):
    loop = asyncio.new_event_loop()
    parser = kind(BaseProtocol(loop), loop, 2**16, **limits)
    messages = [parser.feed_data(data[at : at + 1])[0] for at in range(len(data))]
    loop.close()
    assert len(messages[-1]) == 1


def aiohttp(size):
    limits = {"max_line_size": MOST_BYTES, "max_field_size": MOST_BYTES, "max_headers": MOST_FIELDS}
    aiohttp_parser(HttpResponseParser, head(size), **limits)


def agent(size):
    aiohttp_parser(HttpRequestParser, head(size, b"GET / HTTP/1.1\r\nHost: h"), max_headers=64)


def metrics(size):
    async def main():
        reader = asyncio.StreamReader()
        reading = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        data = head(size)
        for at in range(len(data)):
            reader.feed_data(data[at : at + 1])
            if at % 100 == 0:
                await asyncio.sleep(0)
        await reading

    asyncio.run(main())


def sink(size):
    class Transport:
        written = b""

        def write(self, data):
            self.written += data

    answer, transport = SinkAnswer(Answers()), Transport()
    answer.connection_made(transport)
    data = head(size, b"GET / HTTP/1.1")
    for at in range(len(data)):
        answer.data_received(data[at : at + 1])
    assert transport.written.count(b"200 OK") == 1


def lines(size):
    reader = Lines()
    for _ in range(size):
        assert reader.feed(b"x" * 100) == []
    assert reader.feed(b"\n") == [b"x" * 100 * size]


def cpu_s(read, size):
    took_s = []
    for _ in range(3):
        begun = time.process_time()
        read(size)
        took_s.append(time.process_time() - begun)
    return min(took_s)


@pytest.mark.parametrize("read", [wire, requests, aiohttp, agent, metrics, sink, lines])
def test_seven_times_the_head_costs_about_seven_times_as_much(read):
    small_s = cpu_s(read, SMALL)
    large_s = cpu_s(read, LARGE)
    assert large_s < 1.0, "64 KiB took 14 s where each byte was read with all before it"
    assert large_s < 5 * (LARGE / SMALL) * max(small_s, 0.002), "the square of seven would be 49"


def test_a_line_has_a_limit():
    reader = Lines(most_bytes=1000)
    assert reader.feed(b"x" * 1000) == []
    with pytest.raises(ValueError, match="a line without an end"):
        reader.feed(b"x")
    with pytest.raises(ValueError, match="a line without an end"):
        Lines(most_bytes=10).feed(b"a\n" + b"x" * 11 + b"\nb")
