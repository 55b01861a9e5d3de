"""gunicorn's thread worker, with a meter at each place where a request waits or works.

A connection is put into the queue of the thread pool (`enqueue_req`), taken by a thread (`handle`), and
carries at most one request each time (`handle_request`); a thread also turns to a connection that is only
being closed, which is no request and is not counted as one. The time that a request occupies its thread
begins when its first bytes are there: a thread that waits for a silent client is busy, but with no request.
"""

import time
from typing import Protocol

from gunicorn.workers import gthread  # type: ignore[import-untyped]  # gunicorn has no type information

from loadlab_target.measured_app import MeasuredApp, WsgiApp
from loadlab_target.meters import Meters


class Connection(Protocol):
    """What is used of gunicorn's connection, and what is noted on it; times are of the monotonic clock."""

    initialized: bool
    data_ready: bool
    enqueued_ns: int
    queue_ns: int
    carried_request: bool

    def wait_for_data(self, timeout: float) -> bool:
        """Wait for the first bytes, at most this many seconds; say whether they came."""


class MeasuredWorker(gthread.ThreadWorker):  # type: ignore[misc]  # the base is untyped
    """A ThreadWorker that measures whatever WSGI app it is given. Its app is a GunicornTarget."""

    wsgi: WsgiApp

    def init_process(self) -> None:
        """Begin in the new process; the meters belong to it and not to the master."""
        self.meters = Meters(worker=self.age)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the app and measure it from here on."""
        super().load_wsgi()
        self.measured = MeasuredApp(self.wsgi, server_timing=self.app.settings.server_timing)
        self.wsgi = self.measured

    def enqueue_req(self, conn: Connection) -> None:
        """Put a connection into the queue of the thread pool (main thread)."""
        self.meters.enqueued()
        conn.enqueued_ns = time.monotonic_ns()
        super().enqueue_req(conn)

    def handle(self, conn: Connection) -> object:
        """Serve a connection once (pool thread)."""
        started_ns = time.monotonic_ns()
        self.meters.thread_taken(from_queue=True)
        conn.queue_ns = started_ns - conn.enqueued_ns
        conn.carried_request = False
        try:
            if not conn.initialized and not conn.data_ready:
                # The base class would wait in the same way; here it is timed. It then finds the data ready.
                ready = conn.wait_for_data(gthread.DEFAULT_WORKER_DATA_TIMEOUT)
                waited_from_ns, started_ns = started_ns, time.monotonic_ns()
                self.meters.first_byte_wait(started_ns - waited_from_ns)
                if not ready:
                    return gthread._DEFER  # noqa: SLF001 - how the base class says "back to the poller"
            return super().handle(conn)
        finally:
            if conn.carried_request:
                self.meters.occupied(queue_ns=conn.queue_ns, thread_ns=time.monotonic_ns() - started_ns)
            self.meters.thread_released()

    def handle_request(self, req: object, conn: Connection) -> object:
        """Answer one request (pool thread) and count it once, however it ends."""
        conn.carried_request = True
        call = self.measured.expect(conn.queue_ns)
        started_ns = time.monotonic_ns()
        try:
            return super().handle_request(req, conn)
        except (OSError, StopIteration):
            # OSError: the connection broke, or the app raised one; gunicorn does not answer either.
            # StopIteration: the app failed after its headers were sent. The status is what the app had said.
            raise
        except BaseException:
            call.status = 500  # what gunicorn now answers
            raise
        finally:
            handler_ns = time.monotonic_ns() - (call.started_ns or started_ns)
            self.meters.request(status=call.status, handler_ns=handler_ns)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Run one round of the main loop, after which the connections may have changed."""
        super().wait_for_and_dispatch_events(timeout)
        self.meters.connections(open_now=self.nr_conns, kept_alive=len(self.keepalived_conns))
