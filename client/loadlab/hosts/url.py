"""A target that is already there: anything with a URL."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from loadlab.errors import TargetError, UsageError
from loadlab.hosts import Target

_CONNECT_S = 3.0
_NEAR = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/32",  # what servers print that listen everywhere: connecting to it is connecting here
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
        "169.254.0.0/16",
        "fe80::/10",
    )
)
"""Loopback, private (RFC 1918, RFC 4193) and link-local."""


class UrlHost:
    """A target that somebody else runs.

    `trusted` says that the address is known to be the lab's own, such as the compose target; any other
    must be loopback or private unless `remote` is set, so that no host is loaded by accident.
    """

    def __init__(
        self,
        url: str,
        *,
        metrics_url: str | None = None,
        remote: bool = False,
        trusted: bool = False,
        where: str | None = None,
    ) -> None:
        """Take the base URL, and where load and target run in words, if more is known of it."""
        self._url = url
        self._metrics_url = metrics_url
        self._where = where or f"{url}, from this process"
        self._anywhere = remote or trusted

    async def start(self) -> Target:
        """Look the address up, refuse a foreign one, and make sure that it accepts connections."""
        name, addresses = await self._addresses()
        foreign = [address for address in addresses if not is_near(address)]
        if foreign and not self._anywhere:
            raise UsageError(
                f"--target: {name} ({foreign[0]}) is neither loopback nor a private address;"
                " give --remote if you may load it"
            )
        if problem := await self.lost():
            raise TargetError(problem)
        return Target(url=self._url, metrics_url=self._metrics_url, where=self._where)

    async def lost(self) -> str | None:
        """Try to connect."""
        parts = urlsplit(self._url)
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, writer = await asyncio.open_connection(parts.hostname, self._port)
        except TimeoutError:
            return f"{self._url} does not accept a connection within {_CONNECT_S:.0f} s"
        except OSError as error:
            return f"{self._url} cannot be reached: {error.strerror or error}"
        writer.close()
        return None

    async def stop(self, *, at_once: bool = False) -> None:
        """Leave it as it is."""

    @property
    def _port(self) -> int:
        parts = urlsplit(self._url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    async def _addresses(self) -> tuple[str, list[str]]:
        name = urlsplit(self._url).hostname or ""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(name, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TargetError(f"{self._url} cannot be reached: no address for {name!r} ({error})") from None
        return name, [str(entry[4][0]) for entry in found]


def is_near(address: str) -> bool:
    """Tell whether an IP address is loopback, private or link-local: where a lab's target lives.

    Not `ipaddress`'s own `is_private`: that counts addresses for documentation and benchmarks too, which
    a network may well route to somebody.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in _NEAR)
