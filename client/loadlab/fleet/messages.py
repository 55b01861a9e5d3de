"""What a stage's parent and its workers say to each other, as MessagePack."""

from typing import Any

import msgspec

from loadlab.load.shard import Share
from loadlab.recording.histogram import Histogram, Sparse
from loadlab.recording.recorder import Recorder
from loadlab.transports.connection_stats import ConnectionStats
from loadlab.workload.plan import Plan


class Ready(msgspec.Struct, tag=True):
    """Worker: everything is open; the barrier may fall."""


class Heartbeat(msgspec.Struct, tag=True):
    """Worker, several times a second: alive, and how it goes."""

    at_ns: int
    """When all of this was so."""
    progress: int
    """Grows whenever the loop turned, a request went out or one came back."""
    sent: int
    finished: int
    in_flight: int
    cpu_ns: int
    """CPU time of the process since it started, user and system."""
    spun_ns: int
    """How much of that was spent awake only to be on time."""
    waited_ns: int | None
    """How long its main thread, ready to run, has waited for a core; None where the system does not tell."""
    loop_stall_max_ns: int
    """The latest that the loop's timer came so far."""


class Report(msgspec.Struct, tag=True):
    """Worker, once a second: what was counted since the last one, and up to when."""

    counted: Recorder
    upto_ns: int


class Ended(msgspec.Struct, tag=True):
    """Worker: the shard ran to its end; everything has been sent."""

    stats: ConnectionStats
    sent_aside: int = 0
    """Requests before and after the load, which set its users up and are not measured."""
    backed_off_ns: int = 0
    """Time that its users waited in the window after connections that failed at once."""
    halted_ns: int | None = None
    """When it was halted, if it was: what is due later is not its to send."""


class Failed(msgspec.Struct, tag=True):
    """Worker: the shard raised; what had been counted has been sent."""

    error: str
    """What it did, such as `raised ValueError: no`."""
    traceback: str


class Task(msgspec.Struct, tag=True):
    """Parent, first of all: what is to be done, and which share."""

    plan: Plan
    share: Share


class Go(msgspec.Struct, tag=True):
    """Parent: the barrier falls at this moment of the clock of the process that holds the message."""

    begin_ns: int


class Halt(msgspec.Struct, tag=True):
    """Parent: let no more requests out and drain."""


class Quit(msgspec.Struct, tag=True):
    """Parent: give up what is in flight and end now."""


FromWorker = Ready | Heartbeat | Report | Ended | Failed
FromParent = Task | Go | Halt | Quit


def encode(message: FromWorker | FromParent) -> bytes:
    """Write a message."""
    return msgspec.msgpack.encode(message, enc_hook=Histogram.sparse)


def from_worker(data: bytes) -> FromWorker:
    """Read a worker's message."""
    return _FROM_WORKER.decode(data)


def from_parent(data: bytes) -> FromParent:
    """Read the parent's message."""
    return _FROM_PARENT.decode(data)


def _histogram(_: type, data: Any) -> Histogram:  # noqa: ANN401 - whatever MessagePack held
    return Histogram.of(msgspec.convert(data, Sparse))


_FROM_WORKER: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker, dec_hook=_histogram)
_FROM_PARENT: msgspec.msgpack.Decoder[FromParent] = msgspec.msgpack.Decoder(FromParent)
