"""Ways around the agent's rules, tried over a real connection; tests/unit/agent has the rules themselves."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
from pathlib import Path

import pytest

from loadlab.agent.access import Guard
from loadlab.agent.api import Api
from loadlab.agent.runs import Runs
from loadlab.agent.server import Listening, serving
from loadlab.errors import UsageError
from loadlab.metrics import Metrics
from loadlab.options.target import TargetOptions
from loadlab.results.archive import Archive
from loadlab.runs.runners import of_its_own
from support.agents import JSON, NULL, RunningAgent, rss_bytes
from support.live import descendants

pytestmark = pytest.mark.real
TOKEN = "c0ffee" * 8
RUN = json.dumps({"options": NULL}).encode()


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """On loopback, with the token that it makes itself."""
    with RunningAgent(tmp_path_factory.mktemp("agent")) as running:
        yield running
        assert running.running() is None
        assert running.log == ""


@pytest.fixture(scope="module")
def open_agent(tmp_path_factory):
    """On every address, with a token: as in the client container."""
    folder = tmp_path_factory.mktemp("open")
    with RunningAgent(folder, "--bind", "0.0.0.0:0", LOADLAB_TOKEN=TOKEN) as running:
        yield running
        assert running.log == ""


def test_every_answer_forbids_the_browser_what_the_page_does_not_need(agent):
    paths = ("/", "/api/state", "/nowhere", "/metrics", "/static/none.js")
    with agent.follow("/api/events") as stream:
        answers = [*(agent.get(path).headers for path in paths), stream.headers]
    for headers in answers:
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_a_page_is_asked_for_again_only_where_it_has_changed(agent):
    first = agent.get("/")
    assert first.headers["Content-Type"] == "text/html; charset=utf-8"
    assert first.headers["Cache-Control"] == "no-cache"
    again = agent.get("/", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert agent.get("/api/state").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../api.py",
        "/static/..%2fapi.py",
        "/static/%2e%2e/api.py",
        "/static/..%5capi.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/index.html%00.js",
        "/static/api.py",
        "/static/.html",
        "/static/",
        "/static/INDEX.HTML",
        "/page/index.html",
        "/index.html",
        "//etc/passwd",
    ],
)
def test_no_other_file_is_served(agent, path):
    answer = agent.get(path)
    assert answer.status == 404
    assert "error" in answer.json


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "..%2f..%2fetc",
        "%2fetc",
        "..%5c..",
        ".%00",
        "%252e%252e",
        "x%0d%0aSet-Cookie:%20a=b",
        "a" * 5000,
        "%ff",
    ],
)
def test_a_name_of_a_run_is_no_path(agent, name):
    (agent.folder / "result.json").write_text("{}")
    for tail in ("result.json", "events"):
        assert agent.get(f"/api/runs/{name}/{tail}").status in (400, 404)
    assert agent.post(f"/api/runs/{name}/stop").status in (400, 404)


def test_a_name_that_was_made_to_point_here_is_refused(agent):
    """DNS rebinding: the page's own origin, and a Host that the browser believes."""
    for path in ("/", "/api/state", "/metrics", "/healthz"):
        assert agent.get(path, Host=f"evil.example:{agent.port}").status == 403
    origin = f"http://evil.example:{agent.port}"
    assert (
        agent.post("/api/runs", {"options": NULL}, Host=f"evil.example:{agent.port}", Origin=origin).status
        == 403
    )


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost", "file://"])
def test_a_page_of_another_origin_reads_nothing_and_starts_nothing(agent, origin):
    assert agent.get("/api/runs", Origin=origin).status == 403
    assert agent.get("/api/events", Origin=origin).status == 403
    assert agent.post("/api/runs", {"options": NULL}, Origin=origin).status == 403


def test_a_preflight_is_not_answered_with_leave(agent):
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = agent.ask("OPTIONS", "/api/runs", **headers)
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_any_page_starts_nothing(agent, kind):
    assert agent.ask("POST", "/api/runs", RUN, Content_Type=kind).status == 415


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_no_other_method_starts_or_stops(agent, method):
    for path in ("/api/runs?_method=POST", "/api/runs/x/stop"):
        answer = agent.ask(method, path, RUN, **JSON, X_HTTP_Method_Override="POST", X_Method_Override="POST")
        assert answer.status in (200, 400, 404, 405)
        assert agent.running() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": f"Bearer {TOKEN[:-1]}0"},
        {"Authorization": f"Bearer {TOKEN}0"},
        {"Authorization": "Bearer "},
        {"Authorization": TOKEN},
        {"Authorization": "", "Cookie": f"token={TOKEN}"},
        {"Authorization": "", "X_HTTP_Method_Override": "GET"},
    ],
)
@pytest.mark.parametrize("path", ["/api/runs", f"/api/runs?token={TOKEN}", "/api/runs/x", "/api/runs/x/stop"])
def test_without_the_token_nothing_is_started_or_stopped(open_agent, headers, path):
    answer = open_agent.ask("POST", path, RUN, **JSON, **headers)
    assert answer.status == 401
    assert "token" in answer.error
    assert TOKEN not in answer.error
    assert open_agent.running() is None


