"""A clock that tests turn themselves, an event loop that lives by it, and transports that obey a script.

Nothing here sleeps: where a real loop would wait for its next timer, `VirtualLoop` turns the clock there.
"""

import asyncio
import functools
import itertools
import selectors
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.load.shard import Shard, Share
from loadlab.recording.sample import Outcome, Reply
from loadlab.scenarios import scenario
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Plan, Request, Stage
from loadlab.workload.traits import Workload

OK = Reply(Outcome.OK, 200, 6)
START_NS = 1_000 * NS_PER_S
T = TypeVar("T")


class FakeClock:
    """A `Clock` that stands still until it is turned."""

    def __init__(self, now_ns: int = START_NS) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def turn(self, by_ns: int) -> None:
        assert by_ns >= 0, "a clock never goes back"
        self._now_ns += by_ns


class NothingWillHappenError(AssertionError):
    """A loop without timers, without events and with work left waits for ever."""


class _TurningSelector(selectors.DefaultSelector):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingWillHappenError
        self._clock.turn(round(timeout * NS_PER_S))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop on a `FakeClock`: an hour of waiting takes no time."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(_TurningSelector(clock))
        self._fake_clock = clock

    def time(self) -> float:
        return self._fake_clock.now_ns() / NS_PER_S


def run(clock: FakeClock, awaitable: Awaitable[T]) -> T:
    """Run on virtual time; what an `asyncio.run` would leave behind is an error here."""

    async def main() -> T:
        result = await awaitable
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner:
        return runner.run(main())


class FakeTimer:
    """A `Timer` on the virtual loop: exact, as a clock that only tests turn allows it."""

    spun_ns = 0

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    def call_at(self, due_ns: int, ring: Callable[[], None]) -> None:
        assert not self.closed
        if self._timer is not None:
            self._timer.cancel()
        left_ns = max(0, due_ns - self._clock.now_ns())
        if 0 < left_ns < 1_000:  # less than the loop's floating-point seconds can tell
            self._clock.turn(left_ns)
            left_ns = 0
        call = ring if not left_ns else functools.partial(self.call_at, due_ns, ring)
        self._timer = asyncio.get_running_loop().call_later(left_ns / NS_PER_S, call)

    def close(self) -> None:
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()


class Answer(NamedTuple):
    """What the script has a request get, and after how long."""

    delay_ns: int = 100 * NS_PER_MS
    reply: Reply | Exception = OK


class _Scripted:
    """What both fake transports do: count, note when each was sent, take the next answer."""

    def __init__(self, clock: FakeClock, answers: Iterable[Answer] = ()) -> None:
        self.stats = ConnectionStats()
        self.clock = clock
        self.sent: list[tuple[int, Any]] = []
        """Moment and prepared request of each send."""
        self.in_flight = 0
        self.in_flight_peak = 0
        self._answers = itertools.chain(answers, itertools.repeat(Answer()))

    def prepare(self, request: Request) -> Request:
        return request

    def _begin(self, prepared: Any) -> Answer:
        self.sent.append((self.clock.now_ns(), prepared))
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        return next(self._answers)

    def _end(self, answer: Answer) -> Reply:
        if isinstance(answer.reply, Exception):
            raise answer.reply
        return answer.reply


class FakeAsyncTransport(_Scripted):
    """An `AsyncTransport` on the virtual loop."""

    async def open(self, plan: Plan) -> None:
        pass

    async def send(self, prepared: Any) -> Reply:
        answer = self._begin(prepared)
        try:
            await asyncio.sleep(answer.delay_ns / NS_PER_S)
            return self._end(answer)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        pass


class FakeBlockingTransport(_Scripted):
    """A `BlockingTransport` for one thread: waiting turns the clock."""

    during: Callable[[], None] = staticmethod(lambda: None)
    """Called while a request is in flight, in the middle of its wait."""

    def open(self, plan: Plan) -> None:
        pass

    def send(self, prepared: Any) -> Reply:
        answer = self._begin(prepared)
        try:
            self.clock.turn(answer.delay_ns // 2)
            self.during()
            self.clock.turn(answer.delay_ns - answer.delay_ns // 2)
            return self._end(answer)
        finally:
            self.in_flight -= 1

    def close(self) -> None:
        pass


class FakeEvent(threading.Event):
    """An event whose waiting turns the clock; one thread."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "nobody else would set it"
        if not self.is_set():
            self._clock.turn(round(timeout * NS_PER_S))
        return self.is_set()


def plan(**changed: Any) -> Plan:
    """Return a small closed plan with these fields changed."""
    values: dict[str, Any] = {
        "scenario": "task",
        "transport": "fake",
        "workload": Workload.CLOSED,
        "target": "http://127.0.0.1:8000/",
        "requests": (Request(url="http://127.0.0.1:8000/"),),
        "stages": (Stage(concurrency=1),),
        "duration_ns": NS_PER_S,
    }
    return Plan(**values | changed)


def shard_of(clock: FakeClock, whole: Plan, *, shard: int = 0, shards: int = 1) -> Shard:
    """Return a shard of the plan's first stage whose barrier falls now."""
    made = Shard(whole, Share(whole.stages[0], shard, shards), clock)
    made.halted = FakeEvent(clock)
    made.start_at(clock.now_ns())
    return made


_registered: list[Any] = []


def newest() -> Any:
    """What the registry makes of the transport's name `fake`."""
    return _registered[-1]


def run_shard(
    clock: FakeClock,
    whole: Plan,
    transport: FakeAsyncTransport,
    *,
    share: Share | None = None,
    meanwhile: Callable[[Shard], Awaitable[None]] | None = None,
) -> Shard:
    """Carry a shard by the plan's scenario on virtual time and return it; `meanwhile` runs beside it."""
    shard = Shard(whole, share or Share(whole.stages[0]), clock)
    shard.halted = FakeEvent(clock)
    shard.timer = timer = FakeTimer(clock)

    async def barrier() -> None:
        shard.start_at(clock.now_ns())

    async def both() -> None:
        carrying = asyncio.ensure_future(scenario(whole.scenario).run(shard, barrier))
        beside = asyncio.ensure_future(meanwhile(shard)) if meanwhile else None
        try:
            await carrying
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.wait([beside])
        if beside is not None and not beside.cancelled():
            beside.result()

    _registered.append(transport)
    run(clock, both())
    assert timer.closed or whole.workload is not Workload.OPEN
    return shard
