"""How a target is to be served, as the options of a command were written."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import msgspec

from loadlab import units
from loadlab.errors import UsageError
from loadlab.stack.compose import ComposeStack
from loadlab.targets.local import Start

_VARIABLES = {
    "app": ("TARGET_APP", "loadlab_target.app:create_app()"),
    "server": ("TARGET_SERVER", "gunicorn"),
    "workers": ("WORKERS", "1"),
    "threads": ("THREADS", "64"),
    "gunicorn_config": ("GUNICORN_CONFIG", ""),
    "delay": ("TARGET_DELAY", "100ms"),
}
"""The variable of `make up` behind each option of the target itself, and the target's default."""
_OWN_APP = "loadlab_target.app"
_PATH = re.compile(r"/[!-~]*")
_APP_FOLDER = "/app"
CONFIG_IN_STACK = "/etc/gunicorn.conf.py"
"""Where the target's container has the file that `make up GUNICORN_CONFIG=...` names."""


class TargetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the target is to be served, as the options were written; None where not given."""

    app: str | None = None
    server: str | None = None
    workers: str | None = None
    threads: str | None = None
    gunicorn_config: str | None = None
    delay: str | None = None
    app_python: str | None = None
    before_each: str | None = None
    ready_path: str | None = None
    ready_timeout: str | None = None

    def given(self) -> dict[str, str]:
        """Return the options that were given, by name."""
        return {_option(name): value for name, value in self._asked().items()}

    def reject_unused(self, runs: Mapping[str, str] | None = None) -> None:
        """Raise UsageError where an option would do nothing with the server or the app that is chosen.

        `runs` says how the target is served where nothing else is asked for; without it by its defaults.
        """
        asked = self._asked()
        for names, why in _vain({**(runs or {}), **asked}).items():
            if named := [_option(name) for name in names if name in asked]:
                raise UsageError(f"{', '.join(named)}: {why}")

    def served(self) -> dict[str, str]:
        """Return the options that the target itself takes, by name."""
        if self.gunicorn_config is not None and not Path(self.gunicorn_config).is_file():
            raise UsageError(f"--gunicorn-config: {self.gunicorn_config!r} is not a file")
        return {_option(name): value for name, value in self._asked().items() if name in _VARIABLES}

    def start(self) -> Start:
        """Return what surrounds the target's start; raise UsageError for what can't be meant."""
        if self.before_each is not None and not self.before_each.strip():
            raise UsageError("--before-each: it is empty; give a command for the shell, or leave it out")
        if self.ready_path is not None and _PATH.fullmatch(self.ready_path) is None:
            raise UsageError(f"--ready-path: {self.ready_path!r} is not a path, such as /health")
        start = Start(
            # Not resolved: it is by its own path that a Python finds its environment.
            app_python=None if self.app_python is None else Path(self.app_python).absolute(),
            before_each=self.before_each,
            ready_path=self.ready_path,
        )
        if self.ready_timeout is None:
            return start
        timeout_ns = units.duration_ns(self.ready_timeout, "--ready-timeout")
        if timeout_ns <= 0:
            raise UsageError(f"--ready-timeout: {self.ready_timeout!r} is not above 0, such as 60s")
        return msgspec.structs.replace(start, ready_timeout_ns=timeout_ns)

    def check_matches_stack(self, stack: ComposeStack) -> None:
        """Raise UsageError, with the `make up` that helps, where the stack's target is served otherwise."""
        target = stack.containers["target"]
        runs = {name: target.env.get(variable) or default for name, (variable, default) in _VARIABLES.items()}
        if config := target.mounts.get(CONFIG_IN_STACK):
            runs["gunicorn_config"] = config
            # What no option said is the file's, which no value here is equal to.
            runs |= {name: "" for name in ("workers", "threads") if not target.env.get(_VARIABLES[name][0])}
        asked = self._asked()
        if own := [_option(name) for name in asked if name not in _VARIABLES]:
            raise UsageError(
                f"{', '.join(own)}: this folder's Compose stack is up, and `make up` starts its target;"
                " leave it out, or take the stack down by `make down`"
            )
        for name in ("workers", "threads"):
            if name in asked:
                units.count(asked[name], f"--{name}")
        self.reject_unused(runs)
        if self.gunicorn_config is not None:
            asked["gunicorn_config"] = str(Path(self.gunicorn_config).resolve())
        differing = {name: value for name, value in asked.items() if _plain(value) != _plain(runs[name])}
        if not differing:
            return
        options = ", ".join(f"{_option(name)} {value}" for name, value in differing.items())
        running = ", ".join(f"{_VARIABLES[name][0]}={runs[name]}" for name in differing if runs[name])
        running = running or f"no {_VARIABLES[next(iter(differing))][0]}"
        raise UsageError(
            f"{options}: this folder's Compose stack is up with {running};"
            f" take it down by `make down`, or change that by `{_make_up(runs, differing, stack)}`"
        )

    def _asked(self) -> dict[str, str]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _vain(served: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Return the options that would do nothing for a target that is served so, with the reason."""
    found: dict[tuple[str, ...], str] = {}
    if served.get("server") == "flask":
        found["gunicorn_config",] = (
            "it is of gunicorn, and --server flask is none; leave it out, or give --server gunicorn"
        )
        found["workers", "threads"] = (
            "Flask's development server has no such limit, it starts a thread for each connection;"
            " leave it out, or give --server gunicorn"
        )
    app = served.get("app", _OWN_APP)
    if app.partition(":")[0] != _OWN_APP:
        found["delay",] = f"it is how long the lab's own app waits, and this one is {app}; leave it out"
    return found


def _plain(value: str) -> str:
    """Return what two ways to write the same have in common."""
    value = value.strip()
    try:
        return str(units.duration_ns(value, ""))
    except UsageError:
        return value


def _make_up(runs: dict[str, str], differing: dict[str, str], stack: ComposeStack) -> str:
    """Return the command for what differs and keeps the rest: `make up` resets what it isn't told."""
    words = {}
    vain = {name for names in _vain({**runs, **differing}) for name in names}
    for name, (variable, default) in _VARIABLES.items():
        if name in vain:
            continue
        if name in differing or (runs[name] and _plain(runs[name]) != _plain(default)):
            words[variable] = differing.get(name, runs[name])
    for service, container in stack.containers.items():
        if container.cpu_limit_cores is not None:
            words[f"{service.upper()}_CPUS"] = f"{container.cpu_limit_cores:g}"
        if _APP_FOLDER in container.mounts:
            words["APP_DIR"] = container.mounts[_APP_FOLDER]
    if "app" in differing:
        words.setdefault("APP_DIR", str(Path.cwd()))  # from where the lab would import it without a stack
    return " ".join(["make up", *(shlex.quote(f"{name}={value}") for name, value in words.items())])
