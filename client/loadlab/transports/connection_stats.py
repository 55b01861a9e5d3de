"""What a transport did besides answering: connections made, lost and closed, and what they could not have."""

from typing import Self

import msgspec

from loadlab.recording.reasons import CLOSED_WHILE_KEPT, Closer, closer_of, short_of, shown, text_of
from loadlab.recording.sample import Outcome, Reply
from loadlab.system.limits import limit_of
from loadlab.system.resources import Resource, resource_of
from loadlab.transports.refusals import refusal
from loadlab.transports.status_outcomes import failed

MOST_ADDRESSES = 3
"""Where redirects lead: so many addresses are kept."""


class Closed(msgspec.Struct):
    """Connections that were closed before the stage's end, by who closed them and why."""

    peer: int = 0
    """By the other side, or because it said that it would."""
    time_limit: int = 0
    """By the client, because a request ran out of time."""
    idle_limit: int = 0
    """By the client, because it was idle for too long."""
    protocol_error: int = 0
    """By the client, because of what came: no valid response, or bytes that belong to none."""
    not_kept: int = 0
    """By the client, because it was told to keep none, or the request itself asks for it."""

    def add(self, other: Self) -> None:
        """Count what another one counted, too."""
        self.peer += other.peer
        self.time_limit += other.time_limit
        self.idle_limit += other.idle_limit
        self.protocol_error += other.protocol_error
        self.not_kept += other.not_kept


class ConnectionStats(msgspec.Struct):
    """What a transport did besides answering, counted over its life."""

    connections_opened: int = 0
    connections_lost: int = 0
    """Kept-alive connections that broke under a request."""
    unexpected_bytes: int = 0
    """Connections that were closed because bytes came that belonged to no response."""
    lost_unheard: int = 0
    """Those of the lost ones that the other side closed before any byte of an answer."""
    closed: Closed = msgspec.field(default_factory=Closed)
    short_of: dict[Resource, int] = {}
    """Requests that failed because the client had run out of something, by what it was."""
    redirected_to: list[str] = []
    """Where redirects lead, the first few distinct addresses."""
    limits: dict[Resource, int | None] = {}
    """How much there is of each of those; None where the system does not tell."""

    def add(self, other: Self) -> None:
        """Count what another transport of the same stage did, too."""
        self.connections_opened += other.connections_opened
        self.connections_lost += other.connections_lost
        self.unexpected_bytes += other.unexpected_bytes
        self.lost_unheard += other.lost_unheard
        self.closed.add(other.closed)
        for resource, times in other.short_of.items():
            self.short_of[resource] = self.short_of.get(resource, 0) + times
        self.limits.update(other.limits)
        for address in other.redirected_to:
            self._keep_address(address)

    def not_connected(self, error: BaseException, *, tls: bool = False) -> Reply:
        """Return the reply where no connection could be made; count what that says about this side."""
        if resource := resource_of(error):
            self.ran_out(resource)
        return failed(Outcome.CONNECT_ERROR, refusal(error, tls=tls))

    def lacked(self, error: BaseException | None) -> Reply | None:
        """Count and return the reply where an open connection broke because the client ran out of something.

        None where the error says nothing of the client.
        """
        resource = resource_of(error)
        if resource is None:
            return None
        self.ran_out(resource)
        return failed(Outcome.PROTOCOL_ERROR, short_of(resource))

    def redirected(self, location: str) -> None:
        """Note where an answer leads."""
        self._keep_address(shown(location))

    def _keep_address(self, address: str) -> None:
        kept = self.redirected_to
        if len(kept) < MOST_ADDRESSES and address not in kept:
            kept.append(address)

    def ran_out(self, resource: Resource) -> None:
        """Count a request that could not go out because there was no more of this."""
        if resource not in self.limits:
            self.limits[resource] = limit_of(resource)
        self.short_of[resource] = self.short_of.get(resource, 0) + 1

    def broke(self, reply: Reply, *, kept: bool) -> Reply:
        """Count the connection that a request failed on; `kept` where it was not new. Return the reply."""
        reason = text_of(reply.status)
        closer = closer_of(reply.outcome, reason)
        if reply.outcome is Outcome.TIMEOUT:
            self.closed.time_limit += closer is not None
            return reply
        self.connections_lost += kept
        self.lost_unheard += reason == CLOSED_WHILE_KEPT
        self.closed.peer += closer is Closer.PEER
        self.closed.protocol_error += closer is Closer.CLIENT
        return reply
