"""Users without a coroutine: a reply's callback sends the next request. The rules of `load.loop` hold."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import astuple

from loadlab.clock import NS_PER_S
from loadlab.load.backing_off import BackingOff
from loadlab.load.pacing import Pace
from loadlab.load.shard import Shard
from loadlab.recording.sample import Outcome, Reply
from loadlab.recording.tape import packed_row, unfinished_row
from loadlab.transports import AsyncTransport, CallbackTransport, PendingRequest

_POLL_S = 0.05


def callback_user(
    shard: Shard, requests: Iterator[Any], transport: AsyncTransport, pace: Pace
) -> "CallbackUser":
    """Return a user without a coroutine, by the shortest way that the transport has."""
    if isinstance(transport, CallbackTransport):
        return DirectCallbackUser(shard, requests, transport, pace)
    return FutureUser(shard, requests, transport, pace)


class CallbackUser(ABC):
    """A user without a coroutine: each reply's callback sends the next request."""

    def __init__(self, shard: Shard, requests: Iterator[Any], pace: Pace) -> None:
        self._shard = shard
        self._requests = requests
        self._now_ns = shard.now_ns
        self._note = shard.tape.note
        self._batch = shard.is_batch
        self._pauses_ns = pace.pauses_ns
        self._due_ns = shard.begin_ns + pace.first_ns
        self._sent_ns = 0
        self._backing_off = BackingOff()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Resolves when nothing more is due."""

    @abstractmethod
    def _begin(self, prepared: Any) -> None:  # noqa: ANN401 - the transport's own
        """Send this, and have `_replied` called with the reply."""

    @abstractmethod
    async def cut(self) -> None:
        """Give up the request in flight and wait until it counts as unfinished."""

    def start(self) -> None:
        """Send the first request when it is due."""
        self._rest(self._due_ns, self.step)

    def step(self) -> None:
        """Send the next request, or end."""
        shard = self._shard
        if self._due_ns >= shard.end_ns or self.done.done():
            return self._end()
        prepared = next(self._requests, None)
        if prepared is None:
            return self._end()
        self._sent_ns = self._now_ns()
        shard.sent += 1
        return self._begin(prepared)

    def _replied(self, reply: Reply) -> None:
        """Note a reply and go on."""
        done_ns = self._now_ns()
        was_due_ns, sent_ns = self._due_ns, self._sent_ns
        self._note(packed_row(was_due_ns, sent_ns, done_ns, *astuple(reply)))
        if self._batch:
            return self.step()
        pauses_ns = self._pauses_ns
        due_ns = self._due_ns = done_ns if pauses_ns is None else done_ns + next(pauses_ns)
        if reply.outcome is not Outcome.OK and (
            pause_ns := self._backing_off.pause_ns(self._shard, was_due_ns, due_ns, reply, done_ns - sent_ns)
        ):
            return self._rest(due_ns + pause_ns, self._resume)
        return self.step() if pauses_ns is None else self._rest(due_ns, self.step)

    def _resume(self) -> None:
        """Go on after a pause that a failure called for."""
        self._due_ns = self._backing_off.resume(self._now_ns())
        self.step()

    def _unfinished(self) -> None:
        self._note(unfinished_row(self._due_ns, self._sent_ns, self._now_ns()))
        self._end()

    def _rest(self, until_ns: int, go_on: Callable[[], None]) -> None:
        """Go on at that moment; nothing more is due where the stage is over before."""
        left_ns = until_ns - self._shard.now_ns()
        if until_ns >= self._shard.end_ns:
            self._end()
        elif left_ns <= 0:
            go_on()
        else:
            pause_s = min(left_ns / NS_PER_S, _POLL_S)
            asyncio.get_running_loop().call_later(pause_s, self._rest, until_ns, go_on)

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class FutureUser(CallbackUser):
    """On any transport: a future for each request, whose done-callback goes on."""

    def __init__(self, shard: Shard, requests: Iterator[Any], transport: AsyncTransport, pace: Pace) -> None:
        super().__init__(shard, requests, pace)
        self._send = transport.send
        self._ensure = asyncio.get_running_loop().create_task
        self._in_flight: asyncio.Future[Reply] | None = None

    def _begin(self, prepared: Any) -> None:  # noqa: ANN401 - the transport's own
        self._in_flight = self._ensure(self._send(prepared))
        self._in_flight.add_done_callback(self._finished)

    def _finished(self, future: asyncio.Future[Reply]) -> None:
        if future.cancelled():
            self._unfinished()
        elif error := future.exception():
            self.done.set_exception(error)
        else:
            self._replied(future.result())

    async def cut(self) -> None:
        """Give up the request in flight and wait until it counts as unfinished."""
        if self._in_flight is not None and not self._in_flight.done():
            self._in_flight.cancel()
            await asyncio.wait([self._in_flight])


class DirectCallbackUser(CallbackUser):
    """On a transport that goes on by itself: a reply is a call, and a request leaves nothing but its row."""

    def __init__(
        self, shard: Shard, requests: Iterator[Any], transport: CallbackTransport, pace: Pace
    ) -> None:
        super().__init__(shard, requests, pace)
        self._send = transport.begin
        self._pauses = shard.is_batch or pace.pauses_ns is not None
        self._reply = self._replied  # one object for each of its requests, by which they are known
        self._flight: PendingRequest | None = None

    def _begin(self, prepared: Any) -> None:  # noqa: ANN401 - the transport's own
        self._flight = self._send(prepared, self._reply, self._sent_ns)

    def _replied(self, reply: Reply) -> None:
        """Go on and note the reply: what the base does without think times, in one frame.

        The next request goes out first, at the moment that it is due: what noting takes is not its lag.
        """
        outcome = reply.outcome
        if self._pauses or (outcome is not Outcome.OK and outcome is not Outcome.HTTP_ERROR):
            super()._replied(reply)
            return
        shard = self._shard
        done_ns = self._now_ns()
        due_ns, sent_ns = self._due_ns, self._sent_ns
        if done_ns < shard.end_ns and (prepared := next(self._requests, None)) is not None:
            self._due_ns = self._sent_ns = done_ns
            self._flight = self._send(prepared, self._reply, done_ns)
            more = 1
        else:
            self._end()
            more = 0
        row = packed_row(due_ns, sent_ns, done_ns, outcome, reply.status, reply.body_bytes, reply.inside_ns)
        # At one blow: another thread that looks must see one of the two in flight, never both.
        shard.sent += more
        self._note(row)

    async def cut(self) -> None:
        """Give up the request in flight; it counts as unfinished."""
        if self._flight is not None and self._flight.abandon(self._reply):
            self._unfinished()