def test_with_the_token_a_run_is_started_and_stopped(open_agent):
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": open_agent.url.replace("127.0.0.1", "localhost")}
    headers["Host"] = headers["Origin"].removeprefix("http://")
    answer = open_agent.post("/api/runs", {"options": NULL | {"duration": "20s"}}, **headers)
    assert answer.status == 201
    for _ in range(2):
        assert open_agent.post(f"/api/runs/{answer.json['run_id']}/stop", **headers).status == 202
    open_agent.ended(answer.json["run_id"])


RESULT = "/api/runs/20260101-000000-task-0000/result.json"


@pytest.mark.parametrize(
    "path", ["/api/state", "/api/runs", "/api/events", RESULT, "/nowhere", "/%61pi/state"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_without_the_token_nothing_is_read(agent, open_agent, method, path):
    for each in (agent, open_agent):
        answer = each.ask(method, path, Authorization="")
        assert answer.status == 401
        assert each.token.encode() not in answer.body


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/healthz", "/metrics", "/?a=b"])
def test_the_page_its_health_and_its_metrics_are_open_and_never_hold_the_token(agent, open_agent, path):
    for each in (agent, open_agent):
        answer = each.ask("GET", path, Authorization="")
        assert answer.status == 200
        assert each.token.encode() not in answer.body


@pytest.mark.parametrize(
    "path", ["/static/../api/state", "/static/%2e%2e/api/state", "/static/x/../../api/state"]
)
def test_no_way_of_writing_a_path_makes_it_an_open_one(agent, path):
    assert agent.get(path, Authorization="").status in (401, 404)


def test_a_link_elsewhere_may_open_the_page_and_no_other_site_reads_anything(agent):
    elsewhere = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert agent.get("/", **elsewhere).status == 200
    for path in ("/static/app.js", "/metrics", "/healthz", "/api/state"):
        assert agent.get(path, **elsewhere).status == 403


def test_on_loopback_it_makes_a_token_of_its_own_each_time(agent, tmp_path):
    with RunningAgent(tmp_path) as another:
        assert len(another.token) == len(agent.token) == 48
        assert another.token != agent.token
        assert another.get("/api/state").status == 200
        assert another.get("/api/state", Authorization=agent.authorization).status == 401


def test_a_token_that_was_given_is_not_printed(tmp_path):
    with RunningAgent(tmp_path, LOADLAB_TOKEN=TOKEN) as agent:
        assert agent.get("/api/state").status == 200
        assert agent.get("/api/state", Authorization="").status == 401
        assert agent.printed == f"The live page is at {agent.url}/\n"


@pytest.mark.parametrize("token", ["a b", "x" * 257, "gehe\u00edm", "\x1b[31m"])
def test_a_token_that_no_header_can_hold_is_refused(token, tmp_path):
    listening = pytest.raises(UsageError, match=r"^LOADLAB_TOKEN: use 1 to 256 visible ASCII characters$")
    with listening:
        Listening("127.0.0.1:0", None, token)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 10_000 + b"\r\n\r\n",
    ],
    ids=["first line", "lines", "one line"],
)
def test_a_head_over_the_limit_is_a_bad_request(head, agent):
    with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as connection:
        connection.sendall(head)
        assert connection.recv(100).split()[1] == b"400"


def test_what_it_starts_never_sees_the_token(open_agent):
    leave = {"Authorization": f"Bearer {TOKEN}"}
    options = {"scenario": "task", "concurrency": "2", "duration": "30s"}
    run_id = open_agent.post("/api/runs", {"options": options}, **leave).json["run_id"]
    with open_agent.follow() as follower:
        follower.until("Tick")
        below = descendants(open_agent.pid)
        told = b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in below)
        for _ in range(2):
            open_agent.post(f"/api/runs/{run_id}/stop", **leave)
        follower.until("RunEnded")
    assert len(below) >= 3, "the target, its worker and the client's"
    assert b"PATH=" in told
    assert TOKEN.encode() not in told


def test_open_to_the_network_without_a_token_nothing_can_be_read_or_started(tmp_path):
    with RunningAgent(tmp_path, "--bind", "0.0.0.0:0") as agent:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            for refused in (
                agent.post("/api/runs", {"options": NULL}, **headers),
                agent.get("/api/state", **headers),
            ):
                assert refused.status == 403
                assert "has no token" in refused.error
        assert agent.get("/healthz").status == 200


