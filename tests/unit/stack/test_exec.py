"""A process in a container: frames taken apart wherever they were cut, and the two outputs kept apart."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadlab.remote.lines import Lines
from loadlab.stack.exec import Attached, Demultiplexer


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


STREAM = frame(1, b"one\ntw") + frame(2, b"an error\n") + frame(1, b"") + frame(1, b"o\n")


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_frames_are_whole_wherever_the_stream_was_cut(cut):
    frames = Demultiplexer()
    heard = frames.feed(STREAM[:cut]) + frames.feed(STREAM[cut:])
    assert heard == [(1, b"one\ntw"), (2, b"an error\n"), (1, b""), (1, b"o\n")]


def test_frames_are_whole_byte_by_byte():
    frames = Demultiplexer()
    heard = [found for byte in STREAM for found in frames.feed(bytes([byte]))]
    assert b"".join(payload for stream, payload in heard if stream == 1) == b"one\ntwo\n"


@given(st.lists(st.binary(max_size=8).map(lambda line: line.replace(b"\n", b"")), max_size=5), st.data())
def test_lines_are_whole_wherever_they_were_cut(written, data):
    text = b"".join(line + b"\n" for line in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    lines, heard = Lines(), []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        heard += lines.feed(text[start:end])
    assert heard == written


def test_a_line_that_has_no_end_yet_is_kept_back():
    lines = Lines()
    assert lines.feed(b"half") == []
    assert lines.feed(b" a line\nand") == [b"half a line"]


def attached(play):
    """Play the engine's side against an attached process; returns what `play` returns."""

    async def run():
        here, engine = socket.socketpair()
        process = Attached(here, lambda: 7)
        try:
            return await play(process, engine)
        finally:
            process.close()
            engine.close()

    return asyncio.run(run())


def test_lines_come_one_by_one_and_then_none():
    async def play(process, engine):
        engine.sendall(STREAM)
        engine.close()
        return [await process.line() for _ in range(3)], process.last_words

    assert attached(play) == ([b"one", b"two", None], "an error")


def test_what_is_sent_ends_with_a_line_end():
    async def play(process, engine):
        process.send(b"stop")
        return engine.recv(100)

    assert attached(play) == b"stop\n"


def test_a_process_that_does_not_read_holds_nobody_up():
    async def play(process, engine):
        process.send(bytes(10_000_000))  # far more than a connection holds
        engine.sendall(frame(1, b"not now\n"))
        return await process.line()

    assert attached(play) == b"not now"


def test_sending_to_a_process_that_is_gone_does_nothing():
    async def play(process, engine):
        engine.close()
        for _ in range(3):
            process.send(b"stop")
        return await process.line(), await process.exit_code()

    assert attached(play) == (None, 7)


def test_closing_ends_the_process_input():
    async def play(process, engine):
        process.close()
        return engine.recv(100), await process.line()

    assert attached(play) == (b"", None)


def test_of_many_errors_the_last_words_are_kept():
    async def play(process, engine):
        for _ in range(20):
            engine.sendall(frame(2, b"x" * 1000))
        engine.sendall(frame(2, b"the end\n"))
        engine.close()
        await process.line()
        return process.last_words

    said = attached(play)
    assert said.endswith("the end")
    assert len(said) <= 4096
