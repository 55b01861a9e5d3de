"""A connection to oneself.

Where a client connects again and again to a port that is closed, and the port is one of those that the system
gives to clients, it may be given that very port: both ends then are the same socket (a simultaneous open,
RFC 9293, section 3.5). The request would come back as its own answer, and the target could not have its port.
"""

import contextlib
import errno
import socket
import struct
from typing import Any, Final

_AT_ONCE: Final = struct.pack("ii", 1, 0)


class ToItselfError(ConnectionRefusedError):
    """The only end that the connection has is this one."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNREFUSED, "connected to itself")


def is_to_itself(sock: Any) -> bool:  # noqa: ANN401 - a socket, or what a loop shows of one
    """Tell whether both ends are the same; if so its port is free again when it is closed."""
    try:
        if sock.getsockname() != sock.getpeername():
            return False
    except OSError:
        return False
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    return True