def test_a_body_over_the_limit_is_refused_whatever_it_says_of_its_length(agent):
    large = b'{"options": {"scenario": "' + b"x" * 300_000 + b'"}}'
    assert agent.ask("POST", "/api/runs", large, **JSON).status == 413
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=20)
    pieces = (large[at : at + 10_000] for at in range(0, len(large), 10_000))
    connection.request(
        "POST", "/api/runs", pieces, JSON | {"Authorization": agent.authorization}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_without_an_end_is_answered_and_costs_no_memory(agent):
    before = rss_bytes(agent.pid)
    with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as endless:
        head = "POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"Authorization: {agent.authorization}\r\n"
        endless.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for _ in range(5_000):
                endless.sendall(b"2000\r\n" + b"[" * 0x2000 + b"\r\n")
        assert endless.recv(100).startswith(b"HTTP/1.1 413 ")
    assert rss_bytes(agent.pid) - before < 10 * 2**20


HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "sent", [b"", HEAD, HEAD + b"\r\n", HEAD + b"\r\n" + HEAD], ids=["silent", "slow", "idle", "slow again"]
)
def test_a_connection_without_a_whole_request_is_closed(sent, tmp_path):
    slow = sent.endswith(b"localhost\r\n")  # it sends a header now and then, as slow attackers do

    async def is_closed() -> bytes:
        listening = Listening("127.0.0.1:0", None, None)
        metrics = Metrics()
        api = Api(
            Runs(of_its_own(TargetOptions()), tmp_path, metrics),
            metrics,
            Archive(tmp_path),
            Guard("127.0.0.1", None),
        )
        async with serving(api, listening.tcp, idle_s=0.4):
            loop = asyncio.get_running_loop()
            with socket.create_connection(listening.tcp.getsockname()) as connection:
                connection.settimeout(0)
                await loop.sock_sendall(connection, sent)
                heard = asyncio.create_task(heard_until_closed(connection, reset=slow))
                while not heard.done():
                    if slow:
                        with contextlib.suppress(ConnectionError):  # closed already, as `heard` tells
                            await loop.sock_sendall(connection, b"X: y\r\n")
                    await asyncio.sleep(0.1)
                return heard.result()

    async def within_a_time() -> bytes:
        async with asyncio.timeout(10):
            return await is_closed()

    # Nothing else: a refusal, as of too many headers, would close it too.
    statuses = re.findall(rb"HTTP/1\.\d (\d+)", asyncio.run(within_a_time()))
    assert statuses == [b"200"] * sent.count(b"\r\n\r\n")


async def heard_until_closed(connection, *, reset):
    """Return what came; the end is a reset where a header of ours may have crossed the close."""
    heard = b""
    with contextlib.suppress(*[ConnectionResetError] if reset else []):
        while piece := await asyncio.get_running_loop().sock_recv(connection, 65536):
            heard += piece
    return heard


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"options": {"scenario": "\xff"}}']
)
def test_a_body_that_is_no_run_is_a_bad_request_and_no_error_of_ours(agent, body):
    answer = agent.ask("POST", "/api/runs", body, **JSON)
    assert answer.status == 400
    assert answer.error


def plan_of(agent, **changed):
    """The plan of a run of the null transport, as this agent tells it, with something else in it."""
    with agent.follow(f"/api/runs/{agent.start()}/events") as follower:
        plan = follower.until("RunBegan")["plan"]
        follower.until("RunEnded")
    return plan | changed


def test_a_plan_is_carried_and_one_that_names_another_address_anywhere_is_not(agent):
    plan = plan_of(agent)
    accepted = agent.post("/api/runs", {"plan": plan})
    assert accepted.status == 201
    agent.ended(accepted.json["run_id"])
    [request] = plan["requests"]
    for url in (
        "http://evil.example/",
        "http://null@evil.example/",
        "http://null:80@evil.example/",
        "http://127.0.0.1:1/",
    ):
        for changed in (
            {"target": url},
            {"requests": [request | {"url": url}]},
            {"requests": [request, request | {"url": url}]},
        ):
            for transport in ("null", "aiohttp"):
                refused = agent.post("/api/runs", {"plan": plan | {"transport": transport} | changed})
                assert refused.status == 400
                assert re.search("is not (at the plan's target|the target of this agent)", refused.error)


def test_absurd_numbers_in_a_plan_are_refused(agent):
    plan = plan_of(agent)
    for changed in (
        {"stages": [{"concurrency": 10**9}]},
        {"stages": [{"concurrency": 1}] * 1000},
        {"stages": []},
        {"duration_ns": 10**18},
        {"duration_ns": 10**40},
        {"duration_ns": -1},
        {"timeout_ns": 10**15, "drain_ns": 10**15},
        {"processes": 10**6},
        {"processes": 0},
        {"seed": 10**30},
        {"think_ns": 10**17},
        {"warmup_ns": -5},
        {"expect_status": [{"first": 0, "last": 10**9}] * 10_000},
    ):
        refused = agent.post("/api/runs", {"plan": plan | changed})
        assert refused.status in (400, 413), changed
        assert refused.error


def test_a_run_that_outlives_its_connection_is_named_by_the_agent_alone(agent):
    for name in ("mine", "../../etc", "20260101-000000-task-0000"):
        refused = agent.post("/api/runs", {"options": NULL, "run_id": name})
        assert refused.status == 400
        assert "run_id" in refused.error
