"""No network: a reply comes at once, or after a programmed delay. It shows what a loop alone can do.

`?delay=5ms` in a request's URL programs its delay, otherwise the same in the target's, otherwise it is 0.

"At once" is in the loop's next turn, never in the same one: timers and other tasks have their turn as they
have with a real transport. A delay is as fine as the loop's timers, and never shorter than asked.
"""

import asyncio
import itertools
from collections import deque
from typing import Protocol

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.recording.sample import Reply
from loadlab.transports import Replied
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.transports.status_outcomes import ENDED_HERE, TIMED_OUT, Verdicts
from loadlab.workload.plan import Plan, Request
from loadlab.workload.url import delay_ns_of


class _Answers(Protocol):
    """Requests of one kind, which are answered in the order in which they came."""

    def add(self, replied: Replied, sent_ns: int) -> None: ...

    def abandon(self, replied: Replied) -> bool: ...

    def end(self) -> None: ...


class NullTransport:
    """An `AsyncTransport` and a `CallbackTransport`. Everything belongs to the loop in which `open` ran.

    `close` breaks what is still in flight: it ends as `protocol_error`.
    """

    def __init__(self) -> None:
        self.stats = ConnectionStats()
        self._kinds: dict[int, _Answers] = {}

    async def open(self, plan: Plan) -> None:
        """Make ready for a stage of this plan."""
        self._loop = asyncio.get_running_loop()
        self._reply = Reply(Verdicts(plan)[200], 200)
        self._delay_ns = delay_ns_of(plan.target, 0)
        self._limit_ns = plan.timeout_ns

    def prepare(self, request: Request) -> _Answers:
        """Read the delay; raise UsageError where it is not one."""
        delay_ns = delay_ns_of(request.url, self._delay_ns)
        reply = self._reply if delay_ns < self._limit_ns else TIMED_OUT
        delay_ns = min(delay_ns, self._limit_ns)
        if delay_ns not in self._kinds:
            made = _Delayed(self._loop, reply, delay_ns) if delay_ns else _AtOnce(self._loop, reply)
            self._kinds[delay_ns] = made
        return self._kinds[delay_ns]

    def begin(self, prepared: _Answers, replied: Replied, sent_ns: int) -> _Answers:
        """Have `replied` called with the reply, once, and never before this returns."""
        prepared.add(replied, sent_ns)
        return prepared

    async def send(self, prepared: _Answers) -> Reply:
        """Wait for the reply."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        replied = future.set_result
        prepared.add(replied, MONOTONIC.now_ns())
        try:
            return await future
        except asyncio.CancelledError:
            prepared.abandon(replied)
            raise

    async def close(self) -> None:
        """Answer what is in flight as broken."""
        for kind in self._kinds.values():
            kind.end()
        self._kinds.clear()


class _AtOnce:
    """Answers in the loop's next turn all that had been asked by then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reply: Reply) -> None:
        self._loop = loop
        self._reply = reply
        self._waiting: deque[Replied] = deque()
        self._called = False

    def add(self, replied: Replied, sent_ns: int) -> None:  # noqa: ARG002 - at once is at once
        self._waiting.append(replied)
        if not self._called:
            self._called = True
            self._loop.call_soon(self._answer)

    def abandon(self, replied: Replied) -> bool:
        if replied not in self._waiting:
            return False
        self._waiting.remove(replied)
        return True

    def end(self) -> None:
        self._reply = ENDED_HERE
        self._answer()

    def _answer(self) -> None:
        self._called = False
        waiting = self._waiting
        for _ in range(len(waiting)):
            if waiting:  # less than there were, where one was abandoned meanwhile
                _tell(waiting.popleft(), self._reply)


class _Delayed:
    """Answers each after the same delay, so in their order, by one timer that stands at the first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reply: Reply, delay_ns: int) -> None:
        self._loop = loop
        self._reply = reply
        self._delay_ns = delay_ns
        self._waiting: dict[Replied, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, replied: Replied, sent_ns: int) -> None:
        self._waiting[replied] = sent_ns + self._delay_ns
        if self._timer is None:
            self._timer = self._loop.call_later(self._delay_ns / NS_PER_S, self._answer)

    def abandon(self, replied: Replied) -> bool:
        return self._waiting.pop(replied, None) is not None

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            replied, _ = self._waiting.popitem()
            _tell(replied, ENDED_HERE)

    def _answer(self) -> None:
        now_ns = MONOTONIC.now_ns()
        ready = list(itertools.takewhile(lambda item: item[1] <= now_ns, self._waiting.items()))
        for replied, _ in ready:
            if self._waiting.pop(replied, None) is not None:  # it is, where it was abandoned meanwhile
                _tell(replied, self._reply)
        self._timer = None
        if self._waiting:
            first_ns = next(iter(self._waiting.values()))
            self._timer = self._loop.call_later((first_ns - now_ns) / NS_PER_S, self._answer)


def _tell(replied: Replied, reply: Reply) -> None:
    try:  # noqa: SIM105 - contextlib.suppress costs an object for each request
        replied(reply)
    except asyncio.InvalidStateError:
        pass  # a future that was cancelled in this very turn of the loop
