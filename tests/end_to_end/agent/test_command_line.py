"""`loadlab run` where an agent has the load."""

import re
import subprocess
import sys

import pytest

from support.agents import LONG, finish, outer_environment, sound
from support.labs import CARRIED, VERDICT
from support.live import PATIENCE_S

pytestmark = pytest.mark.real


def run_through(agent, *args):
    return subprocess.run(
        [sys.executable, "-m", "loadlab", "run", *args],
        cwd=agent.folder,
        env=outer_environment() | {"LOADLAB_AGENT_SOCKET": str(agent.socket)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.mark.quick
def test_the_command_line_runs_through_the_agent_that_its_socket_names(agent, tmp_path):
    out = tmp_path / "mine"
    with agent.follow() as follower:
        done = run_through(
            agent,
            "task",
            "--transport",
            "null",
            "--delay",
            "2ms",
            "--duration",
            "500ms",
            "--concurrency",
            "2",
            "--out",
            str(out),
        )
        assert sound(follower.until("RunEnded"))
    assert done.returncode in CARRIED, done.stderr
    assert re.search(VERDICT, done.stdout)
    [kept] = out.glob("*/result.json")
    assert not (agent.results / kept.parent.name).exists()


def test_the_command_line_hears_whose_the_load_is_that_goes_on(agent, tmp_path):
    run_id = agent.start(**LONG)
    done = run_through(agent, "task", "--transport", "null", "--out", str(tmp_path / "mine"))
    assert done.returncode == 2
    assert f"{run_id} is under way" in done.stderr
    assert not (tmp_path / "mine").exists()
    finish(agent, run_id)


def test_the_command_line_says_so_where_the_agent_is_not_there(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "loadlab", "run", "task", "--transport", "null"],
        cwd=tmp_path,
        env=outer_environment() | {"LOADLAB_AGENT_SOCKET": str(tmp_path / "none.sock")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the agent does not answer at" in done.stderr
