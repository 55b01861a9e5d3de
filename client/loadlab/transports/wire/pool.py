"""A host's connections: the idle ones, and how new ones are made."""

import ssl
from collections import deque
from typing import Any

from loadlab.clock import NS_PER_S
from loadlab.transports import Replied
from loadlab.transports.outgoing import outgoing
from loadlab.transports.wire.connection import Connection, Context, PreparedRequest, ResponseCache
from loadlab.transports.wire.request import Address, encode
from loadlab.workload.plan import Request

SMALL_BODY_BYTES = 8 * 1024
"""A request that a socket's buffer takes whole: no answer can come before its end."""


class Pool:
    """Connections to one address. Without a limit: a request finds an idle one or gets one of its own."""

    def __init__(
        self,
        terms: Context,
        address: Address,
        trust: ssl.SSLContext | None,
        host: str | None = None,
        kind: type[Connection] = Connection,
    ) -> None:
        """Take where to connect; `host`, an IP address, stands for the name in `address`."""
        self._kind = kind
        self._terms = terms
        self._address = address
        self._loop = terms.loop
        self._options: dict[str, Any] = {}
        if address.tls:
            # The limit for connecting holds for the handshake, too; asyncio's own must not come before it.
            self._options = {
                "ssl": trust,
                "server_hostname": address.host.rstrip("."),  # as certificates write it
                "ssl_handshake_timeout": terms.connect_limit_ns / NS_PER_S + 1,
            }
        self._host = host or address.host
        self.idle: deque[Connection] = deque()
        """Connections that wait for a request."""
        self._known = {bodiless: ResponseCache() for bodiless in (False, True)}

    def asked(self, request: Request) -> PreparedRequest:
        """Return a kind of request for this address."""
        made = outgoing(request, keeps=self._terms.keeps)
        bodiless = made.method == "HEAD"
        learns = not made.closes and len(made.body) <= SMALL_BODY_BYTES
        return PreparedRequest(
            encode(made),
            connect=self.connect,
            idle=self.idle,
            known=self._known[bodiless] if learns else ResponseCache(),
            bodiless=bodiless,
            keeps=not made.closes,
            learns=learns,
        )

    def connect(self, asked: PreparedRequest, replied: Replied, sent_ns: int) -> Connection:
        """Make a connection and send this over it."""
        connection = self._kind(self._terms, asked, replied, sent_ns)
        connection.connecting = self._loop.create_task(self._make(connection))
        return connection

    def sweep(self, now_ns: int) -> None:
        """Close what has been idle for too long."""
        idle = self.idle
        while idle and now_ns - idle[0].idle_since_ns >= self._terms.idle_limit_ns:
            idle.popleft().expire()

    async def _make(self, connection: Connection) -> None:
        try:
            await self._loop.create_connection(
                lambda: connection, self._host, self._address.port, **self._options
            )
        except Exception as error:  # noqa: BLE001 - of many kinds: names, certificates, whatever a loop raises
            connection.refused(error, tls=self._address.tls)
