"""Where the target lives. A host starts it or finds it, says whether it is still there, and stops it."""

from typing import Annotated, Protocol, runtime_checkable

import msgspec


class Tried(msgspec.Struct, frozen=True):
    """An address of the target's name that was tried before the load."""

    address: str
    problem: str | None = None
    """Why it was not chosen; None for the one that is loaded."""


_SHORT = 10
"""Signs of a commit that tell it from others."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The app that a target serves, if it is not loadlab's own."""

    module: str
    """As it was named, `module:callable`."""
    revision: str | None = None
    """The commit of its folder; null where that is no git checkout."""
    dirty: bool | None = None
    """Whether its files differ from that commit."""

    def __str__(self) -> str:
        """Say it in words."""
        if self.revision is None:
            return self.module
        return f"{self.module} at {self.revision[:_SHORT]}{' with changes' if self.dirty else ''}"


# What a target tells may be its app's work, so it is bounded here before anybody shows it.
_Name = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[\w.:()\[\]/ '\"=,@-]*$")]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(max_length=20)]


class GunicornConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The config file that a gunicorn was started with."""

    file: _Name
    """Its name, without its folder."""
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    set_by_lab: _Names
    """What the lab set otherwise, because it measures by it."""
    overridden: Annotated[dict[_Name, _Name], msgspec.Meta(max_length=20)]
    """Settings that an option won over, each with that option."""


class Gunicorn(msgspec.Struct, frozen=True, kw_only=True):
    """How the target's gunicorn is set."""

    version: _Name
    app: Annotated[str, msgspec.Meta(max_length=1000)]
    workers: int
    threads: int | None
    """Of each worker; null where the worker class has none that could be counted."""
    worker_class: _Name
    measured_by: _Name
    """worker: one of the lab's own in place of gunicorn's; middleware: around the app."""
    unseen: _Names
    """What a target that is measured so can't tell."""
    timeout_s: int
    graceful_timeout_s: int
    keepalive_s: int
    max_requests: int
    """After so many a worker is replaced; 0: never."""
    max_requests_jitter: int
    preload_app: bool
    config: GunicornConfig | None = None
    """Null where the lab's own defaults hold."""

    def __str__(self) -> str:
        """Say in words how it serves."""
        if self.threads is None or self.worker_class not in ("gthread", "sync"):
            kind = f" {self.worker_class.rpartition('.')[2]}"
        else:
            kind = "" if self.worker_class == "gthread" else " sync"
        threads = "" if self.threads is None or kind == " sync" else f" × {self.threads} threads"
        by = "" if self.config is None else f" by {self.config.file}"
        return f"gunicorn, {self.workers}{kind} worker{'s' if self.workers != 1 else ''}{threads}{by}"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A target that answers."""

    url: str
    """Base URL, without a path of its own unless the user gave one."""
    metrics_url: str | None = None
    """Where its own metrics are, if it has any."""
    where: str
    """Where load and target run, in words: the first line of a run."""
    app: App | None = None
    """What it serves; None for the lab's own app, and where that is not known."""
    gunicorn: Gunicorn | None = None
    """How it is served; None of another server, and where that is not known."""
    tried: tuple[Tried, ...] = ()
    """What its name stands for, up to the first that answered; none of a target of the lab's own."""

    @property
    def address(self) -> str | None:
        """The IP address that is loaded; None where the URL is known to hold it."""
        return next((each.address for each in self.tried if each.problem is None), None)


class Host(Protocol):
    """A place for the target."""

    async def start(self) -> Target:
        """Bring the target up and return it ready, or raise TargetError with one sentence."""
        ...

    async def ended(self, *, silent: bool = True) -> str | None:
        """Say in one sentence that the target has ended and will not come back by itself.

        None while it is there, and where others run it. Asked often; `silent` says that for a while requests
        failed and none was answered: only then may the question cost anything. Makes no connection.
        """
        ...

    async def lost(self) -> str | None:
        """Say in one sentence why the target can't be reached now, or None; this makes a connection.

        Raises ShortageError where this side lacks what that takes.
        """
        ...

    async def stop(self, *, at_once: bool = False) -> None:
        """End what `start` started, and nothing else; `at_once`: whatever it is still busy with."""
        ...


@runtime_checkable
class ByUrl(Protocol):
    """A `Host` that knows of its target no more than a URL, which may be the wrong one."""

    async def mismatch(self) -> str | None:
        """Say in one sentence that the target does not speak what the URL says; this makes a connection."""
        ...


def describe_server(
    server: str | None, workers: str | None, threads: str | None, *, config: bool = False
) -> str:
    """Say in words how a target is served; None is the target's own default."""
    if server == "flask":
        return "Flask's development server, a thread per connection"
    if config:
        return "gunicorn by its own config"
    workers, threads = workers or "1", threads or "64"
    return f"gunicorn, {workers} worker{'s' if workers != '1' else ''} × {threads} threads"
