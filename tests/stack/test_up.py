"""`make up`, `make ps` and `make down`, and that the stack is what docker-compose.yml promises."""

import json
import re
import socket
import threading
import time

import pytest

from support.readme import ROOT

SERVICES = ["target", "client", "prometheus"]
ASK_SERVER = (
    "from urllib import request; print(request.urlopen('http://127.0.0.1:9100/server').read().decode())"
)


def ids(stack):
    return {service: container.id for service, container in stack.containers().items()}


def test_up_again_is_quick_changes_nothing_and_names_what_is_up(stack):
    before = ids(stack)
    started = time.monotonic()
    printed = stack.up()
    assert time.monotonic() - started < 15
    assert ids(stack) == before
    assert f"http://127.0.0.1:{stack.target_port}\n" in printed
    assert f"http://127.0.0.1:{stack.prometheus_port}\n" in printed


def test_the_target_answers_on_its_published_port(stack):
    assert stack.get("/") == "Hello!"


def test_every_container_is_healthy(stack):
    states = {service: c.attrs["State"] for service, c in stack.containers().items()}
    assert {service: states[service]["Health"]["Status"] for service in SERVICES} == dict.fromkeys(
        SERVICES, "healthy"
    )


def test_prometheus_scrapes_target_and_client_every_second(stack):
    scrapes = {scrape["labels"]["job"]: scrape for scrape in stack.prometheus_api("targets")["activeTargets"]}
    assert {job: scrape["scrapeInterval"] for job, scrape in scrapes.items()} == {
        "target": "1s",
        "client": "1s",
    }
    stack.wait_for_scrape()
    assert {labels["job"]: up for labels, up in stack.prometheus("up")} == {"target": 1, "client": 1}


