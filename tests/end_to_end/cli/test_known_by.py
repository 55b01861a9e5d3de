"""What a person knows a run by: its command line, its label, and the app with its git revision."""

import json
import os
import subprocess

import pytest

from support.agents import NULL, RunningAgent
from support.labs import LOADLAB, QUICK

pytestmark = pytest.mark.real

APP = "def app(environ, start):\n    start('200 OK', [('Content-Length', '0')])\n    return []\n"
SERVED = ["--concurrency", "2", "--duration", "300ms", "--warmup", "0"]


def git(folder, *words):
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=os.environ | own, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(lab):
    """A checkout with an app in it; the lab runs there."""
    (lab.folder / "shop.py").write_text(APP)
    git(lab.folder, "init", "--quiet")
    git(lab.folder, "add", "shop.py")
    git(lab.folder, "commit", "--quiet", "--message", "one")
    return lab.folder


def app_of(lab, *words):
    done = lab("run", "task", "--app", "shop:app", *SERVED, *words)
    assert lab.exits(done, 0), done.stderr
    return lab.results()[-1]["app"], done.stdout


def test_the_result_has_the_command_line_and_the_label_and_shows_them(lab):
    done = lab("run", "task", *QUICK, "--label", "before the change", "--header", "Authorization: x")
    assert lab.exits(done, 0), done.stderr
    (result,) = lab.results()
    assert result["label"] == "before the change"
    assert result["command"] == (
        "loadlab run task --concurrency 2 --duration 300ms --warmup 0 --delay 10ms"
        " --label 'before the change' --header 'Authorization: ***'"
    )
    assert result["app"] is None
    shown = lab("show", "latest").stdout
    assert "before the change\n" in done.stdout
    assert "before the change\n" in shown
    assert shown.splitlines()[1] == result["command"]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("", "it is empty; leave it out"),
        ("  ", "it is empty; leave it out"),
        ("x" * 81, "it has 81 characters; 80 is the most"),
        ("a\x1bb", "it holds a sign that can't be printed"),
        ("a\u202eb", "it holds a sign that can't be printed"),
        ("a\nb", "it holds a sign that can't be printed"),
        ("\udcff", "it holds a sign that can't be printed"),
    ],
)
def test_what_can_be_no_label_is_refused(lab, label, said):
    done = lab("run", "task", *QUICK, "--label", label)
    assert done.returncode == 2
    assert done.stderr == f"loadlab: --label: {said}\n"
    assert not lab.out.exists()


def test_an_app_is_told_with_the_commit_of_its_folder(lab, checkout):
    app, printed = app_of(lab)
    commit = git(checkout, "rev-parse", "HEAD")
    assert app == {"module": "shop:app", "revision": commit, "dirty": False}
    assert f"app: shop:app at {commit[:10]}\n" in printed


def test_an_app_that_was_changed_is_told_to_be(lab, checkout):
    (checkout / "shop.py").write_text(f"# changed\n{APP}")
    app, printed = app_of(lab)
    assert app["dirty"]
    assert " with changes\n" in printed


@pytest.mark.usefixtures("checkout")
def test_results_and_other_files_that_git_does_not_know_change_no_app(lab):
    app_of(lab)
    app, _ = app_of(lab)
    assert not app["dirty"]


def test_an_app_that_git_does_not_know_is_a_change_of_its_folder(lab, checkout):
    git(checkout, "mv", "shop.py", "store.py")
    git(checkout, "commit", "--quiet", "--message", "two")
    (checkout / "shop.py").write_text(APP)
    app, _ = app_of(lab)
    assert app["dirty"]


def test_an_app_that_the_checkout_ignores_has_no_revision(lab, checkout):
    git(checkout, "mv", "shop.py", "store.py")
    (checkout / ".gitignore").write_text("shop.py\n")
    (checkout / "shop.py").write_text(APP)
    assert app_of(lab)[0] == {"module": "shop:app", "revision": None, "dirty": None}


def test_an_app_outside_of_any_checkout_has_no_revision(lab):
    (lab.folder / "shop.py").write_text(APP)
    app, printed = app_of(lab)
    assert app == {"module": "shop:app", "revision": None, "dirty": None}
    assert "app: shop:app\n" in printed


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("git_is", ["absent", "failing", "endless"])
def test_a_git_that_does_not_answer_is_no_error(lab, monkeypatch, git_is):
    folder = lab.folder / "bin"
    folder.mkdir()
    if git_is != "absent":
        program = folder / "git"
        program.write_text(f"#!/bin/sh\n{'exit 3' if git_is == 'failing' else 'exec /bin/sleep 60'}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert app_of(lab)[0] == {"module": "shop:app", "revision": None, "dirty": None}


def test_a_run_of_the_agent_has_what_would_be_typed_for_it(tmp_path):
    with RunningAgent(tmp_path) as agent:
        run_id = agent.start(NULL, label="from afar", header=["Cookie: a=b", "X-A: 'b'"], no_keep_alive=False)
        with agent.follow(f"/api/runs/{run_id}/events") as follower:
            began = follower.until("RunBegan")
            follower.until("RunEnded")
        (listed,) = agent.get("/api/runs").json
        result = agent.result(run_id)
    command = (
        "loadlab run task --concurrency 2 --duration 500ms --transport null --header 'Cookie: ***'"
        " --header 'X-A: '\"'\"'b'\"'\"'' --label 'from afar' --delay 2ms"
    )
    for told in (began, listed, result):
        assert (told["label"], told["command"], told["app"]) == ("from afar", command, None)


def test_a_run_that_an_agent_carries_keeps_the_command_that_was_typed(lab):
    with RunningAgent(lab.folder, "--delay", "5ms") as agent:
        environment = os.environ | {"LOADLAB_AGENT_SOCKET": str(agent.socket)}
        done = subprocess.run(
            [*LOADLAB, "run", "task", *SERVED, "--label", "relayed"],
            cwd=lab.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert lab.exits(done, 0), done.stderr
    (result,) = lab.results()
    assert (result["label"], result["command"].split()[:3]) == ("relayed", ["loadlab", "run", "task"])


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"options": NULL | {"label": "x" * 81}}, "--label: it has 81 characters"),
        ({"options": NULL, "about": {"label": "x"}}, "about: it goes with a plan"),
        ({"plan": "PLAN", "about": {"label": "\x1b"}}, "--label: it holds a sign"),
        ({"plan": "PLAN", "about": {"command": "rm"}}, "about: the command comes from"),
    ],
)
def test_what_an_agent_is_not_told_is_refused(tmp_path, posted, said):
    with RunningAgent(tmp_path) as agent:
        plan = agent.ended(agent.start(NULL))["result"]["plan"]
        posted = json.loads(json.dumps(posted).replace('"PLAN"', json.dumps(plan)))
        answer = agent.post("/api/runs", posted)
    assert answer.status == 400
    assert answer.error.startswith(said)


def test_a_plan_that_is_posted_may_have_a_label(tmp_path):
    with RunningAgent(tmp_path) as agent:
        plan = agent.ended(agent.start(NULL))["result"]["plan"]
        answer = agent.post("/api/runs", {"plan": plan, "about": {"label": "again"}})
        assert answer.status == 201, answer.error
        agent.ended(answer.json["run_id"])
        result = agent.result(answer.json["run_id"])
    assert (result["label"], result["command"]) == ("again", None)
