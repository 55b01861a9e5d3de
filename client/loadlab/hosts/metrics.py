"""Reading the target's own account from its metrics endpoint."""

import asyncio

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from loadlab.clock import MONOTONIC
from loadlab.url import read_url

REQUESTS = "target_requests_total"
WORKERS_ENDED = "target_workers_ended_total"
_TIMEOUT_S = 2.0
_MOST_BYTES = 4 << 20
_CHUNK = 1 << 16


class Reading(msgspec.Struct, frozen=True):
    """Every sample of one scrape, summed over its labels, and when it was taken."""

    at_ns: int
    values: dict[str, float]

    def get(self, name: str) -> float | None:
        """Return a sample's value, None where the target does not tell it."""
        return self.values.get(name)


async def read(url: str | None) -> Reading | None:
    """Scrape the endpoint; None where there is none, or no page of metrics comes within two seconds."""
    if url is None:
        return None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            text = (await _page(url)).decode()
            at_ns = MONOTONIC.now_ns()
            return Reading(at_ns, _sums(text))
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError):
        return None


async def _page(url: str) -> bytes:
    """Get a page of the lab's own target, directly: no proxy, no redirect, and never more than the limit."""
    server = read_url(url)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(f"GET {server.target} HTTP/1.0\r\nHost: {server.authority}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.split()[1:2] != ["200"]:
            raise ValueError(head)
        length = next((line[15:] for line in head.splitlines() if line.startswith("content-length:")), None)
        return await _body(reader, _MOST_BYTES if length is None else int(length), whole=length is not None)
    finally:
        writer.close()


async def _body(reader: asyncio.StreamReader, size: int, *, whole: bool) -> bytes:
    """Read so many bytes, or up to the end where it may come before."""
    if not 0 <= size <= _MOST_BYTES:
        raise ValueError(size)
    if whole:
        return await reader.readexactly(size)
    body = b""
    while piece := await reader.read(_CHUNK):
        body += piece
        if len(body) >= size:
            raise ValueError(size)
    return body


def _sums(text: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0.0) + sample.value
    return values
