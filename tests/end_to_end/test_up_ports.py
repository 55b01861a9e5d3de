"""`make up` looks for taken ports before it pulls or builds anything; a stand-in for Docker answers it."""

import socket
from pathlib import Path

import pytest

from support.checkouts import Checkout

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="ports can be looked at on Linux alone"),
]

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


class FreshCheckout(Checkout):
    """One that has no images."""

    def up(self, *, own_port="", docker_host="", **settings):
        given = {"PYTHON_IMAGE": "none:1"} | settings
        words = (f"{name}={value}" for name, value in given.items())
        return self.run_make("up", *words, OWN_PORT=str(own_port), DOCKER_HOST=docker_host)


@pytest.fixture
def checkout(tmp_path):
    return FreshCheckout(tmp_path, DOCKER)


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


@pytest.mark.parametrize(
    "image", ["python:3.13.13-slim-trixie", f"python@sha256:{'0a' * 32}"], ids=["tag", "digest"]
)
def test_an_image_is_pulled_by_the_tag_or_the_digest_that_was_given(checkout, image):
    done = checkout.up(PYTHON_IMAGE=image, **others_of(None))
    assert f"image inspect {image}\n" in checkout.asked
    assert f"pull {image}\n" in checkout.asked
    assert f"PYTHON_IMAGE={image} can't be pulled" in done.stderr


@pytest.mark.parametrize("hidden", [".", "shop.py", "parts/stock.py"])
def test_an_app_that_the_containers_user_cannot_read_is_refused_in_a_sentence(checkout, tmp_path, hidden):
    app = tmp_path / "shop"
    (app / "parts").mkdir(parents=True)
    for name in ("shop.py", "parts/stock.py"):
        (app / name).touch(0o644)
    (app / hidden).chmod(0o700)
    ports = {name: free() for name in ("TARGET_PORT", "AGENT_PORT", "PROMETHEUS_PORT")}
    done = checkout.up(TARGET_APP="shop:sell", APP_DIR=app, **ports)
    assert done.returncode == 2
    assert f"{(app / hidden)} can't be read by others, and so not by the target's container" in done.stderr
    (app / hidden).chmod(0o755)
    assert "can't be read by others" not in checkout.up(TARGET_APP="shop:sell", APP_DIR=app, **ports).stderr
