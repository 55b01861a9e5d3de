"""Users that wait for a reply before their next request: one a coroutine, one a thread."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from msgspec.structs import astuple

from loadlab.clock import NS_PER_S
from loadlab.load.backing_off import BackingOff
from loadlab.load.pacing import AT_ONCE, Pace
from loadlab.load.shard import Shard
from loadlab.recording.sample import Outcome, Reply
from loadlab.recording.tape import packed_row, unfinished_row

AsyncSend = Callable[[Any], Awaitable[Reply]]
BlockingSend = Callable[[Any], Reply]

_POLL_S = 0.05


async def user(shard: Shard, requests: Iterator[Any], send: AsyncSend, pace: Pace) -> None:
    """One user: a request, its reply, a pause, and again, until nothing more is due."""
    now_ns, note, batch = shard.now_ns, shard.tape.note, shard.is_batch
    first_ns, pauses_ns = pace
    backing_off = BackingOff()
    due = shard.begin_ns + first_ns
    if first_ns and not await _rest_until(shard, due):
        return
    while due < shard.end_ns:
        if pauses_ns is not None and not await _rest_until(shard, due):
            break
        prepared = next(requests, None)
        if prepared is None:
            break
        sent = now_ns()
        shard.sent += 1
        try:
            reply = await send(prepared)
        except asyncio.CancelledError:
            note(unfinished_row(due, sent, now_ns()))
            raise
        done = now_ns()
        note(packed_row(due, sent, done, reply.outcome, reply.status, reply.body_bytes, reply.inside_ns))
        if batch:
            continue
        was_due, due = due, done if pauses_ns is None else done + next(pauses_ns)
        if reply.outcome is not Outcome.OK and (
            pause_ns := backing_off.pause_ns(shard, was_due, due, reply, done - sent)
        ):
            if not await _rest_until(shard, due + pause_ns):
                break
            due = backing_off.resume(now_ns())


async def _rest_until(shard: Shard, due_ns: int) -> bool:
    """Think; tell whether the request is still wanted afterwards."""
    while due_ns < shard.end_ns and (left_ns := due_ns - shard.now_ns()) > 0:
        await asyncio.sleep(min(left_ns / NS_PER_S, _POLL_S))
    return due_ns < shard.end_ns


class BlockingUser:
    """A user that holds its thread while it waits, and whose request another thread may give up."""

    def __init__(
        self,
        shard: Shard,
        requests: Iterator[Any],
        send: BlockingSend,
        sending: threading.Lock,
        pace: Pace,
    ) -> None:
        self._pace = pace
        self._shard = shard
        self._requests = requests
        self._send = send
        self._sending = sending
        self._backing_off = BackingOff()
        self._in_hand: tuple[int, int] | None = None
        self._mine = threading.Lock()

    def run(self) -> None:
        """Take steps until nothing more is due."""
        due_ns: int | None = self.first_due_ns
        while due_ns is not None:
            due_ns = self.step(due_ns)

    @property
    def first_due_ns(self) -> int:
        """When its first request is due, once the barrier is set."""
        return self._shard.begin_ns + self._pace.first_ns

    def step(self, due_ns: int) -> int | None:
        """Send the request that is due then, wait for its reply, and return when the next is due."""
        shard = self._shard
        if self._pace is not AT_ONCE:
            self._rest_until(due_ns)
        with self._sending:
            prepared = next(self._requests, None) if due_ns < shard.end_ns else None
            if prepared is None:
                return None
            sent_ns = shard.now_ns()
            shard.sent += 1
            self._in_hand = due_ns, sent_ns
        reply = self._send(prepared)
        done_ns = shard.now_ns()
        with self._mine:
            if self._in_hand is None:
                return None
            shard.tape.note(packed_row(due_ns, sent_ns, done_ns, *astuple(reply)))
            self._in_hand = None
        if shard.is_batch:
            return due_ns
        pauses_ns = self._pace.pauses_ns
        next_due_ns = done_ns if pauses_ns is None else done_ns + next(pauses_ns)
        if reply.outcome is not Outcome.OK:
            with self._sending:  # the shard's account is of all users
                pause_ns = self._backing_off.pause_ns(shard, due_ns, next_due_ns, reply, done_ns - sent_ns)
            if pause_ns:
                return self._back_off_until(next_due_ns + pause_ns)
        return next_due_ns

    def _back_off_until(self, moment_ns: int) -> int:
        """Wait, and return when the next request is due: never, where the stage is over before."""
        self._rest_until(moment_ns)
        over = moment_ns >= self._shard.end_ns
        return moment_ns if over else self._backing_off.resume(self._shard.now_ns())

    def _rest_until(self, moment_ns: int) -> None:
        """Hold the thread until then, or until the stage is over."""
        shard = self._shard
        shard.halted.wait(max(0, min(moment_ns, shard.end_ns) - shard.now_ns()) / NS_PER_S)

    def cut(self) -> None:
        """Give up the request in hand: it counts as unfinished, and its reply will not count."""
        with self._mine:
            if self._in_hand is not None:
                due_ns, sent_ns = self._in_hand
                self._shard.tape.note(unfinished_row(due_ns, sent_ns, self._shard.now_ns()))
                self._in_hand = None
