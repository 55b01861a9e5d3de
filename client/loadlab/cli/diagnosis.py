"""Is this machine fit to measure? Each examination returns what it saw and, where it matters, what to do.

Nothing here changes anything, and no examination raises: what can't be found out is said to be unknown.
"""

import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from loadlab.analysis.ceilings import usable
from loadlab.errors import LabError
from loadlab.results import ceilings_file
from loadlab.stack.compose import COMPOSE_FILE, checkout, find
from loadlab.stack.engine_address import engine_address
from loadlab.system import environment, event_loop
from loadlab.system.files import read_bounded
from loadlab.system.stop_signals import Cleanup
from loadlab.workload.capacity import Capacity
from loadlab.workload.masking import Secrets, masked_url

OLDEST_GUNICORN = 22
_LOCKED = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)
_PORT = re.compile("[0-9]{1,5}")
_MOST_PORT = 65_535
_COMMAND_S = 10.0


class Mark(StrEnum):
    """How grave a finding is."""

    FINE = "ok"
    NOTE = "note"
    """Worth knowing; a part of the lab is not available or less exact."""
    WRONG = "wrong"
    """Measuring will fail or mislead."""


class Diagnosis(msgspec.Struct, frozen=True):
    """One thing looked at."""

    subject: str
    mark: Mark
    seen: str
    advice: str = ""


def examine(users: int, folder: Path | None = None) -> Iterator[Diagnosis]:
    """Look at everything: the interpreter, this machine's limits for so many users, and Docker.

    The stack is that of the folder, or else of the one that this process is in.
    """
    for subject, look in (
        ("python", _python),
        ("event loop", _event_loop),
        ("gunicorn", _gunicorn),
        ("open files", lambda: _open_files(users)),
        ("cores", _cores),
        ("ceilings", _ceilings),
    ):
        yield from _looked(subject, lambda look=look: (look(),))  # type: ignore[misc]  # a lambda with a default
    yield from _looked("stack", lambda: _around(folder))


def _looked(subject: str, look: Callable[[], Iterable[Diagnosis]]) -> Iterator[Diagnosis]:
    """Give what an examination finds, or that it failed: the rest is looked at in any case."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - of many kinds: what a machine may hold has no end
        why = Secrets().masked(f"{type(error).__name__}: {error}")
        yield Diagnosis(subject, Mark.NOTE, f"unknown: {why}")


def _around(folder: Path | None) -> Iterator[Diagnosis]:
    """Look at the checkout around a folder, and at Docker."""
    folder = folder or Path.cwd()
    root = checkout(folder)
    if root is not None:
        yield _packages(root)
    engine = _engine()
    yield engine
    if engine.mark is not Mark.FINE:
        return
    yield _compose()
    if root is None:
        yield Diagnosis("stack", Mark.NOTE, f"no {COMPOSE_FILE} here or above: only local runs and --target")
        return
    yield _stack(folder)
    text = _text(root / COMPOSE_FILE)
    yield from _images(text)
    yield from _ports(text)


def _python() -> Diagnosis:
    running = platform.python_version()
    tested = environment.tested_pythons()
    if tested and "{}.{}".format(*sys.version_info) not in tested:
        advice = f"the lab is tested with {', '.join(tested)}: if something fails, use one of these"
        return Diagnosis("python", Mark.NOTE, running, advice)
    return Diagnosis("python", Mark.FINE, running)


def _event_loop() -> Diagnosis:
    if event_loop.NAME == "asyncio":
        advice = "uvloop is not installed: asyncio's own loop carries less load per core"
        return Diagnosis("event loop", Mark.NOTE, "asyncio", advice)
    return Diagnosis("event loop", Mark.FINE, event_loop.NAME)


def _gunicorn() -> Diagnosis:
    installed = _installed("gunicorn")
    if installed is None:
        return Diagnosis("gunicorn", Mark.WRONG, "not installed", "install it: --app is served by it")
    major = re.match("[0-9]+", installed)
    if major is None or int(major[0]) < OLDEST_GUNICORN:
        advice = f"--app needs gunicorn {OLDEST_GUNICORN} or later; --target works with any server"
        return Diagnosis("gunicorn", Mark.WRONG, installed, advice)
    return Diagnosis("gunicorn", Mark.FINE, installed)


def _packages(root: Path) -> Diagnosis:
    """Look for packages that are no longer at a locked version, as after installing an app's requirements."""
    locked: dict[str, set[str]] = {}
    for lock in ("client", "target"):
        text = _text(root / "requirements" / f"{lock}.txt")
        for name, pinned in _LOCKED.findall(text):
            locked.setdefault(name, set()).add(pinned)
    installed = {name: _installed(name) for name in locked}
    changed = [
        f"{name} {here} (locked: {' or '.join(sorted(locked[name]))})"
        for name, here in installed.items()
        if here is not None and here not in locked[name]
    ]
    if not changed:
        return Diagnosis("packages", Mark.FINE, "as locked")
    advice = "the lab was tested with the locked ones; `make clean doctor` installs them again"
    return Diagnosis("packages", Mark.NOTE, ", ".join(changed), advice)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _open_files(users: int) -> Diagnosis:
    room = Capacity.here()
    limit, most = room.open_files, room.connections
    if limit is None or most is None:
        return Diagnosis("open files", Mark.FINE, "no limit")
    if most < users:
        advice = f"{users} users need as many connections: raise it with `ulimit -n {limit + users - most}`"
        return Diagnosis("open files", Mark.WRONG, f"{limit}", advice)
    return Diagnosis("open files", Mark.FINE, f"{limit}, enough for {most} users in one process")


