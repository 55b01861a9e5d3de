"""A gunicorn config of the user's: what gunicorn takes from it, and what the lab has to set all the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gunicorn import __version__, util  # type: ignore[import-untyped]  # gunicorn has no type information
from gunicorn.app.base import Application  # type: ignore[import-untyped]
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]
from gunicorn.workers.sync import SyncWorker  # type: ignore[import-untyped]

from loadlab_target.lifecycle import ConfigError, StartError, in_one_line
from loadlab_target.middleware import UNSEEN
from loadlab_target.worker import MeasuredSyncWorker, MeasuredWorker

_MEASURED: dict[type, type] = {ThreadWorker: MeasuredWorker, SyncWorker: MeasuredSyncWorker}
_ASGI = ("gunicorn.workers.gasgi", "uvicorn", "uvicorn_worker")
"""Modules whose workers serve ASGI apps."""
_OPTIONS = {"workers": "--workers", "threads": "--threads", "keepalive": "--keep-alive", "wsgi_app": "--app"}


@dataclass
class ConfigFile:
    """A config as it stood when it was read."""

    name: str
    sha256: str
    settings: Mapping[str, object]
    """What of gunicorn's own names it sets."""
    set_by_lab: list[str] = field(default_factory=list)
    overridden: dict[str, str] = field(default_factory=dict)
    """Settings that an option won over, each with that option."""

    def replaced(self, cfg: Config, setting: str, value: object, *, by_option: bool = False) -> None:
        """Set something that the file may set, too, and note it where the file said otherwise."""
        before = cfg.settings[setting].get()
        cfg.set(setting, value)
        if setting not in self.settings or cfg.settings[setting].get() == before:
            return
        if by_option:
            self.overridden[setting] = _OPTIONS[setting]
        else:
            self.set_by_lab.append(setting)


def read_config(cfg: Config, file: Path) -> ConfigFile:
    """Have gunicorn take the file's settings; raise StartError where it fails or can't be served so."""
    try:
        text = file.read_bytes()
        found = Application.get_config_from_filename(None, str(file))
    except OSError as error:
        raise ConfigError(f"--gunicorn-config: {file} can't be read: {error.strerror}.") from None
    except SystemExit as end:  # gunicorn's own way, after it has printed the traceback
        cause = end.__context__ or end
        raise StartError(f"--gunicorn-config: {file.name} failed: {in_one_line(cause)}.") from None
    settings = {name: value for name, value in found.items() if name in cfg.settings}
    for name, value in settings.items():
        try:
            cfg.set(name, value)
        except Exception as error:  # noqa: BLE001 - gunicorn's validators raise of many kinds
            raise ConfigError(
                f"--gunicorn-config: {file.name} sets {name} = {value!r}, which gunicorn refuses:"
                f" {in_one_line(error)}."
            ) from None
    if cfg.is_ssl:
        raise ConfigError(
            f"--gunicorn-config: {file.name} sets certfile or keyfile, and the lab loads its own target"
            " over http; leave them out, or serve it yourself and give --target https://…."
        )
    return ConfigFile(file.name, hashlib.sha256(text).hexdigest(), settings)


def worker_class(cfg: Config, config: ConfigFile) -> type:
    """Return the class that the config asks for; raise ConfigError where it is none for WSGI apps."""
    name = cfg.worker_class_str
    try:
        # gunicorn makes `sync` with threads a gthread.
        found: type = (
            ThreadWorker if name == "gthread" else util.load_class(cfg.settings["worker_class"].get())
        )
    except Exception as error:  # noqa: BLE001 - whatever its import raises
        last = str(error).rstrip("] \n").splitlines()[-1]
        raise ConfigError(
            f"--gunicorn-config: {config.name} sets worker_class = {name!r}, which can't be had: {last};"
            " install what it needs, or use gthread or sync."
        ) from None
    if found.__module__.partition(".")[0] in _ASGI or found.__module__ in _ASGI:
        raise ConfigError(
            f"--gunicorn-config: {config.name} sets worker_class = {name!r}, which serves ASGI apps; the lab"
            " measures WSGI apps: use gthread, sync, gevent or a subclass, or give --target."
        )
    return found


def measured_class(served_by: type) -> type | None:
    """Return the lab's own worker in place of one of gunicorn's; None where middleware has to measure."""
    return _MEASURED.get(served_by)


def threads_of(cfg: Config, served_by: type) -> int | None:
    """Return how many requests a worker handles at once; None where that is no number of threads."""
    if issubclass(served_by, ThreadWorker):
        return int(cfg.threads)
    return 1 if issubclass(served_by, SyncWorker) else None


def told(cfg: Config, config: ConfigFile | None, served_by: type, *, app: str) -> dict[str, object]:
    """Return what a result keeps of how gunicorn was set."""
    own = measured_class(served_by) is not None
    return {
        "version": __version__,
        "app": app,
        "workers": cfg.workers,
        "threads": threads_of(cfg, served_by),
        "worker_class": _NAMES.get(served_by) or f"{served_by.__module__}.{served_by.__name__}",
        "measured_by": "worker" if own else "middleware",
        "unseen": [] if own else list(UNSEEN),
        "timeout_s": cfg.timeout,
        "graceful_timeout_s": cfg.graceful_timeout,
        "keepalive_s": cfg.keepalive,
        "max_requests": cfg.max_requests,
        "max_requests_jitter": cfg.max_requests_jitter,
        "preload_app": bool(cfg.preload_app),
        "config": None
        if config is None
        else {
            "file": config.name,
            "sha256": config.sha256,
            "set_by_lab": config.set_by_lab,
            "overridden": config.overridden,
        },
    }


_NAMES: dict[type, str] = {ThreadWorker: "gthread", SyncWorker: "sync"}
