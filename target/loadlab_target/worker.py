"""gunicorn's thread worker and its sync worker, with a meter at each place where a request waits or works.

In the thread worker a connection is put into the queue of the thread pool (`enqueue_req`), taken by a thread
(`handle`), and carries at most one request each time (`handle_request`). A thread also turns to a connection
that is only being closed: that is not counted as a request. The time that a request occupies its thread
begins when its first bytes are there: a thread that waits for a silent client is busy, but with no request.

The sync worker has one thread and no queue: what waits for it waits in the kernel. Each response ends its
connection.

gunicorn 22 and later are served; what differs between them is in `_first_bytes` and `notify`.
"""

import select
import socket
import time
from collections.abc import Callable, Sized
from typing import Protocol, cast

from gunicorn.workers import gthread, sync  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

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


class _Measured(Worker):  # type: ignore[misc]  # the base is untyped
    """What both have in common. The app of a worker is a GunicornTarget."""

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

    def count(self, queue_ns: int, answer: Callable[[], object]) -> object:
        """Answer one request and count it once, however it ends."""
        call = self.measured.expect(queue_ns)
        started_ns = time.monotonic_ns()
        try:
            return answer()
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


class MeasuredSyncWorker(_Measured, sync.SyncWorker):  # type: ignore[misc]  # the base is untyped
    """A SyncWorker that measures whatever WSGI app it is given."""

    def handle(self, listener: object, client: socket.socket, addr: object) -> None:
        """Serve a connection, which has one request at most."""
        accepted_ns = time.monotonic_ns()
        self._carried_request = False
        self.meters.connections(open_now=1, kept_alive=0)
        self.meters.thread_taken(from_queue=False)
        try:
            _wait_for_bytes(client)
            started_ns = time.monotonic_ns()
            self.meters.first_byte_wait(started_ns - accepted_ns)
            super().handle(listener, client, addr)
        finally:
            if self._carried_request:
                self.meters.occupied(queue_ns=None, thread_ns=time.monotonic_ns() - started_ns)
            self.meters.thread_released()
            self.meters.connections(open_now=0, kept_alive=0)

    def handle_request(self, listener: object, req: object, client: object, addr: object) -> None:
        """Answer its request."""
        self._carried_request = True
        answer = super().handle_request
        self.count(0, lambda: answer(listener, req, client, addr))


class MeasuredWorker(_Measured, gthread.ThreadWorker):  # type: ignore[misc]  # the base is untyped
    """A ThreadWorker that measures whatever WSGI app it is given."""

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
        """Answer one request (pool thread)."""
        conn.carried_request = True
        answer = super().handle_request
        return self.count(conn.queue_ns, lambda: answer(req, conn))

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
    _wait_for_bytes(conn.sock)
    return True


def _wait_for_bytes(connected: socket.socket) -> None:
    readable = select.poll()
    readable.register(connected, select.POLLIN)
    readable.poll()
