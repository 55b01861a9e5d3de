"""A real `loadlab agent` as a process of this machine, and what speaks to it."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from support.live import OWN_DOING, PATIENCE_S, wait_until

OUTER = ("LOADLAB_TARGET", "LOADLAB_AGENT", "LOADLAB_TOKEN")
JSON = {"Content-Type": "application/json"}
NULL = {"scenario": "task", "transport": "null", "delay": "2ms", "concurrency": "2", "duration": "500ms"}
"""The options of a run that needs no target."""
LONG = {"duration": "30s", "warmup": "0"}
"""With them a run goes on until it is stopped."""


def outer_environment() -> dict[str, str]:
    """Return this process's environment without what would tell an agent, or `loadlab`, where to go."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json["error"]


class RunningAgent:
    """An agent with this folder for its socket and its results; leaving it ends it."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.folder = folder
        self.results = folder / "results"
        self.socket = folder / "agent.sock"
        self._options = options
        self.environment = environment

    def __enter__(self) -> Self:
        env = outer_environment() | {"LOADLAB_AGENT_SOCKET": str(self.socket)} | self.environment
        bind = () if "--bind" in self._options else ("--bind", "127.0.0.1:0")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loadlab", "agent", "--out", str(self.results), *bind, *self._options],
            env={name: value for name, value in env.items() if value},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "agent.log").open("wb"),
            text=True,
        )
        line = self.process.stdout.readline()
        assert line.startswith("The live page is at http://"), (line, self.log)
        self.printed = line
        self.url, _, made = line.split()[-1].partition("/#token=")
        self.url = self.url.rstrip("/")
        self.token = self.environment.get("LOADLAB_TOKEN") or made
        self.port = int(self.url.rpartition(":")[2])
        wait_until(lambda: self.get("/healthz").status == 200)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def authorization(self) -> str:
        """What the token is sent as."""
        return f"Bearer {self.token}" if self.token else ""

    @property
    def log(self) -> str:
        return (self.folder / "agent.log").read_text()

    def end(self, number: int = signal.SIGTERM, within_s: float = PATIENCE_S) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request with the token; underscores in names are dashes, and "" leaves a header out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            named = {"Authorization": self.authorization} | headers
            lines = {name.replace("_", "-"): value for name, value in named.items() if value}
            connection.request(method, path, body, lines)
            return Answer(connection.getresponse())

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, value: object = None, **headers: str) -> Answer:
        body = b"" if value is None else json.dumps(value).encode()
        return self.ask("POST", path, body, **{"Content_Type": "application/json"} | headers)

    def start(self, options: dict[str, Any] | None = None, **more: Any) -> str:
        """Start a run and return its name."""
        answer = self.post("/api/runs", {"options": {**(options or NULL), **more}})
        assert answer.status == 201, answer.body
        return answer.json["run_id"]

    def stop(self, run_id: str) -> Answer:
        return self.post(f"/api/runs/{run_id}/stop")

    def running(self) -> Any:
        return self.get("/api/state").json["running"]

    def result(self, run_id: str) -> Any:
        return self.get(f"/api/runs/{run_id}/result.json").json

    def ended(self, run_id: str, within_s: float = PATIENCE_S) -> Any:
        """Wait for the end of a run and return its last event."""
        with self.follow(f"/api/runs/{run_id}/events") as follower:
            return follower.until("RunEnded", "Refused", within_s=within_s)

    @contextlib.contextmanager
    def follow(self, path: str = "/api/events", since: int | None = None) -> Iterator["Follower"]:
        """Follow a stream of events."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        headers = {"Authorization": self.authorization} | (
            {} if since is None else {"Last-Event-ID": str(since)}
        )
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        follower = Follower(response)
        try:
            yield follower
        finally:
            response.close()
            connection.close()


def failing(ended: dict[str, Any]) -> set[str]:
    """Return the names of the checks that failed in a run, of its last event."""
    return {check["name"] for check in ended["result"]["checks"] if check["outcome"] == "fail"}


def sound(ended: dict[str, Any]) -> bool:
    """Tell of a run's last event whether it passed, or would have but for other work on the cores."""
    result = ended["result"]
    whole = (result["failure"], result["target_lost"], result["interrupted"]) == (None, None, False)
    return whole and not OWN_DOING & failing(ended)


def finish(agent: RunningAgent, run_id: str) -> Any:
    """Stop a run at once and wait for its end."""
    for _ in range(2):
        agent.stop(run_id)
    return agent.ended(run_id)


class Follower:
    """Reads a stream of events as a browser would."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.headers = response.headers
        self.events: list[dict[str, Any]] = []
        self.ids: list[int] = []
        self.comments = 0

    def next(self) -> dict[str, Any] | None:
        """Return the next event, None at the stream's end."""
        number = 0
        while line := self._response.readline():
            if line.startswith(b"id: "):
                number = int(line[4:])
            elif line.startswith(b":"):
                self.comments += 1
            elif line.startswith(b"data: "):
                event = json.loads(line[6:])
                self.ids.append(number)
                self.events.append(event)
                return event
        return None

    def until(self, *kinds: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next event of one of these kinds."""
        deadline = time.monotonic() + within_s
        while (event := self.next()) is not None:
            if event["type"] in kinds:
                return event
            assert time.monotonic() < deadline, self.kinds
        raise AssertionError(f"the stream ended: {self.kinds}")

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


class Scraper:
    """Scrapes as Prometheus would, every so often, until it is left."""

    def __init__(self, agent: RunningAgent, every_s: float = 0.2) -> None:
        self._agent = agent
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._scrape, daemon=True)
        self.texts: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.texts)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _scrape(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                self.texts.append(scrape(self._agent))
            self._over.wait(self._every_s)


def scrape(agent: RunningAgent) -> str:
    """Scrape once, as Prometheus would."""
    return agent.get("/metrics", X_Prometheus_Scrape_Timeout_Seconds="1").body.decode()


def rss_bytes(pid: int) -> int:
    """Return the memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
