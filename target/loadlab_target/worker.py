"""gunicorn's thread worker, with a meter at each place where a request waits or works.

A connection is put into the queue of the thread pool (`enqueue_req`), taken by a thread (`handle`), and
carries at most one request each time (`handle_request`); a thread also turns to a connection that is only
being closed, which is no request and is not counted as one. The time that a request occupies its thread
begins when its first bytes are there: a thread that waits for a silent client is busy, but with no request.

gunicorn 22 and later are served; what differs between them is in `_first_bytes` and `notify`.
"""

import select
import socket
import time
from collections.abc import Sized
from typing import Protocol, cast

from gunicorn.workers import gthread  # type: ignore[import-untyped]  # gunicorn has no type information

from loadlab_target.measured_app import MeasuredApp, WsgiApp
from loadlab_target.meters import Meters


class Connection(Protocol):
    """What is used of gunicorn's connection, and what is noted on it; times are of the monotonic clock."""

    sock: socket.socket
    initialized: bool
    enqueued_ns: int
    queue_ns: int
    carried_request: bool


class PatientConnection(Connection, Protocol):
    """A connection of a gunicorn that gives a silent client back to its poller (25.2 and later)."""

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
            if not conn.initialized and not getattr(conn, "data_ready", False):
                ready = _first_bytes(conn)
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

    def notify(self) -> None:
        """Begin one round of the main loop; the connections may have changed in the one before."""
        super().notify()
        kept: Sized = self._keep if hasattr(self, "_keep") else self.keepalived_conns  # the former before 24
        self.meters.connections(open_now=self.nr_conns, kept_alive=len(kept))


def _first_bytes(conn: Connection) -> bool:
    """Wait for a new connection's first bytes as the base class would; False where it would wait no longer.

    Before gunicorn 24 this is not called: a connection gets a thread only when its bytes are there.
    """
    if hasattr(gthread, "_DEFER"):
        return cast("PatientConnection", conn).wait_for_data(gthread.DEFAULT_WORKER_DATA_TIMEOUT)
    readable = select.poll()
    readable.register(conn.sock, select.POLLIN)
    readable.poll()
    return True
