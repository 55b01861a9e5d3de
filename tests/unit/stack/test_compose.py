"""Which containers are this folder's stack, and what is said of one that is half up."""

import socketserver
import threading

import msgspec
import pytest

from loadlab.errors import TargetError, UsageError
from loadlab.stack.compose import belongs, checkout, find, fit
from loadlab.stack.container import Container

LABEL = "com.docker.compose."


def container(service="target", **changed):
    env = {"client": {"LOADLAB_TARGET": "http://target:8000"}, "target": {"TARGET_BIND": "0.0.0.0:8000"}}
    health = "healthy" if service == "target" else None
    values = {"id": service, "project": "lab", "folder": "/lab", "status": "running"}
    return Container(**{**values, "service": service, "health": health, "env": env[service], **changed})


TARGET, CLIENT = container("target"), container("client")


def changed(part, **values):
    return msgspec.structs.replace(part, **values)


def labels(folder, service="client", **others):
    return {f"{LABEL}service": service, f"{LABEL}project.working_dir": str(folder), **others}


def test_containers_are_known_by_the_folder_and_the_service_in_their_labels(tmp_path):
    assert belongs(labels(tmp_path), tmp_path)
    assert belongs(labels(tmp_path, "target"), tmp_path)
    assert not belongs(labels(tmp_path, "prometheus"), tmp_path)
    assert not belongs(labels(tmp_path / "other"), tmp_path)
    assert not belongs({}, tmp_path)


def test_a_container_of_compose_run_is_not_the_service(tmp_path):
    assert belongs(labels(tmp_path, **{f"{LABEL}oneoff": "False"}), tmp_path)
    assert not belongs(labels(tmp_path, **{f"{LABEL}oneoff": "True"}), tmp_path)


def test_a_folder_that_was_reached_by_a_link_is_the_same_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert belongs(labels(tmp_path / "link"), (tmp_path / "real").resolve())


def test_the_checkout_is_the_nearest_folder_with_a_compose_file(tmp_path):
    (tmp_path / "docker-compose.yml").touch()
    deeper = tmp_path / "a" / "b"
    deeper.mkdir(parents=True)
    assert checkout(deeper) == tmp_path.resolve()
    (tmp_path / "a" / "docker-compose.yml").touch()
    assert checkout(deeper) == tmp_path.resolve() / "a"


def test_without_a_compose_file_or_an_engine_nothing_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert find(tmp_path) is None
    (tmp_path / "docker-compose.yml").touch()
    assert find(tmp_path) is None


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
    ],
)
def test_an_engine_that_does_not_answer_as_one_is_none(tmp_path, monkeypatch, said):
    (tmp_path / "docker-compose.yml").touch()
    asked = []

    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            asked.append(self.request.recv(4096))
            self.request.sendall(said)

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
        assert find(tmp_path) is None
        server.shutdown()
    assert asked


def test_a_whole_stack_is_fit():
    assert fit([CLIENT, TARGET], None) == (TARGET, CLIENT)


def test_a_stack_without_a_health_check_is_fit():
    assert fit([CLIENT, changed(TARGET, health=None)], None)


@pytest.mark.parametrize("status", ["exited", "created", "dead"])
def test_a_stack_of_which_nothing_runs_is_not_up(status):
    assert fit([changed(CLIENT, status=status), changed(TARGET, status=status)], None) is None
    assert fit([], None) is None


@pytest.mark.parametrize(
    ("parts", "error", "sentence"),
    [
        ([CLIENT], TargetError, "its target has no container"),
        ([TARGET], UsageError, "its client has no container"),
        ([CLIENT, changed(TARGET, health="starting")], TargetError, "its target is still starting"),
        ([CLIENT, changed(TARGET, health="unhealthy")], TargetError, "its target is unhealthy"),
        ([CLIENT, changed(TARGET, status="paused")], TargetError, "its target is paused"),
        (
            [changed(CLIENT, status="exited", exit_code=137), TARGET],
            UsageError,
            "its client has exited with code 137",
        ),
    ],
)
def test_half_a_stack_is_refused_in_one_sentence(parts, error, sentence):
    with pytest.raises(error) as refused:
        fit(parts, None)
    assert sentence in str(refused.value)
    assert "`make up` puts it right" in str(refused.value)


def test_somebody_elses_target_and_client_are_left_alone():
    assert fit([changed(CLIENT, env={"API": "x"}), changed(TARGET, env={})], None) is None


def test_two_stacks_of_one_folder_need_a_name():
    second = [changed(part, project="other") for part in (CLIENT, TARGET)]
    with pytest.raises(UsageError, match=r"2 Compose stacks up \(lab, other\)"):
        fit([CLIENT, TARGET, *second], None)
    assert fit([CLIENT, TARGET, *second], "other") == (second[1], second[0])
    assert fit([CLIENT, TARGET], "third") is None


def inspected(**limits):
    return {
        "Id": "abc",
        "Config": {
            "Labels": labels("/lab", "target", **{f"{LABEL}project": "lab"}),
            "Env": ["WORKERS=2", "TARGET_BIND=0.0.0.0:8000", "ODD"],
        },
        "HostConfig": {"NanoCpus": 0, "CpuQuota": 0, "CpuPeriod": 0, "Memory": 0, **limits},
        "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
        "Mounts": [{"Source": "/home/me/shop", "Destination": "/app"}],
    }


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ({}, None),
        ({"CpuQuota": 150000, "CpuPeriod": 100000}, 1.5),
        ({"CpuQuota": 50000}, 0.5),
        ({"NanoCpus": 250000000}, 0.25),
        ({"CpuQuota": -1, "CpuPeriod": 100000}, None),
    ],
)
def test_the_cpu_limit_is_read_however_it_was_set(limits, cores):
    assert Container.of(inspected(**limits)).cpu_limit_cores == cores


def test_settings_and_limits_are_read():
    found = Container.of(inspected(Memory=2**30))
    assert (found.project, found.service, found.folder) == ("lab", "target", "/lab")
    assert found.env == {"WORKERS": "2", "TARGET_BIND": "0.0.0.0:8000"}
    assert found.memory_limit_bytes == 2**30
    assert found.mounts == {"/app": "/home/me/shop"}
    assert found.is_ours
    assert found.condition is None
