"""What a target's name stands for: its addresses are found once, tried in turn, and one of them is loaded."""

import asyncio
import errno
import os
import socket
from typing import Any, NamedTuple

from loadlab.errors import ClientError, TargetError
from loadlab.system.limits import limit_of
from loadlab.system.resources import resource_of, shortage
from loadlab.targets import Tried
from loadlab.transports.itself import is_to_itself

_CONNECT_S = 3.0
_LEAST_S = 1.0


class Address(NamedTuple):
    """Where to connect, as the resolver gave it."""

    family: int
    sockaddr: Any

    @property
    def text(self) -> str:
        """The IP address alone."""
        return str(self.sockaddr[0])


class ShortageError(Exception):
    """This side lacks what a connection takes, such as a file or a local port."""


async def find(name: str, port: int) -> list[Address]:
    """Return each address of a name once, in the resolver's order; raises OSError or UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


async def reach(address: Address, within_s: float = _CONNECT_S) -> str | None:
    """Try to connect, and hang up; return why that fails, or None. Raises ShortageError."""
    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as sock:
            sock.settimeout(0)
            async with asyncio.timeout(within_s):
                await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
            return os.strerror(errno.ECONNREFUSED) if is_to_itself(sock) else None
    except TimeoutError as error:
        return os.strerror(error.errno) if error.errno else f"no connection within {within_s:g} s"
    except OSError as error:
        if resource := resource_of(error):
            raise ShortageError(shortage(resource, limit_of(resource))) from None
        return os.strerror(error.errno) if error.errno else str(error)


async def unreachable(url: str, address: Address) -> str | None:
    """Say in one sentence why a target can't be reached at its address, or None. Raises ShortageError."""
    problem = await reach(address)
    where = "" if address.text in url else f"{address.text}: "
    return problem and f"{url} cannot be reached: {where}{problem}"


async def first_that_answers(url: str, addresses: list[Address]) -> tuple[Address, tuple[Tried, ...]]:
    """Try each in turn, with a share of the time; return the one that answers and all that were tried.

    Raises TargetError where none does, and ClientError where this side can't try.
    """
    share_s = max(_LEAST_S, _CONNECT_S / len(addresses))
    tried = []
    for address in addresses:
        try:
            problem = await reach(address, share_s)
        except ShortageError as error:
            raise ClientError(f"{url} was not tried: the client's {error}") from None
        tried.append(Tried(address.text, problem))
        if problem is None:
            return address, tuple(tried)
    if len(tried) == 1:
        raise TargetError(f"{url} cannot be reached: {tried[0].problem}")
    raise TargetError(
        f"{url} cannot be reached: {'; '.join(f'{each.address}: {each.problem}' for each in tried)}"
    )
