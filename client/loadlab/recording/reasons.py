"""Why a request has no answer: short, stable sentences, and their numbers on a tape. Pure.

The sentence is the same on every transport for the same cause. It names no address, no port and nothing else
that would make two errors of one cause distinct, so few of them tell a run.
"""

import itertools
from enum import StrEnum
from typing import Final

from loadlab.recording.sample import Outcome
from loadlab.system.resources import Resource

MOST = 16
"""Reasons of a kind that a result tells apart; what is left is one more, `OTHER`."""
OTHER: Final = "other"
_MOST_TEXTS: Final = 256
"""Distinct reasons that a process keeps; they are few by their making, and this is what holds it."""
_MOST_SIGNS: Final = 100

NO_CONNECTION: Final = "no connection within the time limit"
NO_ANSWER: Final = "no answer within the time limit"
CLOSED_WHILE_KEPT: Final = "closed while kept, before any byte of an answer"
CLOSED: Final = "closed before any byte of an answer"
RESET: Final = "connection reset before any byte of an answer"
CUT_OFF: Final = "answer cut off before its end"
CUT_OFF_BY_RESET: Final = "answer cut off by a connection reset"
ENDED_HERE: Final = "ended by the client: its run was over"
NOT_HTTP: Final = "not an HTTP answer: no status line"
IS_TLS: Final = "not an HTTP answer: the port speaks TLS (https)"
TOO_LONG: Final = "head of the answer is too long"
BAD_LENGTH: Final = "invalid Content-Length in the answer"
BAD_CHUNK: Final = "invalid chunk in the answer"
BAD_HEADER: Final = "invalid header in the answer"
INVALID: Final = "invalid HTTP answer"

UNHEARD: Final = frozenset({CLOSED_WHILE_KEPT, CLOSED, RESET})
"""Of a connection that the other side closed before any byte of an answer."""
_BY_PEER: Final = frozenset({CLOSED_WHILE_KEPT, CLOSED, RESET, CUT_OFF, CUT_OFF_BY_RESET})
_BY_NOBODY: Final = frozenset({NO_CONNECTION, ENDED_HERE, OTHER, ""})


class Closer(StrEnum):
    """Who closed a connection that a request failed on."""

    PEER = "peer"
    CLIENT = "client"


def closer_of(outcome: Outcome, reason: str) -> Closer | None:
    """Return who closed the connection of a request that ended so; None where there was none to close."""
    if outcome not in (Outcome.TIMEOUT, Outcome.PROTOCOL_ERROR) or reason in _BY_NOBODY:
        return None
    return Closer.PEER if reason in _BY_PEER else Closer.CLIENT


def short_of(resource: Resource) -> str:
    """Return the reason of a request for which this machine had not enough."""
    if resource is Resource.RESOLVER:
        return "the client's own name resolver failed"
    return f"the client ran out of {resource}"


_LACKED: Final = {short_of(resource): resource for resource in Resource}


def lacked(reason: str) -> Resource | None:
    """Return what this machine had not enough of; None where the reason is not of this machine."""
    return _LACKED.get(reason)


def on_one_line(text: str) -> str:
    """Return a text with one blank for each run of blanks and of what can't be printed."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def shown(text: str) -> str:
    """Return a text of another's making as it may stand in a reason: one line, short, nothing that acts."""
    line = on_one_line(text)
    return line if len(line) <= _MOST_SIGNS else f"{line[: _MOST_SIGNS - 1]}…"


class Reasons:
    """Sentences and their numbers. Threads may share it: each step is one call into C."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {0: ""}
        self._next = itertools.count(1)

    def number_of(self, text: str) -> int:
        """Return the number of a reason; 0 for none. Of too many the rest share that of `OTHER`."""
        if not text:
            return 0
        if text not in self._numbers and len(self._numbers) >= _MOST_TEXTS:
            text = OTHER
        number = self._numbers.setdefault(text, next(self._next))
        self._texts.setdefault(number, text)
        return number

    def text_of(self, number: int) -> str:
        """Return the reason with this number, empty where there is none."""
        return self._texts.get(number, "")


_HERE = Reasons()
number_of = _HERE.number_of
"""Number a reason in this process; a number means nothing in another."""
text_of = _HERE.text_of
