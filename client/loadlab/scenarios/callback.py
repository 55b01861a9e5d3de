"""N chains of futures: a reply's callback sends the next request, and no coroutine resumes in between."""

from typing import Any

from loadlab.load.callback_users import callback_user
from loadlab.load.loop import opened, settle
from loadlab.load.open_schedule import InFlightLimit, act_in_turns, open_load
from loadlab.load.shard import Shard
from loadlab.recording.sample import Outcome, Reply
from loadlab.recording.tape import packed_row
from loadlab.scenarios import Barrier
from loadlab.transports import AIOHTTP, NULL, WIRE, Begin, PendingRequest, as_callback
from loadlab.workload.traits import Traits, Workload

TRAITS = Traits(
    name="callback",
    idea="N chains of futures: add_done_callback sends the next request",
    transports=(AIOHTTP, WIRE, NULL),
    workloads=(Workload.CLOSED, Workload.OPEN, Workload.BATCH),
)


async def run(shard: Shard, barrier: Barrier) -> None:
    """Start every chain once; from then on only callbacks run. An open workload starts each request."""
    async with opened(shard) as (prepared, transport):
        if shard.plan.workload.traits.has_schedule:
            await open_load(shard, shard.requests(prepared), Calls(shard, as_callback(transport)), barrier)
            return
        by_user = shard.requests_by_user(prepared, apart=True)
        await barrier()
        users = [
            callback_user(shard, requests, transport, shard.pace(index))
            for index, requests in enumerate(by_user)
        ]
        for each in users:
            each.start()
        try:
            await settle(shard, [each.done for each in users])
        finally:
            for each in users:
                await each.cut()


class Calls:
    """Requests of an open workload, each a call to come back to."""

    def __init__(self, shard: Shard, begin: Begin) -> None:
        self._shard = shard
        self._begin = begin
        self._calls: set[_Call] = set()

    def __len__(self) -> int:
        """Return how many are in flight."""
        return len(self._calls)

    def send(self, limit: InFlightLimit, due_ns: int, flag: int, prepared: Any) -> None:  # noqa: ANN401 - as in InFlight
        """Begin one request."""
        call = _Call(self._shard, self._calls, limit, due_ns, flag)
        self._calls.add(call)
        self._shard.sent += 1
        call.flight = self._begin(prepared, call.replied, call.sent_ns)

    async def cut(self) -> None:
        """Abandon those in flight."""
        await act_in_turns(list(self._calls), self._cut)

    def _cut(self, call: "_Call") -> None:
        if call in self._calls:  # its reply may have come in a turn between
            call.cut()


class _Call:
    """One request on its way."""

    __slots__ = ("_calls", "_due_ns", "_flag", "_limit", "_shard", "flight", "sent_ns")

    def __init__(
        self, shard: Shard, calls: "set[_Call]", limit: InFlightLimit, due_ns: int, flag: int
    ) -> None:
        self._shard = shard
        self._calls = calls
        self._limit = limit
        self._due_ns = due_ns
        self._flag = flag
        self.sent_ns = shard.now_ns()
        self.flight: PendingRequest | None = None

    def replied(self, reply: Reply) -> None:
        """Note the reply and give the place back."""
        self._note(reply)
        self._limit.release()

    def cut(self) -> None:
        """Count as unfinished, unless the reply is here."""
        if self.flight is not None and self.flight.abandon(self.replied):
            self._note(_NO_REPLY)

    def _note(self, reply: Reply) -> None:
        now_ns, flagged = self._shard.now_ns(), reply.outcome | self._flag
        self._shard.tape.note(
            packed_row(
                self._due_ns, self.sent_ns, now_ns, flagged, reply.status, reply.body_bytes, reply.inside_ns
            )
        )
        self._calls.discard(self)


_NO_REPLY = Reply(Outcome.UNFINISHED)
