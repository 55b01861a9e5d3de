"""What one serving process measures, in metrics that outlive it.

prometheus_client keeps these values in memory-mapped files, one set per process, which the master reads.
Every write takes that library's one lock, so the rules are: few writes for a request, all label children made
at the start (which also puts every series at 0 before its first increase), and nothing else under a lock than
a sum and its write.
"""

import threading

from prometheus_client import Counter, Gauge, Histogram

BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip
# `none`: there was no status, because the app failed in a way that the server doesn't answer.
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")
_NS_PER_S = 1e9


def status_class(status: int | None) -> str:
    """Name the class of an HTTP status, with `none` for an answer that never got one."""
    return f"{status // 100}xx" if status is not None and 100 <= status <= 599 else "none"


class AppMeters:
    """What a process can tell that sees no more than the calls of its app. Times are in nanoseconds."""

    def __init__(self) -> None:
        requests = Counter(
            "target_requests",
            "Requests that were finished, by class of status.",
            ["status_class"],
            registry=None,
        )
        self._requests = {name: requests.labels(name) for name in STATUS_CLASSES}
        self._handler = _histogram(
            "target_handler_seconds", "From the call of the app until its whole response was sent."
        )

    def request(self, *, status: int | None, handler_ns: int) -> None:
        """Count a finished request, once."""
        self._requests[status_class(status)].inc()
        self._handler.observe(handler_ns / _NS_PER_S)


class Meters(AppMeters):
    """The metrics of one worker; safe to use from all its threads. Times are given in nanoseconds.

    What is busy and what waits now is measured for each worker, by its number in order of birth. Each has a
    queue of its own, and one may be full while another idles. The series of a dead worker go. All else is a
    sum.
    """

    def __init__(self, worker: int = 1) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._waiting = 0
        self._busy = 0
        self._peak = 0
        self._connections = (-1, -1)
        self._busy_threads = _gauge_of_worker(
            worker, "target_busy_threads", "Threads that are held by a connection now."
        )
        self._busy_peak = Gauge(
            "target_busy_threads_peak",
            "The most threads that were busy at once in one worker since it started.",
            registry=None,
            multiprocess_mode="livemax",
        )
        self._thread_queue = _gauge_of_worker(
            worker, "target_thread_queue", "Requests that wait in the workers' own queues for a thread now."
        )
        connections = Gauge(
            "target_connections",
            "Connections that the workers hold: all open ones, and of these the idle ones kept alive.",
            ["state"],
            registry=None,
            multiprocess_mode="livesum",
        )
        self._open = connections.labels("open")
        self._kept_alive = connections.labels("kept_alive")
        self._thread = _histogram(
            "target_thread_seconds",
            "Time that a request occupied its thread: from its first bytes until the thread was free again.",
        )
        self._queue = _histogram(
            "target_queue_seconds", "Time that a request waited in the worker's queue for a thread."
        )
        self._first_byte_wait = _histogram(
            "target_first_byte_wait_seconds",
            "Time that a thread waited for the first bytes of a new connection; not part of the thread time.",
        )

    def enqueued(self) -> None:
        """Note that a connection was put into the thread queue."""
        with self._lock:
            self._waiting += 1
            self._thread_queue.set(self._waiting)

    def thread_taken(self, *, from_queue: bool) -> None:
        """Note that a thread has turned to a connection, and whether that had waited in the thread queue."""
        with self._lock:
            if from_queue:
                self._waiting -= 1
                self._thread_queue.set(self._waiting)
            self._busy += 1
            self._busy_threads.set(self._busy)
            if self._busy > self._peak:
                self._peak = self._busy
                self._busy_peak.set(self._peak)

    def thread_released(self) -> None:
        """Note that a thread is free again."""
        with self._lock:
            self._busy -= 1
            self._busy_threads.set(self._busy)

    def connections(self, *, open_now: int, kept_alive: int) -> None:
        """Publish how many connections there are; costs next to nothing when nothing has changed."""
        if self._connections != (open_now, kept_alive):
            self._connections = (open_now, kept_alive)
            self._open.set(open_now)
            self._kept_alive.set(kept_alive)

    def first_byte_wait(self, wait_ns: int) -> None:
        """Record how long a thread waited for a new connection's first bytes."""
        self._first_byte_wait.observe(wait_ns / _NS_PER_S)

    def occupied(self, *, queue_ns: int | None, thread_ns: int) -> None:
        """Record what a finished request took of the pool: its wait for a thread, and its time on it."""
        if queue_ns is not None:
            self._queue.observe(queue_ns / _NS_PER_S)
        self._thread.observe(thread_ns / _NS_PER_S)


# `registry=None` keeps these out of the default registry, which belongs to the app under test.


def _gauge_of_worker(worker: int, name: str, text: str) -> Gauge:
    gauge = Gauge(name, text, ["worker"], registry=None, multiprocess_mode="livesum")
    return gauge.labels(str(worker))


def _histogram(name: str, text: str) -> Histogram:
    return Histogram(name, text, buckets=BUCKETS_S, registry=None)
