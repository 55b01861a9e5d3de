"""No secret that is put in comes out: every input of a run has a marked one, and every outlet is read."""

import asyncio
import json
import os
import stat
import subprocess
import threading

import pytest

from loadlab.fleet.stop import Control
from loadlab.results import run_folder
from loadlab.stack.run_in_stack import StackRunner
from loadlab.workload.plan import Request
from support.agents import RunningAgent
from support.fake_stack import LocalStack, carried
from support.labs import LOADLAB
from support.live import PATIENCE_S, descendants, processes, users_of, wait_until
from support.marks import Echo, below, found, mark, token

pytestmark = pytest.mark.real

USERINFO = f"{token('user')}:{token('pass')}"
SHORT = ["--concurrency", "2", "--duration", "600ms", "--warmup", "0"]


def options(folder, where):
    """Return options with a secret in each place that has one, and the environment that they need."""
    (folder / "headers").write_text(f"# a comment\nX-File: {mark('file')}\n\nX-Two: {mark('two')}\n")
    return [
        "--target", f"http://{USERINFO}@{where}",
        "--path", f"/?token={token('token')}&own={token('own')}&x=1",
        "--header", f"Cookie: session={token('cookie')}; b={token('crumb')}",
        "--header", f"Proxy-Authorization: Bearer {token('proxy')}",
        "--header", f"X-Own: {mark('header')}",
        "--header", "@headers",
        "--header-env", "X-Env=SECRET_OF_THE_TEST",
        "--secret-header", "x-own",
        "--secret-query", "OWN",
        "--method", "POST",
        "--body", mark("body"),
    ]  # fmt: skip


class Watched:
    """The command lines of every process below one, as long as it runs."""

    def __init__(self, pid):
        self.lines = set()
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.02):
            own = getattr(processes().get(self._pid), "command", None)
            # A child that is about to be one has its parent's for a moment.
            self.lines |= {each.command for each in descendants(self._pid).values()} - {own}


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_TEST", mark("variable"))


def clean(outlets):
    """Assert that no outlet holds a mark."""
    leaks = {name: found(data, pairs=(USERINFO,)) for name, data in outlets.items()}
    assert not {name: places for name, places in leaks.items() if places}


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("scenario", "transport"), [("task", "aiohttp"), ("pool", "wire"), ("threads", "requests")]
)
@pytest.mark.parametrize("garbled_from", [0, 20, 1 << 30])
def test_no_secret_of_a_run_of_the_command_line_comes_out(lab, scenario, transport, garbled_from):
    with Echo(garbled_from) as server:
        process = lab.start(
            "run", scenario, "--transport", transport, *SHORT, *options(lab.folder, server.where)
        )
        with Watched(process.pid) as watched:
            out, err = process.communicate(timeout=PATIENCE_S)
        asked = "".join(server.seen)
    for name in ("token", "own", "cookie", "crumb", "proxy", "header", "file", "two", "variable", "body"):
        assert token(name) in asked, name
    assert watched.lines
    shown = lab("show", "latest")
    clean(
        {"stdout": out.encode(), "stderr": err.encode(), "children": "\n".join(watched.lines).encode()}
        | {"show": shown.stdout.encode() + shown.stderr.encode()}
        | below(lab.out)
    )
    (result,) = lab.results()
    assert result["stages"][0]["counts"]["scheduled"]
    assert "***" in json.dumps(result["plan"])
    if garbled_from:
        assert result["stages"][0]["redirected_to"]


@pytest.mark.usefixtures("environment")
def test_json_is_the_result_that_was_kept(lab):
    with Echo() as server:
        done = lab("run", "task", *SHORT, *options(lab.folder, server.where), "--json")
    clean({"stdout": done.stdout.encode(), "stderr": done.stderr.encode()})
    assert json.loads(done.stdout) == lab.results()[0]