def test_health_checks_are_not_counted_as_requests(stack):
    def requests():
        stack.wait_for_scrape()
        return stack.prometheus("sum(target_requests_total)")[0][1]

    before = requests()
    time.sleep(6)  # a health check is due every 5 s
    assert requests() == before


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_is_not_root_and_has_given_up_what_it_can(stack, service):
    status = stack.exec(service, "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert fields["Uid"].split()[0] != "0"
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_can_write_to_tmp_and_not_to_its_root(stack, service):
    assert stack.exec(service, "touch", "/tmp/mark").returncode == 0
    refused = stack.exec(service, "touch", "/etc/mark")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    mounts = stack.container(service).attrs["Mounts"]
    assert not any("docker.sock" in mount["Source"] for mount in mounts)


def test_every_published_port_is_on_loopback(stack):
    ports = [container.attrs["NetworkSettings"]["Ports"] for container in stack.containers().values()]
    published = [each for port in ports for bindings in port.values() for each in bindings or []]
    assert {each["HostIp"] for each in published} == {"127.0.0.1"}


def test_the_client_reaches_the_target_and_keeps_results(stack):
    fetch = "import os, urllib.request as u; print(u.urlopen(os.environ['LOADLAB_TARGET']).read())"
    assert "Hello!" in stack.exec("client", "python", "-c", fetch).stdout
    assert stack.exec("client", "mkdir", "/results/a-run").returncode == 0


@pytest.mark.parametrize(
    ("service", "absent"),
    [("target", ["aiohttp", "loadlab"]), ("client", ["flask", "gunicorn", "loadlab_target"])],
)
def test_an_image_has_its_own_dependencies_only(stack, service, absent):
    look = "import sys, importlib.util as u; print([name for name in sys.argv[1:] if u.find_spec(name)])"
    assert stack.exec(service, "python", "-c", look, *absent).stdout.strip() == "[]"


def test_ps_lists_every_service(stack):
    listed = stack.run_make("ps")
    assert listed.returncode == 0
    assert all(service in listed.stdout for service in SERVICES)


def test_the_only_stack_of_this_checkout_is_found_without_its_name(stack):
    listed = stack.run_make("ps", "COMPOSE_PROJECT_NAME=")
    assert listed.returncode == 0, listed.stderr
    assert all(service in listed.stdout for service in SERVICES)


def test_a_changed_setting_reaches_the_running_target(stack):
    stack.up(THREADS=3, TARGET_CPUS=0.5, TARGET_MEMORY="300m")
    target = stack.container("target").attrs
    assert "THREADS=3" in target["Config"]["Env"]
    limits = target["HostConfig"]
    assert limits["CpuQuota"] / limits["CpuPeriod"] == 0.5
    assert limits["NanoCpus"] == 0
    assert limits["Memory"] == 300 * 2**20

    stack.up()
    assert "THREADS=64" in stack.container("target").attrs["Config"]["Env"]
    assert stack.container("target").attrs["HostConfig"]["CpuQuota"] == 0


@pytest.mark.either_compose
def test_the_target_is_served_as_a_gunicorn_config_says_and_results_know_it(stack, tmp_path):
    config = tmp_path / "mine.conf.py"
    config.write_text("workers, threads = 2, 3")
    stack.up(GUNICORN_CONFIG=config)
    asked = stack.exec("target", "python", "-c", ASK_SERVER)
    assert (json.loads(asked.stdout)["workers"], json.loads(asked.stdout)["threads"]) == (2, 3)

    config.write_text("workers, threads, timeout = 2, 4, 11")
    stack.up(GUNICORN_CONFIG=config, WORKERS=1)
    ran = stack.exec(
        "client", "loadlab", "run", "task", "--concurrency", "1", "--duration", "1s", "--json", timeout_s=120
    )
    served = json.loads(ran.stdout)["gunicorn"]
    assert (served["workers"], served["threads"], served["timeout_s"]) == (1, 4, 11)
    assert served["config"]["overridden"] == {"workers": "--workers"}

    stack.up()
    assert "GUNICORN_CONFIG" not in " ".join(stack.container("target").attrs["Config"]["Env"])


@pytest.mark.either_compose
def test_up_puts_paused_containers_right_and_keeps_the_stack(stack):
    before = ids(stack)
    for service in ("target", "client"):
        stack.container(service).pause()
    printed = stack.up()
    assert ids(stack) == before
    assert "Restarting target, which was paused or unhealthy" in printed
    assert "Restarting client, which was paused or unhealthy" in printed
    test_every_container_is_healthy(stack)
    assert stack.get("/") == "Hello!"


@pytest.mark.either_compose
def test_up_restarts_a_container_that_is_unhealthy_after_a_pause(stack):
    before = ids(stack)
    client = stack.container("client")
    client.pause()
    client.unpause()
    stack.up()
    assert ids(stack) == before
    test_every_container_is_healthy(stack)


@pytest.mark.either_compose
def test_an_app_is_served_with_what_it_requires(stack, tmp_path):
    app = tmp_path / "my shop"
    app.mkdir()
    (app / "requirements.txt").write_text(
        "itsdangerous==2.1.2\ngunicorn==22.0.0\nprometheus_client==0.19.0\n"
    )
    (app / "shop.py").write_text(
        "from importlib.metadata import version\n"
        "def sell(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [f\"apples {version('itsdangerous')} {version('gunicorn')}\".encode()]\n"
    )
    said = stack.up(TARGET_APP="shop:sell", APP_DIR=app)
    assert stack.get("/") == "apples 2.1.2 22.0.0"
    assert re.search(r"requirements changed packages of the lab: .*\bgunicorn [0-9.]+ -> 22\.0\.0", said)
    assert re.search(r"its own version, not the app's: prometheus-client 0\.19\.0 -> [0-9.]+", said)

    (app / "shop.py").write_text((app / "shop.py").read_text().replace("apples", "pears"))
    stack.up(TARGET_APP="shop:sell", APP_DIR=app)
    assert stack.get("/").startswith("pears")

    stack.up()
    assert stack.get("/") == "Hello!"


def test_an_app_has_its_environment_a_folder_to_write_to_and_a_service_beside_it(stack, engine, tmp_path):
    python, settings, services = re.findall(
        r"```(?:python|sh|yaml)\n(.*?)```", (ROOT / "docs/app.md").read_text(), re.DOTALL
    )
    app = tmp_path / "shop"
    app.mkdir()
    (app / "shop.py").write_text(python)
    (tmp_path / "shop.env").write_text(f"{settings}THREADS=1\n")
    (tmp_path / "stock").mkdir()
    (tmp_path / "stock" / "apples").write_text("7")
    image = stack.container("target").image.tags[0]
    services = services.replace("python:3.13-slim", image).replace("/srv/", f"{tmp_path}/")
    (tmp_path / "services.yml").write_text(services)
    mine = {
        "TARGET_APP": "shop:sell",
        "APP_DIR": app,
        "APP_ENV_FILE": tmp_path / "shop.env",
        "APP_DATA": "/var/lib/shop",
        "APP_COMPOSE": tmp_path / "services.yml",
    }
    stack.up(**mine)
    assert [stack.get("/") for _ in range(2)] == ["hello 7 1", "hello 7 2"]
    assert "THREADS=64" in stack.container("target").attrs["Config"]["Env"]  # the lab's settings win
    stack.up(**mine, WORKERS=2)
    assert stack.get("/") == "hello 7 3"

    stack.down()
    assert stack.containers() == {}
    assert volumes(stack, engine) == set()
    stack.up()
    assert stack.get("/") == "Hello!"


def test_an_app_that_cannot_be_imported_fails_in_a_sentence_and_leaves_nothing(second_stack, engine):
    done = second_stack.run_make("up", "TARGET_APP=nowhere:app")
    assert done.returncode != 0
    assert "nowhere" in done.stderr
    assert "The stack did not come up, and was taken down again: target has exited with code" in done.stderr
    assert second_stack.containers() == {}
    assert volumes(second_stack, engine) == set()
    assert "There is no stack" in second_stack.down()


@pytest.mark.parametrize("setting", ["TARGET_PORT", "AGENT_PORT"])
def test_a_taken_port_is_named_with_the_setting_that_changes_it(second_stack, setting):
    port = getattr(second_stack, setting.lower())
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        done = second_stack.run_make("up")
    assert done.returncode != 0
    assert f"port {port} is taken; choose another, as in 'make up {setting}={port + 1}'" in done.stderr
    assert second_stack.containers() == {}


def test_an_image_that_was_asked_for_and_cannot_be_had_is_not_replaced(second_stack):
    done = second_stack.run_make("up", "PYTHON_IMAGE=concurrency-lab/no-such-image:1")
    assert done.returncode != 0
    assert "PYTHON_IMAGE=concurrency-lab/no-such-image:1 can't be pulled" in done.stderr
    assert second_stack.containers() == {}


def volumes(stack, engine):
    """Those that `make down` removes: all but that of the results."""
    found = engine.volumes.list(filters=stack.label_filter)
    return {each.name for each in found if not each.name.endswith("_results")}


def test_down_removes_containers_networks_and_volumes_and_keeps_images(stack, engine):
    images = [stack.container(service).image.id for service in SERVICES]
    stack.down()
    assert stack.containers() == {}
    assert engine.networks.list(filters=stack.label_filter) == []
    assert volumes(stack, engine) == set()
    assert all(engine.images.get(image) for image in images)

    stack.up()
    assert stack.get("/") == "Hello!"


def test_down_waits_for_a_volume_that_something_still_holds(stack, engine):
    (volume,) = (name for name in volumes(stack, engine) if name.endswith("_prometheus"))
    image = stack.container("target").image.id
    holder = engine.containers.create(image, volumes={volume: {"bind": "/held"}})
    letting_go = threading.Timer(3, holder.remove)
    letting_go.start()
    try:
        stack.down()
        assert volumes(stack, engine) == set()
    finally:
        letting_go.join()
        stack.up()
