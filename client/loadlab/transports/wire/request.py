"""A kind of request as bytes, and where they go."""

from typing import NamedTuple

from loadlab.transports.outgoing import Outgoing
from loadlab.workload.url import read_url


class Address(NamedTuple):
    """What connections are made to, and shared by."""

    tls: bool
    host: str
    port: int


def address(url: str) -> Address:
    """Return where a URL's requests go."""
    parts = read_url(url)
    return Address(parts.tls, parts.host, parts.port)


def encode(made: Outgoing) -> bytes:
    """Return a request as the bytes of its message."""
    lines = [f"{made.method} {made.url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in made.lines)]
    return "\r\n".join([*lines, "", ""]).encode() + made.body
