"""`loadlab run` with a `callback` loop that keeps one counter in place of its record, all else being equal.

Takes the arguments of `loadlab`. Nothing is known of a request but that it was sent, so `sent_total` is all
that the result tells.
"""

from loadlab.__main__ import main
from loadlab.load import callback_users
from loadlab.recording.sample import Outcome, Reply


class Counting(callback_users.DirectCallbackUser):
    """Goes on with each reply: no moments, no tape."""

    def _replied(self, reply: Reply) -> None:
        shard = self._shard
        assert reply.outcome is Outcome.OK
        now_ns = self._now_ns()
        if now_ns >= shard.end_ns or (prepared := next(self._feed, None)) is None:
            self._end()
            return
        shard.sent += 1
        self._flight = self._send(prepared, self._reply, now_ns)


callback_users.DirectCallbackUser = Counting  # type: ignore[misc]  # workers import this module, too

if __name__ == "__main__":
    main()
