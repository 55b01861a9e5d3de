"""The kernel's queue in front of the workers: connections that are made but not yet accepted."""

import socket
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

# struct tcp_info of linux/tcp.h begins with 8 bytes and 4 words of 4 bytes; of a listening socket the next
# two words, tcpi_unacked and tcpi_sacked, hold the length and the limit of its accept queue.
_QUEUE_OF_TCP_INFO = struct.Struct("=24xII")


@dataclass(frozen=True)
class AcceptQueue:
    """Connections that wait to be accepted, and how many may."""

    depth: int
    limit: int


def accept_queue(listening: socket.socket) -> AcceptQueue | None:
    """Read the accept queue of a listening socket; None where the system doesn't tell (only Linux does)."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return None
    try:
        info = listening.getsockopt(socket.IPPROTO_TCP, option, _QUEUE_OF_TCP_INFO.size)
        return AcceptQueue(*_QUEUE_OF_TCP_INFO.unpack(info))
    except (OSError, struct.error):  # closed, or not TCP
        return None


def accept_overflows(netstat: Path = Path("/proc/net/netstat")) -> int | None:
    """Read how often any accept queue of this network namespace was full; None if the system doesn't tell."""
    try:
        lines = netstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    # Two lines for each group: the names, then the values.
    for names, values in pairwise(lines):
        if names.startswith("TcpExt:") and values.startswith("TcpExt:"):
            overflows = dict(zip(names.split(), values.split(), strict=False)).get("ListenOverflows")
            return int(overflows) if overflows is not None else None
    return None
