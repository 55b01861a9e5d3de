"""A host's connections: the idle ones, and how new ones are made."""

import ssl
from collections import deque
from typing import Any

from loadlab.transports.wire.connection import Asked, Connection, Known, Replied, Terms
from loadlab.transports.wire.request import Address

KEEPALIVE_S = 1.5
"""Below gunicorn's 2 s: so the target rarely closes a connection under a request."""


class Origin:
    """Connections to one address. Without a limit: a request finds an idle one or gets one of its own."""

    def __init__(self, terms: Terms, address: Address, trust: ssl.SSLContext | None) -> None:
        self._terms = terms
        self._address = address
        self._loop = terms.loop
        self._options: dict[str, Any] = {}
        if address.tls:
            # The limit for connecting holds for the handshake, too; asyncio's own must not come before it.
            self._options = {"ssl": trust, "ssl_handshake_timeout": terms.connect_limit_s + 1}
        self.idle: deque[Connection] = deque()
        """The last one used stands last, and goes first."""
        self.known = {bodiless: Known() for bodiless in (False, True)}

    def connect(self, asked: Asked, replied: Replied, now_s: float) -> Connection:
        """Make a connection and send this over it."""
        connection = Connection(self._terms, self.idle, asked, replied, now_s)
        connection.connecting = self._loop.create_task(self._connect(connection))
        return connection

    def sweep(self, now_s: float) -> None:
        """Close what has been idle for too long."""
        idle = self.idle
        while idle and now_s - idle[0].idle_since_s >= KEEPALIVE_S:
            idle.popleft().drop()

    async def _connect(self, connection: Connection) -> None:
        host, port = self._address.host, self._address.port
        try:
            await self._loop.create_connection(lambda: connection, host, port, **self._options)
        except Exception as error:  # noqa: BLE001 - of many kinds: addresses, names, sockets, certificates
            self._terms.wear.not_connected(error)
            connection.refused()
