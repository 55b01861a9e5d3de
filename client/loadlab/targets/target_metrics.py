"""Reading the target's own account from its metrics endpoint."""

import asyncio
import math
import re

import msgspec

from loadlab.clock import MONOTONIC
from loadlab.units import number, whole_number
from loadlab.workload.url import read_url

REQUESTS = "target_requests_total"
WORKERS_ENDED = "target_workers_ended_total"
WORKERS_REPLACED = "target_workers_replaced_total"
_TIMEOUT_S = 2.0
_MOST_BYTES = 4 << 20
_CHUNK = 1 << 16
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_MOST_VALUE = 2.0**53
"""Above it a sum of whole numbers is not exact; nothing that a target counts comes near."""


class Reading(msgspec.Struct, frozen=True):
    """Every sample of one scrape, summed over its labels, and when it was taken."""

    at_ns: int
    values: dict[str, float]

    def get(self, name: str) -> float | None:
        """Return a sample's value, None where the target does not tell it."""
        return self.values.get(name)


async def read(url: str | None) -> Reading | None:
    """Scrape the endpoint; None where there is none, or no page of metrics comes within two seconds.

    Raises nothing, whatever the endpoint answers: a run needs no metrics.
    """
    found = None if url is None else await page(url)
    if found is None:
        return None
    at_ns = MONOTONIC.now_ns()
    try:
        return Reading(at_ns, _sums(found.decode()))
    except ValueError:
        return None


async def page(url: str) -> bytes | None:
    """Return a page of the metrics port; None where none comes within two seconds. Raises nothing."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await _page(url)
    except Exception:  # noqa: BLE001 - of many kinds, and none is worth a run
        return None


async def _page(url: str) -> bytes:
    """Get a page of the lab's own target, directly: no proxy, no redirect, and never more than the limit."""
    parts = read_url(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    try:
        writer.write(f"GET {parts.target} HTTP/1.0\r\nHost: {parts.authority}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.split()[1:2] != ["200"]:
            raise ValueError(head)
        length = next(
            (line[15:].strip(" \t") for line in head.split("\r\n") if line.startswith("content-length:")),
            None,
        )
        if length is None:
            return await _body(reader, _MOST_BYTES, whole=False)
        size = whole_number(length)
        if size is None:
            raise ValueError(length)
        return await _body(reader, size, whole=True)
    finally:
        writer.close()


async def _body(reader: asyncio.StreamReader, size: int, *, whole: bool) -> bytes:
    """Read so many bytes, or up to the end where it may come before."""
    if not 0 <= size <= _MOST_BYTES:
        raise ValueError(size)
    if whole:
        return await reader.readexactly(size)
    body = bytearray()
    while piece := await reader.read(_CHUNK):
        body += piece
        if len(body) >= size:
            raise ValueError(size)
    return bytes(body)


def _sums(text: str) -> dict[str, float]:
    """Sum each sample over its labels; leave out what is no count: not finite, below 0, or far too large.

    Linear in the text's length, which prometheus_client's own parser is not; raises ValueError.
    """
    values: dict[str, float] = {}
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            name, value = _sample(line)
            values[name] = values.get(name, 0.0) + value
    return {
        name: value for name, value in values.items() if math.isfinite(value) and 0 <= value <= _MOST_VALUE
    }


def _sample(line: str) -> tuple[str, float]:
    """Read a line of the text format: a name, perhaps labels, a value, perhaps a time stamp."""
    name, brace, labelled = line.partition("{")
    if brace:
        _, closing, rest = labelled.rpartition("}")
    else:
        name, closing, rest = line.partition(" ")
    value, *moment = map(number, rest.split())
    if not closing or not _NAME.fullmatch(name) or value is None or None in moment or len(moment) > 1:
        raise ValueError("no sample")
    return name, value
