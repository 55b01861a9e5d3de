"""One user's steps on the wire, each a row on the tape.

A step is due when the one before it was done, or when the pause behind that ended: what the journey's own
code takes between is the client's lag. A row waits until the step after it, so that a check can still make
it `unexpected`.
"""

import asyncio
from collections.abc import Callable

from loadlab.clock import NS_PER_S
from loadlab.journeys.user import Expects, StepFailed
from loadlab.load.shard import Shard
from loadlab.recording.sample import OUTCOME, Outcome, Reply
from loadlab.recording.tape import packed_row
from loadlab.transports.content import Content, Message, Session

_POLL_S = 0.05


class StageOverError(BaseException):
    """The stage ended before the next step was due. No `except Exception` of a journey stops it."""


class Steps:
    """A `Sender` for one user of a stage."""

    __slots__ = (
        "_number_of", "_row", "_shard", "checks", "due_ns", "failed", "flag", "session", "took_ns",
    )  # fmt: skip

    def __init__(self, shard: Shard, session: Session, number_of: Callable[[str], int]) -> None:
        """Take the user's connections; `number_of` gives a name's number on the tape."""
        self._shard = shard
        self.session = session
        self._number_of = number_of
        self._row: tuple[int, ...] | None = None
        self.due_ns = 0
        """When the next step is due."""
        self.flag = 0
        """Goes onto the tape with the next step's outcome; from `waited`, or 0."""
        self.checks: list[str] = []
        """Checks that did not hold."""
        self.failed: Reply | None = None
        """The last step's reply where it had no whole answer."""
        self.took_ns = 0
        """How long the last step took."""

    async def send(
        self, name: str, message: Message, expects: Expects | None
    ) -> tuple[Outcome, int, Content | None]:
        """Send a step; raise StageOverError where it is due after the stage's end."""
        if self._row is not None:
            self.flush()
        shard, due_ns, number = self._shard, self.due_ns, self._number_of(name)
        if due_ns >= shard.end_ns:
            raise StageOverError
        flag, self.flag = self.flag, 0
        sent_ns = shard.now_ns()
        shard.sent += 1
        try:
            reply, content = await self.session.exchange(message)
        except asyncio.CancelledError:
            shard.tape.note(
                packed_row(due_ns, sent_ns, shard.now_ns(), Outcome.UNFINISHED | flag, number, 0, 0)
            )
            raise
        done_ns = shard.now_ns()
        outcome = reply.outcome
        if content is None:
            self.failed = reply
        else:
            self.failed = None
            if expects is not None:
                outcome = Outcome.OK if expects(reply.status) else Outcome.UNEXPECTED
        self._row = (
            due_ns,
            sent_ns,
            done_ns,
            outcome | flag,
            reply.status | number,
            reply.body_bytes,
            reply.inside_ns,
        )
        self.due_ns, self.took_ns = done_ns, done_ns - sent_ns
        return outcome, reply.status, content

    def expects(self, status: int) -> bool:
        """Tell whether the plan expects a status."""
        return self._shard.plan.expects(status)

    def check_failed(self, text: str) -> None:
        """Make the last answer `unexpected`, if its row still waits, and keep what did not hold."""
        self.checks.append(text)
        if self._row is not None:
            due_ns, sent_ns, done_ns, outcome, *rest = self._row
            if outcome & OUTCOME == Outcome.OK:
                self._row = due_ns, sent_ns, done_ns, outcome ^ Outcome.OK | Outcome.UNEXPECTED, *rest

    async def rest(self, pause_ns: int) -> None:
        """Pause; raise StageOverError where the stage ends before the pause does."""
        self.flush()
        self.due_ns += pause_ns
        await self.until_due()

    async def until_due(self) -> None:
        """Wait until the next step is due; raise StageOverError where that is after the stage's end."""
        shard = self._shard
        while self.due_ns < shard.end_ns and (left_ns := self.due_ns - shard.now_ns()) > 0:
            await asyncio.sleep(min(left_ns / NS_PER_S, _POLL_S))
        if self.due_ns >= shard.end_ns:
            raise StageOverError

    def flush(self) -> None:
        """Put the last step's row onto the tape."""
        if self._row is not None:
            self._shard.tape.note(packed_row(*self._row))
            self._row = None


class Unmeasured:
    """A `Sender` for what is done before and after the load, which is not measured."""

    def __init__(self, shard: Shard, session: Session) -> None:
        self._shard = shard
        self._session = session

    async def send(
        self, name: str, message: Message, expects: Expects | None
    ) -> tuple[Outcome, int, Content | None]:
        """Send a step."""
        del name
        self._shard.sent_aside += 1
        reply, content = await self._session.exchange(message)
        if content is None or expects is None:
            return reply.outcome, reply.status, content
        return Outcome.OK if expects(reply.status) else Outcome.UNEXPECTED, reply.status, content

    def expects(self, status: int) -> bool:
        """Tell whether the plan expects a status."""
        return self._shard.plan.expects(status)

    def check_failed(self, text: str) -> None:
        """Fail: what does not hold before the load would not hold in it."""
        raise StepFailed("check", text)

    async def rest(self, pause_ns: int) -> None:
        """Pause."""
        await asyncio.sleep(pause_ns / NS_PER_S)
