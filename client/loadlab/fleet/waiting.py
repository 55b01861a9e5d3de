"""For how long requests in flight have waited while none finished, from the workers' heartbeats. Pure."""

from collections.abc import Iterable

from loadlab.fleet.messages import Heartbeat


class Waiting:
    """One worker's: while none finishes, what was in flight at one heartbeat is in flight at the next."""

    def __init__(self) -> None:
        self._last: Heartbeat | None = None
        self.none_finished_ns = 0
        """The first heartbeat since which none has finished."""
        self.in_flight_ns: int | None = None
        """The first of these with a request in flight; None where there is none."""

    @property
    def upto_ns(self) -> int:
        """When it was last heard; 0 before that."""
        return 0 if self._last is None else self._last.at_ns

    def hear(self, heartbeat: Heartbeat, *, blocks_loop: bool) -> None:
        """Take note of the next heartbeat. A loop that does not turn finishes nothing: that is no wait."""
        last, self._last = self._last, heartbeat
        stuck = last is not None and heartbeat.progress == last.progress and not blocks_loop
        if last is None or stuck or heartbeat.finished != last.finished:
            self.none_finished_ns = heartbeat.at_ns
            self.in_flight_ns = None
        if not heartbeat.in_flight:
            self.in_flight_ns = None
        elif self.in_flight_ns is None:
            self.in_flight_ns = heartbeat.at_ns


def waited_ns(workers: Iterable[Waiting]) -> int:
    """Return for how long a request has been in flight while none of any worker finished; 0 without one."""
    heard = [worker for worker in workers if worker.upto_ns]
    oldest = min((worker.in_flight_ns for worker in heard if worker.in_flight_ns is not None), default=None)
    if oldest is None:
        return 0
    since_ns = max(oldest, *(worker.none_finished_ns for worker in heard))
    return max(0, min(worker.upto_ns for worker in heard) - since_ns)
