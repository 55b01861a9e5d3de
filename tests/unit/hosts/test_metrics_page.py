"""Reading a target's metrics: one deadline, a limit, and None for whatever is no page of metrics."""

import asyncio
import time

import pytest

from loadlab.hosts import metrics

pytestmark = pytest.mark.real

PAGE = b'# TYPE a counter\na_total{b="1"} 2\na_total{b="2"} 3\n'
OK = b"HTTP/1.0 200 OK\r\n"
LARGE = (b"#" * 65536 + b"\n") * 80
"""A page as far as its form goes, and longer than any of ours."""


def read_from(*pieces, pause_s=0.0, closes=True):
    """Read from a server that writes these pieces, with a pause after each."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
            if not closes:
                await asyncio.sleep(30)
        except OSError:
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            return await metrics.read(f"http://127.0.0.1:{port}/metrics")
        finally:
            server.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("pieces", "closes"),
    [
        ((OK + b"\r\n" + PAGE,), True),
        ((OK + b"Content-Length: %d\r\n\r\n" % len(PAGE), PAGE), False),
        ((OK[:5], OK[5:] + b"\r\n", PAGE[:20], PAGE[20:]), True),
    ],
    ids=["to the end", "with its length", "in pieces"],
)
def test_a_page_is_summed_over_its_labels(pieces, closes):
    assert read_from(*pieces, closes=closes).values == {"a_total": 5.0}


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",),
        (b"HTTP/1.0 500 No\r\n\r\n" + PAGE,),
        (OK + b"\r\n" + b"\xff\xfe",),
        (OK + b"\r\n" + b"no metrics {{{\n",),
        (OK + b"Content-Length: %d\r\n\r\n" % len(LARGE), LARGE),
        (OK + b"Content-Length: -1\r\n\r\n",),
        (OK + b"Content-Length: x\r\n\r\n",),
        (OK + b"Content-Length: 100\r\n\r\nshort",),
        (b"garbage",),
        (b"\r\n\r\n",),
        (b"x" * 100_000,),
        (OK + b"\r\n", LARGE),
        (),
    ],
    ids=range(13),
)
def test_whatever_is_no_page_of_metrics_is_none(pieces):
    assert read_from(*pieces) is None


def test_a_page_that_comes_in_drops_has_one_deadline(monkeypatch):
    monkeypatch.setattr(metrics, "_TIMEOUT_S", 0.3)
    began_s = time.monotonic()
    assert read_from(OK + b"\r\n", *[b"#"] * 400, pause_s=0.05) is None
    assert time.monotonic() - began_s < 15, "it would take 20 s"
