"""The agent's API, asked for ten minutes what its schema allows and what it does not.

Hypothesis makes the requests: runs by the schema of what may be posted, valid ones with random changes, other
JSON, bytes that are none; and every method on every path, with headers of all sorts. Each answer must come
soon, be no failure of the server's, and say in a sentence what was refused. A run that is started is stopped
again. In the end the agent must be well: its log has no traceback, and it carries a run.

Exits with 1 where one of these is not so, with the smallest request that shows it.
"""

import argparse
import http.client
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, Self

from hypothesis import HealthCheck, Phase, given, seed, settings
from requests_to_agent import Ask, requests_of

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.agents import RunningAgent

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of an agent that lives as long as this script
BATCH = 100
"""Requests between two looks at the clock."""
SOON_S = 30.0
"""How long an answer, or the end of a run that is stopped, may take on a busy machine."""
MOST_BYTES = 1 << 20
BY_AIOHTTP = (HTTPStatus.BAD_REQUEST, HTTPStatus.EXPECTATION_FAILED)
"""What is no HTTP, or expects what no server does, aiohttp refuses by itself before the API sees it."""
_HEAD = re.compile(rb"HTTP/1\.1 \d{3} ")


class Answer(NamedTuple):
    """What came back."""

    status: int
    kind: str
    body: bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    given_ = parser.parse_args()
    statuses: Counter[int] = Counter()
    begun_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        Sink() as sink,
        RunningAgent(Path(folder), "--target", sink.url, LOADLAB_TOKEN=TOKEN) as agent,
    ):
        batch = 0
        while time.monotonic() - begun_s < given_.seconds:
            fuzz(agent, sink.url, statuses, given_.seed * 1_000_000 + batch)
            batch += 1
            print(f"  {time.monotonic() - begun_s:.0f} s: {told(statuses)}", flush=True)
        well(agent)
    print(f"{time.monotonic() - begun_s:.0f} s, seed {given_.seed}: {told(statuses)}")


def told(statuses: Counter[int]) -> str:
    each = ", ".join(f"{count:,} x {status}" for status, count in sorted(statuses.items()))
    return f"{statuses.total():,} requests, answered {each}"


def fuzz(agent: RunningAgent, target: str, statuses: Counter[int], number: int) -> None:
    """Ask some hundred times; what is wrong raises AssertionError, after the smallest such request."""

    @seed(number)
    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(target, TOKEN))
    def each_is_answered(ask: Ask) -> None:
        answer = answer_to(agent.port, ask)
        statuses[answer.status] += 1
        check(answer)
        if answer.status == HTTPStatus.CREATED:
            stop(agent, json.loads(answer.body)["run_id"])

    each_is_answered()


def answer_to(port: int, ask: Ask) -> Answer:
    """Send a request, byte for byte, and read what is answered at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=SOON_S) as connection:
        connection.sendall(ask.data)
        response = http.client.HTTPResponse(connection, method=ask.method)
        response.begin()
        kind = response.headers.get_content_type()
        body = b"" if kind == "text/event-stream" else response.read(MOST_BYTES)
        return Answer(response.status, kind, body)


def check(answer: Answer) -> None:
    """Hold an answer against what docs/agent.md promises of all of them."""
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, answer
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.body:
        if answer.kind == "application/json":
            assert json.loads(answer.body)["error"], answer
        else:
            assert answer.status in BY_AIOHTTP, answer
        assert b"Traceback" not in answer.body, answer


def stop(agent: RunningAgent, run_id: str) -> None:
    """Stop a run at once and wait until the agent is free."""
    deadline_s = time.monotonic() + SOON_S
    while time.monotonic() < deadline_s:
        agent.post(f"/api/runs/{run_id}/stop")
        state = agent.get("/api/state").json
        if state["running"] is None:
            return
        time.sleep(0.01)
    raise AssertionError(f"{run_id} goes on though it was stopped")


def well(agent: RunningAgent) -> None:
    """See that the agent carries a run, and that nothing was raised in it."""
    options = {"scenario": "task", "transport": "null", "delay": "1ms", "concurrency": "1", "duration": "1s"}
    answer = agent.post("/api/runs", {"options": options})
    assert answer.status == HTTPStatus.CREATED, answer.body
    deadline_s = time.monotonic() + SOON_S
    while agent.get("/api/state").json["running"] is not None:
        assert time.monotonic() < deadline_s, "the last run does not end"
        time.sleep(0.1)
    result = agent.get(f"/api/runs/{answer.json['run_id']}/result.json")
    assert result.json["stages"][0]["counts"]["ok"] > 0, result.body
    assert "Traceback" not in agent.log, agent.log


class Sink:
    """The lab's own target that answers at once, in a process of its own."""

    def __enter__(self) -> Self:
        words = [sys.executable, "-m", "loadlab.targets.sink_process"]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)


if __name__ == "__main__":
    main()
