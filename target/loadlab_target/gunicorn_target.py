"""The target under gunicorn: one master with the metrics port, and measured workers.

The lab's own settings are given in code, so that they are checked before anything starts and the hooks can
hold what they need. A config file of the user's is read first; its hooks are called as well as the lab's.
"""

import os
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

# gunicorn has no type information
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.app.base import Application  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]
from prometheus_client.multiprocess import mark_process_dead

from loadlab_target.addresses import url_of
from loadlab_target.exposition import MetricsServer, WorkerMetrics
from loadlab_target.gunicorn_config import (
    ConfigFile,
    measured_class,
    read_config,
    threads_of,
    told,
    worker_class,
)
from loadlab_target.lifecycle import READY_CHECK_S, BootBoard, StartError, announce, stop_with_stdin
from loadlab_target.listener import AcceptQueue, accept_queue
from loadlab_target.measured_app import WsgiApp
from loadlab_target.meters import AppMeters
from loadlab_target.middleware import Middleware
from loadlab_target.settings import DEFAULT_APP, Settings
from loadlab_target.vitals import Size, Vitals, WorkersGone

GRACEFUL_STOP_S = 5
WORKERS, THREADS, KEEP_ALIVE_S = 1, 64, 2
"""Without a config, where no option says otherwise."""
_HOOKS = ("when_ready", "post_fork", "post_worker_init", "worker_exit", "child_exit")


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
    nr: int
    max_requests: int


