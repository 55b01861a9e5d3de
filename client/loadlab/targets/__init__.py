"""Where the target lives. A host starts it or finds it, says whether it is still there, and stops it."""

from typing import Protocol, runtime_checkable

import msgspec


class Tried(msgspec.Struct, frozen=True):
    """An address of the target's name that was tried before the load."""

    address: str
    problem: str | None = None
    """Why it was not chosen; None for the one that is loaded."""


_SHORT = 10
"""Signs of a commit that tell it from others."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The app that a target serves, where it is somebody's own."""

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


def describe_server(server: str | None, workers: str | None, threads: str | None) -> str:
    """Say in words how a target is served; None is the target's own default."""
    if server == "flask":
        return "Flask's development server, a thread per connection"
    workers, threads = workers or "1", threads or "64"
    return f"gunicorn, {workers} worker{'s' if workers != '1' else ''} × {threads} threads"