def _cores() -> Diagnosis:
    usable, present = environment.cpus(), os.cpu_count() or 1
    seen = f"{usable:g} usable of {present}"
    if usable < 2:
        advice = "client and target share it: each takes from the other, and pool gains nothing"
        return Diagnosis("cores", Mark.NOTE, seen, advice)
    return Diagnosis("cores", Mark.FINE, seen)


def _ceilings() -> Diagnosis:
    known = usable(ceilings_file.read(), platform.node(), environment.read("this machine"))
    if known.ceilings:
        seen = f"{len(known.ceilings)} known: runs show how near the client came to them"
        return Diagnosis("ceilings", Mark.FINE, seen)
    advice = "`loadlab calibrate` measures what the client can do at most; runs then show how near it came"
    return Diagnosis("ceilings", Mark.NOTE, known.unused or "not calibrated", advice)


def _engine() -> Diagnosis:
    address = engine_address()
    if address is None:
        advice = "`make up` needs it (Debian: docker.io); `make run` and `make tour` do not"
        return Diagnosis("docker engine", Mark.NOTE, "no engine listens", advice)
    running = _said("docker", "version", "--format", "{{.Server.Version}}")
    if running is None:
        advice = "the engine does not let this user in, or the docker command is missing"
        return Diagnosis("docker engine", Mark.NOTE, masked_url(address), advice)
    return Diagnosis("docker engine", Mark.FINE, running)


def _compose() -> Diagnosis:
    found = [
        f"{name} {here}"
        for name, here in (
            ("docker compose", _said("docker", "compose", "version", "--short")),
            ("docker-compose", _said("docker-compose", "version", "--short")),
        )
        if here
    ]
    if not found:
        advice = "`make up` needs one (Debian: docker-compose)"
        return Diagnosis("compose", Mark.NOTE, "neither docker compose nor docker-compose", advice)
    return Diagnosis("compose", Mark.FINE, ", ".join(found))


def _stack(folder: Path) -> Diagnosis:
    try:
        stack = find(folder)
    except LabError as error:
        return Diagnosis("stack", Mark.WRONG, str(error))
    if stack is None:
        return Diagnosis("stack", Mark.FINE, "down: runs start a target of their own; `make up` changes that")
    return Diagnosis("stack", Mark.FINE, f"up: {stack.where}")


def _images(compose_text: str) -> Iterator[Diagnosis]:
    for variable, default in re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", compose_text):
        image = os.environ.get(variable) or default
        if _said("docker", "image", "inspect", "--format", "{{.Id}}", "--", image):
            yield Diagnosis(image, Mark.FINE, "here")
            continue
        own = _said(
            "docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"concurrency-lab/{_kind(image)}"
        )
        if own:
            yield Diagnosis(image, Mark.FINE, f"not here; {own.splitlines()[0]} stands in for it")
        else:
            yield Diagnosis(image, Mark.NOTE, "not here", "`make up` pulls it, or says what it does instead")


def _kind(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0]


def _ports(compose_text: str) -> Iterator[Diagnosis]:
    """Look who listens where the stack would; if it is up itself, its own ports are no collision."""
    for variable, default in re.findall(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}", compose_text):
        written = os.environ.get(variable) or default
        if not _PORT.fullmatch(written) or not 0 < int(written) <= _MOST_PORT:
            yield Diagnosis(variable, Mark.WRONG, f"{written!r} is no port", f"give 1 to {_MOST_PORT}")
            continue
        port = int(written)
        published = _said("docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}")
        if not _taken(port):
            yield Diagnosis(f"port {port}", Mark.FINE, "free")
        elif published:
            yield Diagnosis(f"port {port}", Mark.FINE, f"published by {published}")
        else:
            advice = f"`make up {variable}=…` takes another"
            yield Diagnosis(f"port {port}", Mark.WRONG, "another program listens there", advice)


def _text(file: Path) -> str:
    """Return what a file of the checkout says; nothing where it can't be read."""
    try:
        return read_bounded(file).decode(errors="replace")
    except OSError:
        return ""


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _said(*command: str) -> str | None:
    """Return what a command says, None where it fails, hangs or does not exist."""
    if shutil.which(command[0]) is None:
        return None
    try:
        process = subprocess.Popen(  # noqa: S603 - the commands that stand above
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace"
        )
    except OSError:
        return None
    with process, Cleanup(lambda _: process.kill()):
        try:
            said, _ = process.communicate(timeout=_COMMAND_S)
        except subprocess.SubprocessError:
            process.kill()
            return None
    return said.strip() or None if process.returncode == 0 else None
