"""What docker-compose.yml promises of every service, without an engine."""

import re

import pytest
import yaml

from loadlab.options.target import CONFIG_IN_STACK
from support.readme import ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DEFAULT = re.compile(r"\$\{[A-Z_]+:-([^}]*)\}")
IMAGES = {
    name: DEFAULT.fullmatch(service.get("image") or service["build"]["args"]["PYTHON_IMAGE"])[1]
    for name, service in SERVICES.items()
}
APP = yaml.safe_load((ROOT / "docker-compose.app.yml").read_text())["services"]["target"]
GUNICORN = yaml.safe_load((ROOT / "docker-compose.gunicorn.yml").read_text())["services"]["target"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_limit_of_processes_and_threads(name):
    assert 10_000 < SERVICES[name]["pids_limit"] < 32_768  # a thread for each user, and fewer than a host has


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_given_up_what_it_can(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_published_port_is_on_loopback(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_has_a_whole_version_for_its_tag_and_no_digest(name):
    repository, _, tag = IMAGES[name].rpartition(":")
    assert re.fullmatch(r"[a-z]+(/[a-z]+)?", repository)
    assert re.fullmatch(r"v?\d+\.\d+\.\d+(-[a-z-]+)?", tag)


def test_the_prometheus_is_of_the_generation_that_is_built_where_no_registry_answers():
    built = re.search(r"^PROMETHEUS_BUILT=.*:(\d+)-", (ROOT / "scripts/engine.sh").read_text(), re.MULTILINE)
    assert IMAGES["prometheus"].rpartition(":v")[2].startswith(f"{built[1]}.")


def test_the_target_reads_its_gunicorn_config_where_the_lab_looks_for_it():
    (volume,) = GUNICORN["volumes"]
    assert volume == f"${{GUNICORN_CONFIG}}:{CONFIG_IN_STACK}:ro"
    assert GUNICORN["environment"]["GUNICORN_CONFIG"] == CONFIG_IN_STACK


@pytest.mark.parametrize("service", [SERVICES["target"], APP], ids=["target", "with an app"])
def test_the_apps_container_has_neither_the_results_nor_the_token(service):
    assert "LOADLAB_TOKEN" not in service["environment"]
    assert not any("results" in volume.lower() for volume in service.get("volumes", []))