MISTAKES = {
    "no such target": ["--target", f"http://{USERINFO}@127.0.0.1:1/"],
    "no target": ["--target", f"htp://{USERINFO}@127.0.0.1/"],
    "no port": ["--target", f"http://{token('user')}:{token('pa')}/{token('ss')}@127.0.0.1:1/"],
    "no address": ["--target", f"http://{USERINFO}@nowhere.invalid/"],
    "not near": ["--target", f"http://{USERINFO}@192.0.2.1/"],
    "two paths": ["--target", f"http://{USERINFO}@127.0.0.1/a", "--path", "/b"],
    "a blank": ["--path", f"/a b?token={token('token')}"],
    "no path": ["--path", f"http://{USERINFO}@127.0.0.1/?token={token('token')}"],
    "no quotes": ["--header", "Authorization:", "Bearer", token("bare")],
    "no colon": ["--header", f"Bearer {token('bare')}"],
    "a late colon": ["--header", f"Authorization {token('bare')}: x"],
    "a control": ["--header", f"Authorization: {token('bare')}\x01"],
    "no variable": ["--header-env", f"Authorization={token('bare')}"],
    "no name": ["--header-env", f"Bearer {token('bare')}"],
    "a file": ["--header", "@bad-headers"],
    "a request file": ["--requests-file", "bad-requests"],
    "another option": ["--header", f"Authorization: {token('bare')}", "--duration", "x"],
    "no target of the null": ["--transport", "null", "--target", f"http://{USERINFO}@127.0.0.1/"],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_refusal_quotes_no_secret(lab, name):
    (lab.folder / "bad-headers").write_text(f"Authorization {token('line')}\n")
    (lab.folder / "bad-requests").write_text(
        json.dumps([{"headers": {"Cookie": f"{token('a')}\x01"}, "body": token("b")}])
    )
    done = lab("run", "task", *MISTAKES[name])
    assert done.returncode in (2, 4), done.stderr
    assert done.stderr.strip()
    clean({"stdout": done.stdout.encode(), "stderr": done.stderr.encode()})
    assert not lab.results()


def test_an_app_that_logs_what_it_is_asked_leaves_no_secret_in_its_log(lab):
    (lab.folder / "telling.py").write_text(
        "import sys\n"
        "def app(environ, start):\n"
        "    size = int(environ.get('CONTENT_LENGTH') or 0)\n"
        "    print(environ, environ['wsgi.input'].read(size), file=sys.stderr, flush=True)\n"
        "    start('200 OK', [('Content-Length', '0')])\n"
        "    return []\n"
    )
    done = lab(
        "run", "task", "--app", "telling:app", *SHORT, "--path", f"/?token={token('token')}",
        "--header", f"Authorization: Bearer {token('bearer')}", "--body", token("body"),
    )  # fmt: skip
    assert lab.exits(done, 0), done.stderr
    (log,) = lab.out.glob("*/target.log")
    assert b"HTTP_AUTHORIZATION" in log.read_bytes()
    clean(below(lab.out))


def test_an_app_that_does_not_start_is_quoted_without_secrets(lab):
    (lab.folder / "broken.py").write_text(f"raise ValueError('http://{USERINFO}@db/ {token('bearer')}')\n")
    done = lab("run", "task", "--app", "broken:app", "--header", f"Authorization: Bearer {token('bearer')}")
    assert done.returncode == 4, done.stderr
    assert "ValueError" in done.stderr
    clean({"stderr": done.stderr.encode()})


def test_folders_and_files_of_results_are_their_owners_alone(lab):
    before = os.umask(0)
    try:
        done = lab("run", "task", *SHORT, "--delay", "1ms")
    finally:
        os.umask(before)
    assert lab.exits(done, 0), done.stderr
    (folder,) = lab.out.iterdir()
    assert modes(folder) == {"result.json": 0o600, "target.log": 0o600, ".": 0o700}


def modes(folder):
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def test_a_run_of_the_agent_tells_no_secret(tmp_path):
    posted = {
        "scenario": "task",
        "concurrency": "2",
        "duration": "1s",
        "path": f"/?token={token('token')}&own={token('own')}",
        "header": [f"Authorization: Bearer {token('bearer')}", f"X-Own: {mark('header')}"],
        "secret_header": ["X-Own"],
        "secret_query": ["own"],
        "body": mark("body"),
    }
    with Echo() as server, Watchful(tmp_path, "--target", f"http://{USERINFO}@{server.where}") as agent:
        run_id = agent.start(posted)
        with Watched(agent.pid) as watched, agent.follow() as follower:
            metrics = wait_until(
                lambda: text if run_id in (text := agent.get("/metrics").body.decode()) else None
            )
            state = agent.get("/api/state").body
            follower.until("RunEnded", "Refused")
        answers = {
            path: agent.get(path).body
            for path in ("/api/runs", f"/api/runs/{run_id}/result.json", "/metrics", "/")
        }
        refused = {
            f"refused {number}": agent.post("/api/runs", value).body
            for number, value in enumerate(refusals(posted))
        }
        outlets = {
            "events": json.dumps(follower.events).encode(),
            "metrics": metrics.encode(),
            "state": state,
            "children": "\n".join(watched.lines).encode(),
            "greeting": agent.greeting.encode(),
        }
        assert b"Refused" not in outlets["events"]
        agent.end()
        outlets["log"] = agent.log.encode()
    assert token("bearer") in "".join(server.seen)
    clean(outlets | answers | refused | below(tmp_path / "results"))
    assert modes(tmp_path / "results" / run_id) == {"result.json": 0o600, "target.log": 0o600, ".": 0o700}


class Watchful(RunningAgent):
    """An agent whose greeting is kept."""

    @property
    def greeting(self):
        return self.process.stdout.readline()


def refusals(posted):
    """Give what the agent refuses, each with a secret in it."""
    for changed in (
        {"header": f"Authorization: {token('bare')}"},
        {"header": [f"Bearer {token('bare')}"]},
        {"header": [f"Authorization: {token('bare')}\x01"]},
        {"header": [f"@{token('bare')}"]},
        {"body": [token("bare")]},
        {"path": {"a": token("bare")}},
        {"path": f"a?token={token('bare')}"},
        {"duration": "x"},
    ):
        yield {"options": posted | changed}
    request = {"url": f"http://{USERINFO}@elsewhere/", "headers": [["Authorization", token("bare")]]}
    plan = {
        "scenario": "task",
        "transport": "aiohttp",
        "workload": "closed",
        "target": f"http://{USERINFO}@elsewhere/",
        "requests": [request],
        "stages": [{"concurrency": 1}],
    }
    yield {"plan": plan}
    yield {"plan": plan | {"target": [token("bare")]}}
    yield {"plan": plan | {"requests": [request | {"weight": token("bare")}]}}


def test_a_plan_as_a_result_keeps_it_is_refused_with_what_it_lacks(tmp_path):
    with Echo() as server, RunningAgent(tmp_path, "--target", f"http://{server.where}") as agent:
        run_id = agent.start(
            {"scenario": "task", "concurrency": "1", "duration": "300ms", "warmup": "0", "body": "b0dy"}
            | {"header": ["Authorization: Bearer b3arer"]}
        )
        agent.ended(run_id)
        plan = agent.result(run_id)["plan"] | {"address": None}
        answer = agent.post("/api/runs", {"plan": plan})
    assert answer.status == 400
    assert "headers: Authorization is masked (***)" in answer.error
    assert "body: results keep its length alone" in answer.error


def test_no_secret_leaves_the_stack(tmp_path):
    """A plan goes to the agent in the body of a request; nothing is kept there."""
    with Echo() as server:
        target = f"http://{USERINFO}@{server.where}"
        with RunningAgent(tmp_path, LOADLAB_TARGET=target, LOADLAB_TARGET_METRICS="") as agent:
            stack = LocalStack(agent, target)
            plan = users_of(
                "task",
                2,
                target=target,
                requests=(
                    Request(
                        url=f"{target}/?token={token('token')}", headers=(("Cookie", f"a={token('a')}"),)
                    ),
                ),
            )
            folder = run_folder.Folder(tmp_path / "host", "task")
            events = []
            stack.log = logged
            result = asyncio.run(StackRunner(stack).run(plan, folder, Control(), events.append))
            folder.write(result)
            kept_in_agent = agent.log
    assert token("a") in "".join(server.seen)
    clean({"events": repr(events).encode(), "agent": kept_in_agent.encode()} | below(tmp_path / "host"))


async def logged(_since_s):
    return f"GET /?token={token('token')} {token('a')} //{USERINFO}@host".encode()


def test_a_lost_agent_leaves_no_secret_in_what_is_kept(tmp_path):
    with Echo(garbled_from=1 << 30) as server:
        target = f"http://{USERINFO}@{server.where}"
        with RunningAgent(tmp_path, LOADLAB_TARGET=target, LOADLAB_TARGET_METRICS="") as agent:
            stack = LocalStack(agent, target)
            plan = users_of("task", 2, 30_000_000_000, target=target, requests=(Request(url=f"{target}/"),))

            def tell(event):
                if type(event).__name__ == "Tick":
                    agent.process.kill()

            folder = run_folder.Folder(tmp_path / "host", "task")
            result = asyncio.run(carried(StackRunner(stack), plan, folder, Control(), tell))
            folder.write(result)
    assert result.checks[0].name == "client", result
    clean(below(tmp_path / "host"))


def test_a_crash_of_the_lab_is_told_without_secrets(lab):
    code = (
        "import sys\n"
        "def choose(target, *_, **__): raise RuntimeError(f'no: {target}')\n"
        "from loadlab.cli import main\n"
        "sys.modules['loadlab.cli.run'].choose = choose\n"
        f"sys.argv = ['loadlab', 'run', 'task', '--target', 'http://{USERINFO}@host/']\n"
        "main()\n"
    )
    done = subprocess.run([LOADLAB[0], "-c", code], cwd=lab.folder, capture_output=True, check=False)
    assert done.returncode == 70
    assert b"RuntimeError: no: http://***@host/" in done.stderr
    clean({"stdout": done.stdout, "stderr": done.stderr})
