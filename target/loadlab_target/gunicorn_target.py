"""The target under gunicorn: one master with the metrics port, and measured workers.

The settings are given in code and not in a configuration file, so that they come from one place, are checked
before anything starts, and the hooks can hold what they need.
"""

import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

# gunicorn has no type information
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]
from prometheus_client.multiprocess import mark_process_dead

from loadlab_target.addresses import url_of
from loadlab_target.exposition import MetricsServer, WorkerMetrics
from loadlab_target.lifecycle import READY_CHECK_S, BootBoard, StartError, announce, stop_with_stdin
from loadlab_target.listener import AcceptQueue, accept_queue
from loadlab_target.settings import Settings
from loadlab_target.vitals import Vitals
from loadlab_target.worker import MeasuredWorker

GRACEFUL_STOP_S = 5


class Listener(Protocol):
    """gunicorn's wrapper of a listening socket."""

    sock: socket.socket


class Master(Protocol):
    """What is used of gunicorn's Arbiter."""

    WORKERS: dict[int, object]
    LISTENERS: list[Listener]

    def run(self) -> None:
        """Serve until a signal; ends by SystemExit."""


class Child(Protocol):
    """What is used of a gunicorn worker, seen from the master; its age is its number in order of birth."""

    pid: int
    age: int


class GunicornTarget(BaseApplication):  # type: ignore[misc]  # the base is untyped
    """A gunicorn server that is this process; `serve` returns when it was stopped."""

    def __init__(
        self, settings: Settings, *, listener: socket.socket, metrics_listener: socket.socket, directory: Path
    ) -> None:
        self.settings = settings
        self._url = url_of(listener)
        self._metrics_url = f"{url_of(metrics_listener)}/metrics"
        self._listener_fd = listener.detach()
        self._directory = directory
        self._boot = BootBoard(directory / "boot")
        self._ready = False
        self._broken: str | None = None
        self._workers_ended = 0
        """Those that had booted and were not stopped with the server."""
        vitals = Vitals(
            settings,
            accept_queue=self._accept_queue,
            worker_pids=self._worker_pids,
            workers_ended=lambda: self._workers_ended,
        )
        self._metrics = MetricsServer(
            metrics_listener,
            [WorkerMetrics(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])), vitals],
            is_ready=lambda: self._ready,
        )
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn its settings."""
        hooks: dict[str, Callable[..., None]] = {
            "when_ready": self._when_ready,
            "post_fork": self._post_fork,
            "post_worker_init": self._post_worker_init,
            "child_exit": self._child_exit,
        }
        settings = {
            "bind": f"fd://{self._listener_fd}",
            "worker_class": f"{MeasuredWorker.__module__}.{MeasuredWorker.__name__}",  # 22 takes no class
            "workers": self.settings.workers,
            "threads": self.settings.threads,
            "keepalive": self.settings.keep_alive_s,
            # gunicorn keeps connections alive only in what this leaves over from the threads.
            "worker_connections": max(1000, 2 * self.settings.threads),
            "graceful_timeout": GRACEFUL_STOP_S,
            "worker_tmp_dir": str(self._directory),
            "proc_name": "loadlab-target",
        }
        if "control_socket_disable" in self.cfg.settings:  # gunicorn 25.1 and later have such a socket
            settings["control_socket_disable"] = True  # its place, the home directory, may not be writable
        for name, value in (settings | hooks).items():
            self.cfg.set(name, value)

    def load(self) -> object:
        """Import the app (in a worker), and leave word on the board if that fails."""
        try:
            return util.import_app(self.settings.app)
        except BaseException as error:  # an app that calls sys.exit() has failed as well
            self._boot.failed(error)
            raise

    def serve(self) -> None:
        """Run until stopped; raise StartError if a worker can't boot."""
        master = os.getpid()
        # gunicorn looks at the listener through a duplicate that it leaves open.
        warnings.filterwarnings("ignore", category=ResourceWarning, module=r"gunicorn\.")
        try:
            self._arbiter: Master = Arbiter(self)
            self._arbiter.run()
        except SystemExit as end:
            if os.getpid() == master and end.code:
                raise StartError(self._broken or self._boot_failure()) from None
            if os.getpid() == master and self._broken:
                raise StartError(self._broken) from None
            raise

    def _boot_failure(self) -> str:
        reason = self._boot.reason() or "a worker died while it booted; its last words are in the log above"
        return f"The app {self.settings.app!r} did not start: {reason}."

    def _worker_pids(self) -> Iterable[int]:
        return list(self._arbiter.WORKERS)

    def _accept_queue(self) -> AcceptQueue | None:
        listeners = self._arbiter.LISTENERS
        return accept_queue(listeners[0].sock) if listeners else None

    def _when_ready(self, server: Master) -> None:
        self._metrics.start()
        threading.Thread(target=self._say_when_ready, args=(server,), name="announce", daemon=True).start()
        if self.settings.stop_with_stdin:
            stop_with_stdin()

    def _say_when_ready(self, server: Master) -> None:
        while True:
            pids = list(server.WORKERS)
            if len(pids) >= self.settings.workers and all(map(self._boot.has_booted, pids)):
                break
            time.sleep(READY_CHECK_S)
        if self.settings.announce is not None:
            try:
                announce(self.settings.announce, url=self._url, metrics_url=self._metrics_url)
            except OSError as error:
                self._broken = f"Can't write {self.settings.announce} (--announce): {error.strerror}."
                os.kill(os.getpid(), signal.SIGTERM)
                return
        self._ready = True

    def _post_fork(self, server: Master, worker: Child) -> None:
        del server
        self._metrics.close()
        # Workers draw their random delays from streams of their own; by age, so that they repeat.
        os.environ["TARGET_STREAM"] = str(worker.age)

    def _post_worker_init(self, worker: Child) -> None:
        del worker
        self._boot.booted()

    def _child_exit(self, server: Master, worker: Child) -> None:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        booted = self._boot.has_booted(worker.pid)
        self._boot.forget(worker.pid)
        stopping = not server.LISTENERS
        self._workers_ended += booted and not stopping
        if not booted and not stopping:
            # gunicorn would start another, and another: it only gives up on the exit codes it knows.
            raise HaltServer("A worker died while it booted.", 1)
