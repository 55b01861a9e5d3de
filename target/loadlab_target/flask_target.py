"""The target under Flask's own development server: a thread for each connection, and so without a limit.

The same measures as under gunicorn, as far as they mean something: there is no queue in front of threads
without limit. That server closes each connection after its response, and holds its thread 10 ms longer to see
whether the client still sends: that is in the thread time, not in the handler time.
"""

import os
import signal
import socket
import threading
import time
import traceback
from pathlib import Path

from gunicorn import util  # type: ignore[import-untyped]  # gunicorn has no type information
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from loadlab_target.addresses import url_of
from loadlab_target.exposition import MetricsServer, WorkerMetrics
from loadlab_target.lifecycle import StartError, announce, in_one_line, stop_with_stdin
from loadlab_target.listener import accept_queue
from loadlab_target.measured_app import MeasuredApp, WsgiApp
from loadlab_target.meters import Meters
from loadlab_target.settings import DEFAULT_APP, Settings
from loadlab_target.vitals import Size, Vitals, WorkersGone

GRACEFUL_STOP_S = 5.0
Connection = socket.socket | tuple[bytes, socket.socket]  # as socketserver has it


class MeasuredHandler(WSGIRequestHandler):
    """Serves one connection, in a thread of its own, and measures its request."""

    server: "MeasuredServer"

    def parse_request(self) -> bool:
        """Read the head of a request whose first line is there: now the thread is occupied by it."""
        self._began_ns = time.monotonic_ns()
        return super().parse_request()

    def run_wsgi(self) -> None:
        """Answer the request and count it once, however it ends."""
        meters = self.server.meters
        meters.thread_taken(from_queue=False)
        call = self.server.measured.expect(queue_ns=0)
        self._status: int | None = None
        called_ns = time.monotonic_ns()
        try:
            super().run_wsgi()
        finally:
            now_ns = time.monotonic_ns()
            handler_ns = (call.finished_ns or now_ns) - (call.started_ns or called_ns)
            meters.request(status=self._status, handler_ns=handler_ns)
            meters.occupied(queue_ns=None, thread_ns=now_ns - self._began_ns)
            meters.thread_released()

    def send_response(self, code: int, message: str | None = None) -> None:
        """Note the status that really goes out, which is the server's own if the app failed."""
        self._status = code
        super().send_response(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a line for each request would be a load of its own."""


class MeasuredServer(ThreadedWSGIServer):
    """Flask's development server on a socket that is bound already."""

    def __init__(self, bound: socket.socket, app: WsgiApp, *, server_timing: bool) -> None:
        self.meters = Meters()
        self.measured = MeasuredApp(app, server_timing=server_timing)
        self._open = 0
        self._open_lock = threading.Lock()
        bound.listen(self.request_queue_size)
        host, port = bound.getsockname()[:2]
        super().__init__(host, port, self.measured, MeasuredHandler, fd=bound.fileno())

    def process_request_thread(self, request: Connection, client_address: object) -> None:
        """Serve a connection in its own thread."""
        self._count_connection(1)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count_connection(-1)

    def _count_connection(self, change: int) -> None:
        with self._open_lock:
            self._open += change
            self.meters.connections(open_now=self._open, kept_alive=0)

    def drain(self, within_s: float) -> None:
        """Wait until no connection is left, but not longer than this."""
        deadline_s = time.monotonic() + within_s
        while self._open and time.monotonic() < deadline_s:
            time.sleep(0.02)


def serve(settings: Settings, *, listener: socket.socket, metrics_listener: socket.socket) -> None:
    """Run until SIGTERM or SIGINT; raise StartError if the app can't be imported."""
    name = settings.app or DEFAULT_APP
    try:
        app = util.import_app(name)
    except BaseException as error:
        traceback.print_exc()  # the evidence, before the sentence
        raise StartError(f"The app {name!r} did not start: {in_one_line(error)}.") from error
    server = MeasuredServer(listener, app, server_timing=settings.server_timing)
    vitals = Vitals(
        Size(app=name, server="flask", workers=1, threads=0),
        accept_queue=lambda: accept_queue(server.socket),
        worker_pids=list,
        gone=WorkersGone(),
    )
    files = WorkerMetrics(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    MetricsServer(metrics_listener, [files, vitals], is_ready=lambda: True).start()

    def stop(*_: object) -> None:
        # From a thread: shutdown() waits for the loop that this signal has interrupted.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if settings.stop_with_stdin:
        stop_with_stdin()
    if settings.announce is not None:
        try:
            announce(
                settings.announce, url=url_of(listener), metrics_url=f"{url_of(metrics_listener)}/metrics"
            )
        except OSError as error:
            raise StartError(f"Can't write {settings.announce} (--announce): {error.strerror}.") from None
    server.serve_forever(poll_interval=0.05)
    server.drain(within_s=GRACEFUL_STOP_S)
