"""The metrics port: everything the target knows of itself, from a server that the load can't starve.

`/metrics` has figures, `/server` how the server is set, as JSON.

Under gunicorn it runs in a thread of the master process, which serves no request of the load. `/healthz` here
is for health checks: it is not counted as a request, and answers while every thread of the target is taken.

It serves so many connections at once and ends each after a time: a client that opens many, or is silent on
them, takes no more of the target's process than that.
"""

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector


class WorkerMetrics(Collector):
    """The metrics that the workers keep in files, dead workers' counters included."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """Merge the files. One that a worker is just making is empty, and can't be read yet."""
        files = [str(path) for path in self._directory.glob("*.db") if _is_written(path)]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return metrics


def _is_written(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # a dead worker's gauges, removed meanwhile
        return False


MOST_CONNECTIONS = 16
WITHIN_S = 5.0
"""How long a connection may take from its first byte to its last."""


class MetricsServer:
    """Serves `/metrics` and `/healthz` on a bound socket, from `start` until the process ends."""

    def __init__(
        self,
        bound: socket.socket,
        collectors: list[Collector],
        *,
        is_ready: Callable[[], bool],
        server: Mapping[str, object] | None = None,
    ) -> None:
        registry = CollectorRegistry()
        for collector in collectors:
            registry.register(collector)
        metrics: WSGIApplication = make_wsgi_app(registry)

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            match environ["PATH_INFO"]:
                case "/metrics":
                    return metrics(environ, start_response)
                case "/healthz":
                    status, text = (
                        ("200 OK", b"ok\n") if is_ready() else ("503 Service Unavailable", b"starting\n")
                    )
                case "/server" if server is not None:
                    start_response("200 OK", [("Content-Type", "application/json")])
                    return [json.dumps(server).encode() + b"\n"]
                case _:
                    status, text = "404 Not Found", b"Here are /metrics and /healthz.\n"
            start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
            return [text]

        bound.listen()
        self._server = _Server(bound)
        self._server.set_app(application)

    def start(self) -> None:
        """Serve from a thread of this process."""
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        """Let go of the port in this process: a worker that outlives its master must not hold it."""
        self._server.socket.close()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: a scrape each second is not news."""


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection, so many of them at most, and each for so long."""

    daemon_threads = True

    def __init__(self, bound: socket.socket) -> None:
        self._began_s: dict[socket.socket, float] = {}
        """When each connection began that is served now."""
        super().__init__(bound.getsockname(), _QuietHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        # What binding would have filled in.
        self.server_name, self.server_port = bound.getsockname()[:2]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        """Begin to serve a connection, or close it where too many are served."""
        if len(self._began_s) >= MOST_CONNECTIONS:
            self.shutdown_request(request)
            return
        self._began_s[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as above
        """Forget a connection before its descriptor may be another's."""
        self._began_s.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections that have taken too long; called about twice a second."""
        oldest_s = time.monotonic() - WITHIN_S
        for connection, began_s in list(self._began_s.items()):
            if began_s < oldest_s:
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above
        """Say nothing of a connection that broke: it would be a traceback for each in the target's log."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
