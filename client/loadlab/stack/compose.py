"""This folder's Compose stack through the Docker engine: found by its labels, and read.

Containers are known by the labels that both generations of Compose write, never by their names, and the lab's
own by the variables that its compose file sets. Other projects' `target` and `client` are left alone.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from loadlab.errors import TargetError, UsageError
from loadlab.remote.agent_runner import Agent
from loadlab.stack.container import AGENT_PORT, AGENT_TOKEN, LABEL, STACK_TARGET, Container
from loadlab.stack.engine_address import engine_address
from loadlab.stack.stats import Frame
from loadlab.targets import describe_server
from loadlab.workload.masking import masked_url

if TYPE_CHECKING:  # it takes a fifth of a second to import, and most runs need no engine
    from docker import DockerClient

COMPOSE_FILE = "docker-compose.yml"
_SERVICES = ("target", "client")
_ASK_S = 3
_MOST_LOG_BYTES = 16 << 20


class ComposeStack:
    """A target and a client container that are fit for a run."""

    def __init__(self, engine: "DockerClient", target: Container, client: Container) -> None:
        self._engine = engine
        self.containers = {"client": client, "target": target}

    @property
    def base(self) -> str:
        """Where the target is, seen from the client."""
        return self.containers["client"].env[STACK_TARGET]

    @property
    def where(self) -> str:
        """Where load and target run, in words."""
        env = self.containers["target"].env
        served = describe_server(
            env.get("TARGET_SERVER"),
            env.get("WORKERS"),
            env.get("THREADS"),
            config=bool(env.get("GUNICORN_CONFIG")),
        )
        containers = f"client container → target container: {served}"
        return f"in this folder's Compose stack ({containers}), {masked_url(self.base)}"

    @property
    def cpus(self) -> float:
        """How many cores the client may use."""
        cores = float(self._engine.info()["NCPU"])
        limit = self.containers["client"].cpu_limit_cores
        return cores if limit is None else min(cores, limit)

    def agent(self) -> AbstractAsyncContextManager[Agent]:
        """Reach the agent in the client container, by its published port."""
        from loadlab.remote.agent_client import AgentClient  # noqa: PLC0415 - an HTTP client, which most runs need not

        client = self.containers["client"]
        address = client.published.get(AGENT_PORT)
        if address is None:
            raise UsageError(f"the client container publishes no port {AGENT_PORT}; `make up` puts it right")
        return AgentClient(f"http://{address}", client.env.get(AGENT_TOKEN))

    async def frames(self) -> dict[str, Frame]:
        """Read what each container has used until now; one that can't be read is left out."""
        names = list(self.containers)
        found = await asyncio.gather(*(asyncio.to_thread(self._frame, name) for name in names))
        return {name: frame for name, frame in zip(names, found, strict=True) if frame is not None}

    def _frame(self, service: str) -> Frame | None:
        try:
            return Frame.of(self._engine.api.stats(self.containers[service].id, stream=False, one_shot=True))
        except _engine_errors():
            return None

    async def condition(self, service: str) -> str | None:
        """Say what has become of a container in a few words, None while it runs."""
        return await asyncio.to_thread(self._condition, service)

    def _condition(self, service: str) -> str | None:
        try:
            return Container.of(self._engine.api.inspect_container(self.containers[service].id)).condition
        except _engine_errors():
            return "is gone"

    async def log(self, since_s: float) -> bytes:
        """Return what the target wrote since that moment of the wall clock, a thousand lines at most."""
        return await asyncio.to_thread(self._log, since_s)

    def _log(self, since_s: float) -> bytes:
        try:
            written = bytearray()
            for piece in self._engine.api.logs(
                self.containers["target"].id, since=int(since_s), tail=1000, stream=True, follow=False
            ):
                written += piece
                del written[:-_MOST_LOG_BYTES]
        except _engine_errors():
            return b""
        return bytes(written)


def checkout(folder: Path) -> Path | None:
    """Return the nearest folder with a compose file, from this one upwards; its physical path."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / COMPOSE_FILE).is_file()), None)


def find(folder: Path) -> ComposeStack | None:
    """Return the stack of the checkout around this folder, None where it has none or there is no engine.

    Raises UsageError or TargetError for a stack that is half up.
    """
    root = checkout(folder)
    address = None if root is None else engine_address()
    if root is None or address is None:
        return None
    import docker  # noqa: PLC0415 - only where there is an engine to talk to

    try:
        engine = docker.DockerClient.from_env(
            timeout=_ASK_S, environment={**os.environ, "DOCKER_HOST": address}
        )
        found = engine.api.containers(all=True, filters={"label": f"{LABEL}service"})
        near = [each["Id"] for each in found if belongs(each.get("Labels") or {}, root)]
        containers = [Container.of(engine.api.inspect_container(name)) for name in near]
    except _engine_errors():
        return None
    pair = fit(containers, os.environ.get("COMPOSE_PROJECT_NAME"))
    return None if pair is None else ComposeStack(engine, *pair)


def belongs(labels: dict[str, str], root: Path) -> bool:
    """Tell whether these labels are those of target or client of the stack whose compose file is here."""
    return (
        labels.get(f"{LABEL}service") in _SERVICES
        and labels.get(f"{LABEL}oneoff", "False") == "False"
        and Path(labels.get(f"{LABEL}project.working_dir", "")).resolve() == root
    )


def fit(containers: Iterable[Container], project: str | None) -> tuple[Container, Container] | None:
    """Return target and client, fit for a run, of the one stack that is up; None where none is.

    A stack of which nothing runs is not up. Of one that is half up, what the target lacks is a TargetError
    (there is nothing to load), and what the client lacks a UsageError (the stack is to be put in order).
    """
    projects: dict[str, dict[str, Container]] = {}
    for container in containers:
        if container.is_ours and project in (None, "", container.project):
            projects.setdefault(container.project, {})[container.service] = container
    up = {
        name: found
        for name, found in projects.items()
        if any(each.status in ("running", "paused", "restarting") for each in found.values())
    }
    if not up:
        return None
    if len(up) > 1:
        raise UsageError(
            f"this folder has {len(up)} Compose stacks up ({', '.join(sorted(up))}):"
            " say which by COMPOSE_PROJECT_NAME=…, or name a --target"
        )
    [found] = up.values()
    for service, error in (("target", TargetError), ("client", UsageError)):
        part = found.get(service)
        condition = "has no container" if part is None else part.condition
        if condition is not None:
            raise error(
                f"this folder's Compose stack is only half up: its {service} {condition};"
                " `make up` puts it right, `make down` takes it away"
            )
    return found["target"], found["client"]


def _engine_errors() -> tuple[type[Exception], ...]:
    """Return what the SDK raises: its own errors, and those of the HTTP library below it."""
    import docker.errors  # noqa: PLC0415 - as above
    import requests  # noqa: PLC0415 - as above

    # It reads DOCKER_HOST with the standard library, which raises ValueError for a port that is none.
    return docker.errors.DockerException, requests.RequestException, OSError, ValueError
