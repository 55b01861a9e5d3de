"""A worker's clock compared with its parent's, and messages with their moments on the other clock. Pure."""

import msgspec
from msgspec.structs import replace

from loadlab.fleet.messages import Ended, FromParent, FromWorker, Go, Heartbeat, Report


class WorkerClock(msgspec.Struct, frozen=True):
    """How far a worker's monotonic clock is from its parent's."""

    offset_ns: int = 0
    """The worker's moment less the parent's, at the same time."""
    uncertainty_ns: int = 0
    """How far the offset may be from the truth, either way."""

    def to_worker(self, message: FromParent) -> FromParent:
        """Return a message of the parent's with its moments on the worker's clock."""
        if isinstance(message, Go):
            return replace(message, begin_ns=message.begin_ns + self.offset_ns)
        return message

    def to_parent(self, message: FromWorker) -> FromWorker:
        """Return a worker's message with its moments on the parent's clock."""
        if not self.offset_ns:
            return message
        match message:
            case Heartbeat(at_ns=at_ns):
                return replace(message, at_ns=at_ns - self.offset_ns)
            case Report(counted, upto_ns):
                return Report(counted.shifted(-self.offset_ns), upto_ns - self.offset_ns)
            case Ended(halted_ns=int(halted_ns)):
                return replace(message, halted_ns=halted_ns - self.offset_ns)
            case _:
                return message


SAME_CLOCK = WorkerClock()
"""Processes of one machine share CLOCK_MONOTONIC."""


def estimate(round_trips: list[tuple[int, int, int]]) -> WorkerClock:
    """Return a worker's clock from round trips: each when the parent asked, what was read, when it was told.

    The shortest counts: the worker read its clock between the parent's two moments, so half its length is
    the uncertainty (Cristian, *Probabilistic clock synchronization*, Distributed Computing 3, 1989).
    """
    asked_ns, read_ns, told_ns = min(round_trips, key=lambda trip: trip[2] - trip[0])
    return WorkerClock(read_ns - (asked_ns + told_ns) // 2, (told_ns - asked_ns + 1) // 2)
