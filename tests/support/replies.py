"""Replies as tests compare them: what became of a request, apart from why."""

from loadlab.recording.reasons import text_of
from loadlab.recording.sample import ANSWERED, Outcome, Reply

BROKEN = Reply(Outcome.PROTOCOL_ERROR)
NOT_CONNECTED = Reply(Outcome.CONNECT_ERROR)
TIMED_OUT = Reply(Outcome.TIMEOUT)


def plain(reply: Reply) -> Reply:
    """The same reply without its reason."""
    return reply if reply.outcome in ANSWERED else Reply(reply.outcome)


def reason_of(reply: Reply) -> str:
    """Why the request has no answer; empty where it has one."""
    return "" if reply.outcome in ANSWERED else text_of(reply.status)


class Replies(list[Reply]):
    """A list of replies, and one of their reasons."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str] = []

    def append(self, reply: Reply) -> None:
        self.reasons.append(reason_of(reply))
        super().append(plain(reply))
