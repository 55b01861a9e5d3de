"""How long a closed user waits after a connection that failed at once.

Without a pause a target that is away for a moment would get more requests in that moment than in all the rest
of a run, and each costs the client CPU. So a user waits, first 1 ms and then twice as long each time, 100 ms
at most, until its connection does not fail any more. After one that failed later it goes on at once, and is
still not answered: it may be the client that had no core. An answer, whatever its status, never counts.

A schedule does not wait: an open load is what its rate says.
"""

from loadlab.clock import NS_PER_MS
from loadlab.load.shard import Shard
from loadlab.recording.reasons import UNHEARD, text_of
from loadlab.recording.sample import Outcome, Reply

AT_ONCE_NS = 10 * NS_PER_MS
FIRST_NS = NS_PER_MS
LONGEST_NS = 100 * NS_PER_MS


def connection_failed(reply: Reply) -> bool:
    """Tell whether a connection failed without a byte of an answer: the next would, too."""
    if reply.outcome is Outcome.PROTOCOL_ERROR:
        return text_of(reply.status) in UNHEARD
    return reply.outcome is Outcome.CONNECT_ERROR


class BackingOff:
    """One user's pauses. Asked after failures alone, so that an answered request costs nothing."""

    __slots__ = ("_pause_ns", "_resumed_ns")

    def __init__(self) -> None:
        self._resumed_ns = 0
        self._pause_ns = 0

    def pause_ns(self, shard: Shard, due_ns: int, from_ns: int, reply: Reply, lasted_ns: int) -> int:
        """Return how long to wait after this reply, 0 for not at all; the shard counts it.

        `due_ns` is when the request was due that has failed: after a pause, the next is twice as long.
        `from_ns` is when the pause begins.
        """
        if not connection_failed(reply):
            return 0
        again = due_ns == self._resumed_ns
        if lasted_ns >= AT_ONCE_NS:
            if again:
                self._resumed_ns = from_ns
            return 0
        self._pause_ns = min(2 * self._pause_ns, LONGEST_NS) if again else FIRST_NS
        shard.backed_off_ns += shard.window.overlap_ns(from_ns, from_ns + self._pause_ns)
        return self._pause_ns

    def resume(self, now_ns: int) -> int:
        """Return when the request after a pause is due: now, so a timer's lateness is no lag."""
        self._resumed_ns = now_ns
        return now_ns
