"""A target that is already there: anything with a URL."""

import asyncio
import ipaddress
import socket

from loadlab.errors import ClientError, TargetError, UsageError
from loadlab.hosts import Target, Tried
from loadlab.hosts.addresses import Address, find, first_that_answers, unreachable
from loadlab.hosts.scheme import mismatch
from loadlab.resources import resource_of, shortage
from loadlab.url import read_url

_RESTARTED_S = 2.0
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
        self._trusted = trusted
        self._chosen: Address | None = None

    async def start(self) -> Target:
        """Look the addresses up, refuse foreign ones, and choose the first that accepts a connection."""
        name = read_url(self._url).host
        addresses = await self._addresses(name)
        foreign = [each.text for each in addresses if not is_near(each.text)]
        if foreign and not self._anywhere:
            named = name if name == foreign[0] else f"{name} ({foreign[0]})"
            raise UsageError(
                f"--target: {named} is neither loopback nor a private address;"
                " give --remote if you may load it"
            )
        self._chosen, tried = await first_that_answers(self._url, addresses)
        where = self._where + (_named(name, tried) if len(addresses) > 1 else "")
        return Target(url=self._url, metrics_url=self._metrics_url, where=where, tried=tried)

    async def ended(self, *, silent: bool = True) -> str | None:
        """Say that the stack's container has stopped: its name is gone. Nothing of what others run.

        While a container is restarted its name is gone for a moment, so it is looked up twice.
        """
        if not (silent and self._trusted and await self._is_nameless()):
            return None
        await asyncio.sleep(_RESTARTED_S)
        if not await self._is_nameless():
            return None
        return f"{self._url} has no address any more: its container has stopped"

    async def _is_nameless(self) -> bool:
        try:
            await self._find()
        except socket.gaierror as error:
            return error.errno == socket.EAI_NONAME
        return False

    async def lost(self) -> str | None:
        """Try to connect to the address that was chosen."""
        assert self._chosen is not None, "it was started"
        return await unreachable(self._url, self._chosen)

    async def mismatch(self) -> str | None:
        """Say that the target does not speak what its URL says; None where it does."""
        assert self._chosen is not None, "it was started"
        return await mismatch(self._url, self._chosen.text, read_url(self._url).port)

    async def stop(self, *, at_once: bool = False) -> None:
        """Leave it as it is."""

    async def _find(self) -> list[Address]:
        server = read_url(self._url)
        return await find(server.host, server.port)

    async def _addresses(self, name: str) -> list[Address]:
        try:
            return await self._find()
        except (OSError, UnicodeError) as error:
            if resource := resource_of(error):
                raise ClientError(f"{self._url} was not tried: {shortage(resource)}") from None
            said = getattr(error, "strerror", None) or error
            raise TargetError(f"{self._url} cannot be reached: no address for {name!r} ({said})") from None


def _named(name: str, tried: tuple[Tried, ...]) -> str:
    """Say which of several addresses of a name is loaded, and why not those before it."""
    *failed, chosen = tried
    others = "".join(f"; not {each.address}: {each.problem}" for each in failed)
    return f" ({name} is {chosen.address} in this run{others})"


def is_near(address: str) -> bool:
    """Tell whether an IP address is loopback, private or link-local: where a lab's target lives.

    Not `ipaddress`'s own `is_private`: that counts addresses for documentation and benchmarks too, which
    a network may well route to somebody.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in _NEAR)
