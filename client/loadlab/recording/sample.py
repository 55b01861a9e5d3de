"""One request: its outcome, and its moments.

due   the moment the request should go out (latency counts from here)
sent  the moment it did (service time counts from here; sent - due is the client's own lag)
done  the moment its last byte was read, or it was given up
"""

from enum import IntEnum
from typing import NamedTuple

import msgspec


class Outcome(IntEnum):
    """What came of a request that was due. Every due request has exactly one."""

    OK = 0
    HTTP_ERROR = 1
    """A complete response whose status was not expected."""
    TIMEOUT = 2
    """No complete response within the request's time limit."""
    CONNECT_ERROR = 3
    """No connection: refused, unreachable, name not found, TLS handshake failed."""
    PROTOCOL_ERROR = 4
    """A connection that broke, or a response that was not valid HTTP."""
    DROPPED = 5
    """Due, but never sent: no place in flight was free, or the stage ended before it could go."""
    UNFINISHED = 6
    """Sent, but without an answer at the end of the drain."""
    UNEXPECTED = 7
    """A complete response that a journey's step or check did not expect."""

    @property
    def key(self) -> str:
        """The outcome's name in the result file."""
        return self.name.lower()


OUTCOME = (1 << 8) - 1
"""The bits in which an outcome stands."""
WAITED = OUTCOME + 1
"""Added to the outcome of a request that was sent late, or dropped, because no place in flight was free."""
OWN_LAG_SHIFT = 9
"""Above this bit stands how late the client itself was then, in nanoseconds: what came after was the wait."""


def waited(own_lag_ns: int) -> int:
    """Return what is added to the outcome of a request that found no place so long after it was due."""
    return WAITED | max(own_lag_ns, 0) << OWN_LAG_SHIFT


REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Statuses that send the client elsewhere; 304 and 300 do not (RFC 9110, section 15.4)."""

ANSWERED = (Outcome.OK, Outcome.HTTP_ERROR, Outcome.UNEXPECTED)
"""Outcomes with a complete response: latency and throughput are of these."""

FAILED = (Outcome.TIMEOUT, Outcome.CONNECT_ERROR, Outcome.PROTOCOL_ERROR, Outcome.UNFINISHED)
"""Outcomes of requests that were sent and have no complete response."""

ENDED_BADLY = (
    Outcome.HTTP_ERROR,
    Outcome.UNEXPECTED,
    *(outcome for outcome in FAILED if outcome is not Outcome.UNFINISHED),
)
"""Outcomes of requests that failed by themselves: an unfinished one was given up when its stage ended."""

CENSORED = (Outcome.TIMEOUT, Outcome.UNFINISHED)
"""Outcomes whose latency is known only to be at least what was waited."""


STAMP_GRAIN_NS = 1_000
"""How far a target's stamp may be from the truth: it is the sum of two times, each rounded to 1 us."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a transport makes of one request. A network failure is a reply, never a raise."""

    outcome: Outcome
    status: int = 0
    """HTTP status; without a complete response the number of the reason (`recording.reasons`)."""
    body_bytes: int = 0
    """Length of the body after transfer decoding."""
    inside_ns: int = 0
    """How long the target, by its own stamp, had the request: queue and handler; 0 where it does not say."""


class Sample(NamedTuple):
    """One finished request as the recorder takes it; the field order is the column order of a `Tape`."""

    due_ns: int
    sent_ns: int
    done_ns: int
    outcome: int
    """An `Outcome`, and perhaps what `waited` returned."""
    status: int
    """As in `Reply`: of a request without a complete response it is the number of its reason."""
    body_bytes: int
    inside_ns: int = 0
