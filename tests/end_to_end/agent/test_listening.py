"""Where the agent listens: its socket, its port, and the words that say so."""

import stat
import subprocess
import sys

import pytest

from support.agents import RunningAgent, outer_environment

pytestmark = pytest.mark.real


def second(folder, *args, **environment):
    return subprocess.run(
        [sys.executable, "-m", "loadlab", "agent", *args],
        cwd=folder,
        env=outer_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_the_socket_is_its_users_alone_and_is_not_taken_from_another_agent(agent, tmp_path):
    assert stat.S_IMODE(agent.socket.stat().st_mode) == 0o600
    done = second(tmp_path, "--bind", "127.0.0.1:0", LOADLAB_AGENT_SOCKET=str(agent.socket))
    assert done.returncode == 2
    assert "another agent listens" in done.stderr
    assert agent.socket.exists()


def test_a_socket_that_a_killed_agent_left_is_taken_over(tmp_path):
    with RunningAgent(tmp_path) as first:
        first.process.kill()
        first.process.wait()
        assert first.socket.exists()
    with RunningAgent(tmp_path) as agent:
        assert stat.S_IMODE(agent.socket.stat().st_mode) == 0o600


def test_a_file_that_is_no_socket_is_not_removed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("data")
    done = second(tmp_path, "--bind", "127.0.0.1:0", LOADLAB_AGENT_SOCKET=str(precious))
    assert done.returncode == 2
    assert precious.read_text() == "data"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--bind", "9200"], "--bind: '9200' is not HOST:PORT"),
        (["--bind", "127.0.0.1:99999"], "is not HOST:PORT"),
        (["--bind", "192.0.2.1:9200"], "can't be listened on"),
        (["--remote"], "--remote: it allows a --target"),
        (["--target", "ftp://h/"], "--target"),
        (
            ["--target", "http://127.0.0.1/", "--threads", "2"],
            "--threads can't be combined with --target",
        ),
    ],
)
def test_words_that_mean_nothing_are_refused_in_a_sentence(tmp_path, args, said):
    done = second(tmp_path, *args)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_port_that_is_taken_is_said(agent, tmp_path):
    done = second(tmp_path, "--bind", f"127.0.0.1:{agent.port}")
    assert done.returncode == 2
    assert f"--bind: 127.0.0.1:{agent.port} can't be listened on (Address already in use)" in done.stderr
