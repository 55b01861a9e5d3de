"""`make up` looks for taken ports before it pulls or builds anything; a stand-in for Docker answers it."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="ports can be looked at on Linux alone"),
]

ROOT = Path(__file__).parents[2]
DOCKER = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
case $* in
"version "*) echo 27.0.0 ;;
"compose version --short") echo 2.26.1 ;;
"compose version") ;;
"context inspect "*) echo unix:///var/run/docker.sock ;;
"compose ps -aq") [ -z "$OWN_PORT" ] || echo c0ffee ;;
"inspect "*".project\\""*) echo lab ;;
"inspect "*".project.working_dir\\""*) pwd -P ;;
"ps -aq "*"service=target"*) [ -z "$OWN_PORT" ] || echo c0ffee ;;
"port c0ffee"*) echo "8000/tcp -> 127.0.0.1:$OWN_PORT" ;;
"ps "*) ;;
*) echo "no such thing: $*" >&2; exit 1 ;;
esac
"""


class Checkout:
    """What `make up` needs of the repository before it has images, with a Docker that has none."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("Makefile", "docker-compose.yml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        self._bin = folder / "bin"
        self._bin.mkdir()
        (self._bin / "docker").write_text(DOCKER)
        (self._bin / "docker").chmod(0o755)

    def up(self, **settings):
        own_port = str(settings.pop("own_port", ""))
        docker_host = settings.pop("docker_host", "")
        given = {"PYTHON_IMAGE": "none:1"} | settings
        return subprocess.run(
            ["make", "--no-print-directory", "up", *(f"{name}={value}" for name, value in given.items())],
            cwd=self.folder,
            env={"PATH": f"{self._bin}:/usr/bin:/bin", "OWN_PORT": own_port, "DOCKER_HOST": docker_host},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @property
    def asked(self):
        return (self._bin / "asked").read_text()


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture(params=[("127.0.0.1", socket.AF_INET), ("0.0.0.0", socket.AF_INET), ("::", socket.AF_INET6)])
def taken(request):
    host, family = request.param
    with socket.socket(family) as squatter:
        squatter.bind((host, 0))
        squatter.listen()
        yield squatter.getsockname()[1]


def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def others_of(setting):
    names = {"TARGET_PORT", "AGENT_PORT", "PROMETHEUS_PORT"} - {setting}
    return {name: free() for name in names}


@pytest.mark.parametrize("setting", ["TARGET_PORT", "AGENT_PORT", "PROMETHEUS_PORT"])
def test_a_taken_port_is_named_before_an_image_is_asked_for(checkout, taken, setting):
    done = checkout.up(**{setting: taken}, **others_of(setting))
    assert done.returncode != 0
    assert f"port {taken} is taken; choose another, as in 'make up {setting}={taken + 1}'" in done.stderr
    assert "image" not in checkout.asked
    assert "pull" not in checkout.asked
    assert not (checkout.folder / ".stack").exists()


def passed_the_ports(done):
    return "PYTHON_IMAGE=none:1 can't be pulled" in done.stderr


def test_the_port_of_a_stack_that_stays_without_grafana_is_nobodys(checkout, taken):
    assert passed_the_ports(checkout.up(GRAFANA_PORT=taken, **others_of(None)))


def test_a_port_that_this_projects_stack_holds_is_not_taken(checkout, taken):
    assert passed_the_ports(checkout.up(TARGET_PORT=taken, own_port=taken, **others_of("TARGET_PORT")))


def test_free_ports_and_what_is_no_number_are_left_to_compose(checkout):
    assert passed_the_ports(checkout.up(**others_of(None)))
    assert passed_the_ports(checkout.up(TARGET_PORT="08000", **others_of("TARGET_PORT")))
    assert passed_the_ports(checkout.up(TARGET_PORT="many", **others_of("TARGET_PORT")))


def test_a_port_of_another_address_or_of_another_machine_is_not_taken(checkout, taken):
    with socket.socket() as elsewhere:
        elsewhere.bind(("127.0.0.2", 0))
        elsewhere.listen()
        port = elsewhere.getsockname()[1]
        assert passed_the_ports(checkout.up(TARGET_PORT=port, **others_of("TARGET_PORT")))
    far = {"docker_host": "tcp://192.0.2.1:2375"}
    assert passed_the_ports(checkout.up(TARGET_PORT=taken, **others_of("TARGET_PORT"), **far))