class GunicornTarget(Application):  # type: ignore[misc]  # the base is untyped
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
        self._gone = WorkersGone()
        super().__init__()
        vitals = Vitals(
            Size(
                app=self._app_name,
                server="gunicorn",
                workers=self.cfg.workers,
                threads=threads_of(self.cfg, self._served_by),
            ),
            accept_queue=self._accept_queue,
            worker_pids=self._worker_pids,
            gone=self._gone,
        )
        self._metrics = MetricsServer(
            metrics_listener,
            [WorkerMetrics(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])), vitals],
            is_ready=lambda: self._ready,
            server=told(self.cfg, self._config, self._served_by, app=self._app_name),
        )

    def do_load_config(self) -> None:
        """Load the settings; what is wrong with them is raised, where the base class would exit."""
        self.load_default_config()
        self.load_config()
        if hasattr(self.cfg, "validate"):  # gunicorn 25.1 and later
            self.cfg.validate()

    def load_config(self) -> None:
        """Tell gunicorn its settings: the config's, then what options say, then what the lab has to set."""
        asked = self.settings
        given = {"workers": asked.workers, "threads": asked.threads, "keepalive": asked.keep_alive_s}
        self._config: ConfigFile | None = None
        if asked.gunicorn_config is None:
            threads = asked.threads or THREADS
            defaults = {
                "worker_class": "gthread",
                "workers": WORKERS,
                "threads": threads,
                "keepalive": KEEP_ALIVE_S,
                # gunicorn keeps connections alive only in what this leaves over from the threads.
                "worker_connections": max(1000, 2 * threads),
                "graceful_timeout": GRACEFUL_STOP_S,
            }
            config = ConfigFile("", "", {})
            for name, value in defaults.items():
                self.cfg.set(name, value)
        else:
            config = self._config = read_config(self.cfg, asked.gunicorn_config)
        for name, number in given.items():
            if number is not None:
                config.replaced(self.cfg, name, number, by_option=True)
        if asked.app is not None:
            config.replaced(self.cfg, "wsgi_app", asked.app, by_option=True)
        self._app_name: str = self.cfg.wsgi_app or DEFAULT_APP
        self._served_by = worker_class(self.cfg, config)
        self._set_what_the_lab_needs(config)
        self._find_imports()
        self._theirs: dict[str, Callable[..., None]] = {name: getattr(self.cfg, name) for name in _HOOKS}
        for name in _HOOKS:
            self.cfg.set(name, getattr(self, f"_{name}"))

    def _set_what_the_lab_needs(self, config: ConfigFile) -> None:
        cfg = self.cfg
        config.replaced(cfg, "bind", [f"fd://{self._listener_fd}"])
        # One socket, whose queue is measured, and a process that its starter can end.
        config.replaced(cfg, "reuse_port", value=False)
        config.replaced(cfg, "daemon", value=False)
        config.replaced(cfg, "user", os.geteuid())
        config.replaced(cfg, "group", os.getegid())
        if "control_socket_disable" in cfg.settings:  # gunicorn 25.1 and later have such a socket
            config.replaced(cfg, "control_socket_disable", value=True)  # its place may not be writable
        for name, value in (("worker_tmp_dir", str(self._directory)), ("proc_name", "loadlab-target")):
            if name not in config.settings:
                cfg.set(name, value)
        if (measured := measured_class(self._served_by)) is not None:
            cfg.set("worker_class", f"{measured.__module__}.{measured.__name__}")  # 22 takes no class
            if config.settings:
                config.set_by_lab.append("worker_class")

    def _find_imports(self) -> None:
        """Go where the config says, and look modules up where it says, as gunicorn's own command does."""
        self.chdir()
        for path in (self.cfg.pythonpath or "").split(","):
            if path and (folder := os.path.abspath(path)) not in sys.path:  # noqa: PTH100 - as gunicorn has it
                sys.path.insert(0, folder)

    def load(self) -> object:
        """Import the app, in a worker or before, and leave word on the board if that fails."""
        try:
            app: WsgiApp = util.import_app(self._app_name)
        except BaseException as error:  # an app that calls sys.exit() has failed as well
            self._boot.failed(error)
            raise
        if measured_class(self._served_by) is not None:
            return app  # its worker measures it
        return Middleware(app, meters=lambda: self._app_meters, server_timing=self.settings.server_timing)

    def serve(self) -> None:
        """Run until stopped; raise StartError if a worker can't boot."""
        master = os.getpid()
        # gunicorn looks at the listener through a duplicate that it leaves open.
        warnings.filterwarnings("ignore", category=ResourceWarning, module=r"gunicorn\.")
        try:
            self._arbiter: Master = Arbiter(self)
        except BaseException as error:  # noqa: BLE001 - of an app that is loaded before, or of a hook
            if not isinstance(error, SystemExit):
                traceback.print_exc()
                self._boot.failed(error)
            raise StartError(self._boot_failure()) from None
        try:
            self._arbiter.run()
        except SystemExit as end:
            if os.getpid() == master and end.code:
                raise StartError(self._broken or self._boot_failure()) from None
            if os.getpid() == master and self._broken:
                raise StartError(self._broken) from None
            raise

    def _boot_failure(self) -> str:
        reason = self._boot.reason() or "a worker died while it booted; its last words are in the log above"
        return f"The app {self._app_name!r} did not start: {reason}."

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
        self._theirs["when_ready"](server)

    def _say_when_ready(self, server: Master) -> None:
        while True:
            pids = list(server.WORKERS)
            if len(pids) >= self.cfg.workers and all(map(self._boot.has_booted, pids)):
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
        self._metrics.close()
        # Workers draw their random delays from streams of their own; by age, so that they repeat.
        os.environ["TARGET_STREAM"] = str(worker.age)
        if measured_class(self._served_by) is None:
            self._app_meters = AppMeters()
        self._theirs["post_fork"](server, worker)

    def _post_worker_init(self, worker: Child) -> None:
        self._theirs["post_worker_init"](worker)
        self._boot.booted()

    def _worker_exit(self, server: Master, worker: Child) -> None:
        # The master calls this, too, for a worker that it kills.
        if os.getpid() == worker.pid and worker.nr >= worker.max_requests:
            self._boot.replaced()
        self._theirs["worker_exit"](server, worker)

    def _child_exit(self, server: Master, worker: Child) -> None:
        self._theirs["child_exit"](server, worker)
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        booted, replaced = self._boot.has_booted(worker.pid), self._boot.was_replaced(worker.pid)
        self._boot.forget(worker.pid)
        if not server.LISTENERS:  # it is being stopped
            return
        if not booted:
            # gunicorn would start another, and another: it only gives up on the exit codes it knows.
            raise HaltServer("A worker died while it booted.", 1)
        self._gone.replaced += replaced
        self._gone.ended += not replaced
