"""Where the engine is, in the order of the `docker` command, without asking it."""

import hashlib
import json
import socket

import pytest

from loadlab.stack import engine_address as module
from loadlab.stack.engine_address import engine_address


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(module, "_DEFAULT", tmp_path / "docker.sock")


@pytest.fixture
def listening(tmp_path):
    """A function that listens at a socket, as an engine does; returns its address."""
    opened = []

    def listen(name):
        opened.append(socket.socket(socket.AF_UNIX))
        opened[-1].bind(str(tmp_path / name))
        opened[-1].listen()
        return f"unix://{tmp_path / name}"

    yield listen
    for each in opened:
        each.close()


def choose_context(tmp_path, name, address):
    folder = tmp_path / "config" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": address}}}))
    (tmp_path / "config" / "config.json").write_text(json.dumps({"currentContext": name}))


def test_without_a_socket_there_is_none():
    assert engine_address() is None


def test_a_socket_that_nobody_listens_at_is_none(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "docker.sock"))
    assert engine_address() is None


def test_the_usual_socket(listening):
    address = listening("docker.sock")
    assert engine_address() == address


def test_a_context_that_was_chosen(listening, tmp_path):
    listening("docker.sock")
    address = listening("colima.sock")
    choose_context(tmp_path, "colima", address)
    assert engine_address() == address


def test_docker_host_before_all(listening, tmp_path, monkeypatch):
    choose_context(tmp_path, "colima", listening("colima.sock"))
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.5:2375")
    assert engine_address() == "tcp://10.0.0.5:2375"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"currentContext": "gone"}', '{"currentContext": 7}'])
def test_a_configuration_that_says_nothing_leaves_the_usual_socket(listening, tmp_path, text):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.json").write_text(text)
    address = listening("docker.sock")
    assert engine_address() == address
