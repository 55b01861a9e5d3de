"""A stack per compose generation, under a project name and ports of its own, taken down whatever happens.

Without an engine, or without one of the generations, its tests are skipped with the reason; with
LOADLAB_REQUIRE_DOCKER=1 that is a failure. What a session that was killed left behind, the next one removes.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATIONS = {"v2": "docker compose", "v1": "docker-compose"}
SECOND = "v1"
PROJECT = "loadlab-test-"
# What an outer make hands down is meant for it, and not for the stack here.
OUTER_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "ARGS", "SCENARIO"}


_drawn: set[int] = set()


def free_port() -> int:
    """A port that is free and was not drawn before: the kernel may offer one twice."""
    with contextlib.ExitStack() as held:
        while True:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port not in _drawn:
                _drawn.add(port)
                return port


@dataclass
class Stack:
    """One compose project of this checkout; `up` it, ask it, `down` it."""

    compose: str
    project: str
    target_port: int = field(default_factory=free_port)
    agent_port: int = field(default_factory=free_port)
    prometheus_port: int = field(default_factory=free_port)
    results: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="loadlab-results-")))

    def run_make(self, *args: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """`make ARGS` on this project; nothing is checked, both outputs are kept."""
        settings = {
            "COMPOSE": self.compose,
            "COMPOSE_PROJECT_NAME": self.project,
            "TARGET_PORT": str(self.target_port),
            "AGENT_PORT": str(self.agent_port),
            "PROMETHEUS_PORT": str(self.prometheus_port),
            "GRAFANA_PORT": str(free_port()),
            "LAB_RESULTS": str(self.results),
        }
        outer = {name: value for name, value in os.environ.items() if name not in OUTER_MAKE}
        return subprocess.run(
            ["make", *args],
            cwd=ROOT,
            env=outer | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def up(self, **settings: object) -> str:
        """Bring it up with these settings and the defaults of all others; returns what was printed."""
        done = self.run_make("up", *(f"{name}={value}" for name, value in settings.items()))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self) -> str:
        done = self.run_make("down")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def containers(self) -> dict:
        """By service, running or not."""
        found = docker.from_env().containers.list(all=True, filters=self.label_filter)
        return {c.labels["com.docker.compose.service"]: c for c in found}

    def container(self, service: str):
        return self.containers()[service]

    def exec(self, service: str, *command: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """A command in a service's container, as a person would start it; nothing is checked."""
        return subprocess.run(
            [*self.compose.split(), "--project-name", self.project, "exec", "-T", service, *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def get(self, path: str = "/") -> str:
        """What the target answers to a request from the host."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.target_port}{path}", timeout=10) as answer:
            return answer.read().decode()

    @property
    def token(self) -> str:
        """What `make up` made for the page."""
        return (ROOT / ".stack" / self.project / "token").read_text().strip()

    def agent(self, path: str, value: object = None, **headers: str) -> tuple[int, Any]:
        """Ask the agent from the host, as its page does: a POST where there is something to say."""
        headers = (
            headers if "Authorization" in headers else {"Authorization": f"Bearer {self.token}"} | headers
        )
        address = f"http://127.0.0.1:{self.agent_port}{path}"
        body = None if value is None else json.dumps(value).encode()
        asked = urllib.request.Request(
            address, body, {"Content-Type": "application/json"} | headers if body else headers
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def prometheus(self, query: str) -> list[tuple[dict[str, str], float]]:
        """An instant query: labels and value of each series."""
        result = self.prometheus_api("query", query=query)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def wait_for_scrape(self, job: str = "target") -> None:
        """Return once Prometheus has scraped a job anew: what was counted before this call is in it."""
        asked_at = time.time()
        up = f'up{{job="{job}"}}'
        # Only of a bare selector is `timestamp` the sample's own; else it is the moment of asking.
        while not any(at > asked_at for _, at in self.prometheus(f"timestamp({up}) and {up} == 1")):
            assert time.time() - asked_at < 15, f"Prometheus does not reach the {job}"
            time.sleep(0.1)

    def prometheus_api(self, endpoint: str, **parameters: str) -> dict:
        url = (
            f"http://127.0.0.1:{self.prometheus_port}/api/v1/{endpoint}?{urllib.parse.urlencode(parameters)}"
        )
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    @property
    def label_filter(self) -> dict[str, str]:
        return {"label": f"com.docker.compose.project={self.project}"}

    def remove(self) -> None:
        """Leave nothing, not even this project's images; by label, so that half a stack goes too."""
        engine = docker.from_env()
        for container in engine.containers.list(all=True, filters=self.label_filter):
            container.remove(force=True, v=True)
        for network in engine.networks.list(filters=self.label_filter):
            network.remove()
        for volume in engine.volumes.list(filters=self.label_filter):
            volume.remove()
        for image in engine.images.list():
            if any(tag.startswith((f"{self.project}_", f"{self.project}-")) for tag in image.tags):
                with contextlib.suppress(docker.errors.APIError):  # it belongs to someone else
                    engine.images.remove(image.id, force=True)
        shutil.rmtree(ROOT / ".stack" / self.project, ignore_errors=True)
        shutil.rmtree(self.results, ignore_errors=True)


def unavailable(reason: str) -> NoReturn:
    if os.environ.get("LOADLAB_REQUIRE_DOCKER") == "1":
        pytest.fail(f"{reason} (and LOADLAB_REQUIRE_DOCKER=1 demands it)", pytrace=False)
    pytest.skip(reason)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    # Whatever is in this folder needs an engine, and the first `make up` may have base images to build.
    for item in ours:
        item.add_marker(pytest.mark.stack)
        item.add_marker(pytest.mark.timeout(600))
        if generation(item) == SECOND:
            item.add_marker(pytest.mark.second_compose)
    again = [
        item for item in ours if item.get_closest_marker("either_compose") and generation(item) == SECOND
    ]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item not in again]


def generation(item: pytest.Item) -> str | None:
    """The compose that a test runs with, None of one that needs the engine alone."""
    return item.callspec.params.get("compose") if hasattr(item, "callspec") else None


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        unavailable(f"no Docker engine: {error}")
    remove_leftovers(client)
    return client


def remove_leftovers(client: docker.DockerClient) -> None:
    """Remove the stacks of sessions that are gone; a project's name carries the process id of its session."""
    found = [*client.containers.list(all=True), *client.networks.list(), *client.volumes.list()]
    labels = [(thing.attrs.get("Config") or thing.attrs).get("Labels") or {} for thing in found]
    for project in {each.get("com.docker.compose.project", "") for each in labels}:
        if project.startswith(PROJECT):
            session = int(project.removeprefix(PROJECT).split("-")[0])
            if not Path(f"/proc/{session}").exists():
                Stack(compose="", project=project).remove()


@pytest.fixture(scope="session", params=list(GENERATIONS))
def compose(request: pytest.FixtureRequest, engine: docker.DockerClient) -> str:
    """The compose command of one generation; every test that uses it runs once with each."""
    command = GENERATIONS[request.param]
    try:
        subprocess.run([*command.split(), "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        unavailable(f"'{command}' is not installed")
    return command


@pytest.fixture(scope="session")
def stack(compose: str):
    """A stack that is up, with default settings. A test that changes that ends with `stack.up()`."""
    generation = next(name for name, command in GENERATIONS.items() if command == compose)
    lab = Stack(compose=compose, project=f"{PROJECT}{os.getpid()}-{generation}")
    try:
        lab.up()
        yield lab
    finally:
        lab.remove()


@pytest.fixture
def mended(stack: Stack):
    """For a test that breaks a container: puts the stack right again."""
    yield
    stack.up()


@pytest.fixture
def second_stack(stack: Stack):
    """A project that is not up, for what happens when one starts; it shares only the compose with `stack`."""
    lab = Stack(compose=stack.compose, project=f"{stack.project}-second")
    try:
        yield lab
    finally:
        lab.remove()
