"""The agent of the stack: its page, its token, the runs that are started there, and how each of them ends."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {"scenario": "pool", "concurrency": "2,8", "duration": "2s"}


def start(stack, **options):
    status, answer = stack.agent("/api/runs", {"options": OPTIONS | options})
    assert status == 201, answer
    return answer["run_id"]


def running(stack):
    return stack.agent("/api/state")[1]["running"]


def within(seconds, condition):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def result(stack, run_id):
    return stack.agent(f"/api/runs/{run_id}/result.json")[1]


def ended(stack, run_id):
    within(90, lambda: running(stack) is None)  # as long as a busy machine may take
    return result(stack, run_id)


def test_up_names_the_page_and_open_hands_it_the_token(stack, monkeypatch):
    for screen in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(screen, raising=False)
    assert f"  live page   http://127.0.0.1:{stack.agent_port} " in stack.up()
    opened = stack.run_make("--silent", "open")
    assert opened.stdout == f"http://127.0.0.1:{stack.agent_port}/#token={stack.token}\n", opened.stderr


def test_open_without_a_stack_says_what_to_do(second_stack):
    opened = second_stack.run_make("open")
    assert opened.returncode != 0
    assert opened.stderr.startswith("The stack is not up: 'make up' starts it.")


def test_the_token_is_for_its_owner_alone_and_stays_while_the_stack_does(stack):
    file = ROOT / ".stack" / stack.project / "token"
    token = stack.token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(token) == 48
    ignored = subprocess.run(["git", "check-ignore", "-q", str(file)], cwd=ROOT, check=False)
    assert ignored.returncode == 0
    stack.up()
    assert stack.token == token
    stack.down()
    assert not file.exists()
    stack.up()
    assert stack.token != token


@pytest.mark.either_compose
def test_a_run_from_the_page_needs_the_token_and_lands_beside_those_of_make_run(stack):
    for asked in ({"options": OPTIONS}, None):
        assert stack.agent("/api/runs", asked, Authorization="")[0] == 401
    run_id = start(stack)
    assert running(stack)["run_id"] == run_id
    found = ended(stack, run_id)
    assert (found["verdict"], len(found["stages"])) == ("pass", 2)
    assert (stack.results / run_id / "result.json").is_file()
    assert stack.agent("/api/runs?limit=1")[1][0]["run_id"] == run_id


@pytest.mark.either_compose
def test_a_run_of_the_host_is_listed_on_the_page_and_nobody_elses_to_read(stack):
    """Also where the host's user is root, and the client container is not."""
    command = [sys.executable, "-m", "loadlab", "run", "task", "--concurrency", "2", "--duration", "300ms"]
    done = subprocess.run(
        [*command, "--label", "of the host", "--out", str(stack.results)],
        cwd=ROOT,
        env=os.environ | {"COMPOSE_PROJECT_NAME": stack.project},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr
    (listed,) = [run for run in stack.agent("/api/runs")[1] if run["label"] == "of the host"]
    assert listed["command"].startswith("loadlab run task --concurrency 2 --duration 300ms")
    folder = stack.results / listed["run_id"]
    assert {path.name for path in folder.iterdir()} == {"result.json", "target.log"}
    assert not any(path.stat().st_mode & 0o007 for path in (folder, *folder.iterdir()))
    assert stack.agent(f"/api/runs/{listed['run_id']}/result.json")[1]["label"] == "of the host"


@pytest.mark.either_compose
def test_a_result_names_the_app_of_the_stack_with_its_commit(stack, tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(
        "def sell(environ, start):\n    start('200 OK', [('Content-Length', '0')])\n    return []\n"
    )
    for words in (
        ["init", "--quiet"],
        ["add", "shop.py"],
        ["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "one"],
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    commit = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        stack.up(TARGET_APP="shop:sell", APP_DIR=folder)
        app = ended(stack, start(stack))["app"]
        assert app == {"module": "shop:sell", "revision": commit, "dirty": False}
        (folder / "shop.py").write_text(f"# changed\n{(folder / 'shop.py').read_text()}")
        stack.up(TARGET_APP="shop:sell", APP_DIR=folder)
        assert ended(stack, start(stack))["app"] == app | {"dirty": True}
    finally:
        stack.up()


@pytest.mark.either_compose
def test_what_prometheus_has_of_a_run_is_what_the_result_has(stack):
    run_id = start(stack)
    found = ended(stack, run_id)
    stack.wait_for_scrape("client")
    counted = stack.prometheus(f'sum by (outcome) (loadlab_requests_total{{run="{run_id}"}})')
    ok = next(value for labels, value in counted if labels["outcome"] == "ok")
    assert ok == sum(stage["counts"]["ok"] for stage in found["stages"]) > 0
    [(_, sent)] = stack.prometheus(f'sum(loadlab_sent_requests_total{{run="{run_id}"}})')
    assert sent == sum(stage["sent_total"] for stage in found["stages"])
    assert not any(check["name"] == "scraped" for check in found["checks"])


@pytest.mark.either_compose
def test_a_run_while_another_goes_on_is_refused_with_who_that_is(stack, tmp_path):
    run_id = start(stack, duration="30s")
    command = [sys.executable, "-m", "loadlab", "run", "task", "--out", str(tmp_path / "results")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"COMPOSE_PROJECT_NAME": stack.project},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"{run_id} is under way (pool, since" in done.stderr
    assert not list(tmp_path.glob("results/*"))
    inside = stack.exec("client", "loadlab", "run", "task")
    assert inside.returncode == 2
    assert f"{run_id} is under way" in inside.stderr
    for _ in range(2):
        stack.agent(f"/api/runs/{run_id}/stop", {})
    assert ended(stack, run_id)["interrupted"] is True


@pytest.mark.either_compose
def test_a_client_that_is_stopped_drains_and_keeps_what_was_measured(stack, mended):
    run_id = start(stack, duration="60s", warmup="0")
    time.sleep(4)
    asked = time.monotonic()
    stack.container("client").stop(timeout=20)
    assert time.monotonic() - asked < 12
    assert stack.container("client").attrs["State"]["ExitCode"] == 0
    stack.up()
    found = result(stack, run_id)
    assert found["interrupted"] is True
    assert found["stages"][0]["counts"]["ok"] > 0


@pytest.mark.either_compose
def test_a_target_and_a_prometheus_that_are_restarted_cost_a_run_and_not_the_agent(stack, mended):
    run_id = start(stack, duration="60s", warmup="0")
    time.sleep(3)
    stack.container("target").kill()
    found = ended(stack, run_id)
    assert "its container has stopped" in found["target_lost"]
    stack.container("prometheus").restart(timeout=5)
    stack.up()
    assert ended(stack, start(stack))["verdict"] == "pass"


def test_without_make_nothing_can_be_read_or_started_over_the_network_and_inside_it_can(
    stack, mended, engine
):
    """`docker compose up` alone: no token, and results in a volume, which stays when all else goes."""
    stack.down()
    up = subprocess.run(
        [*stack.compose.split(), "up", "-d", "--no-build", "target", "client"],
        cwd=ROOT,
        env=os.environ
        | {
            "COMPOSE_PROJECT_NAME": stack.project,
            "TARGET_PORT": str(stack.target_port),
            "AGENT_PORT": str(stack.agent_port),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert up.returncode == 0, up.stderr
    within(60, lambda: stack.container("client").attrs["State"]["Health"]["Status"] == "healthy")
    for asked in ({"options": OPTIONS}, None):
        status, answer = stack.agent("/api/runs", asked, Authorization="")
        assert status == 403
        assert "has no token" in answer["error"]
    inside = stack.exec("client", "loadlab", "run", "pool", "--concurrency", "2", "--duration", "1s")
    assert inside.returncode == 0, inside.stderr
    stack.down()
    assert engine.volumes.get(f"{stack.project}_results")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "target:9200"])
def test_a_name_that_was_made_to_point_here_is_refused(stack, host):
    status, answer = stack.agent("/api/state", Host=host)
    assert status == 403
    assert "does not answer to the name" in answer["error"]


def test_the_client_is_whoever_ran_make_up_and_never_root(stack):
    ours = "10001" if os.getuid() == 0 else str(os.getuid())
    assert stack.exec("client", "id", "-u").stdout.strip() == ours
