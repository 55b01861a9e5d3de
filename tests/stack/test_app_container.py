"""An app in the stack is not the lab: what its container can reach of the lab's results."""

import json
import time

import pytest

ASK = """
import json, os, sys, urllib.request, urllib.error
found = {}
for path in sys.argv[1:]:
    try:
        with urllib.request.urlopen(f"http://client:9200{path}", timeout=10) as answer:
            found[path] = answer.status
    except urllib.error.HTTPError as refused:
        found[path] = refused.code
post = urllib.request.Request("http://client:9200/api/runs", b"{}", {"Content-Type": "application/json"})
try:
    urllib.request.urlopen(post, timeout=10)
except urllib.error.HTTPError as refused:
    found["post"] = refused.code
print(json.dumps(found))
"""


@pytest.fixture
def run_id(stack):
    """A run whose result is kept."""
    options = {"scenario": "task", "concurrency": "1", "duration": "1s"}
    status, answer = stack.agent("/api/runs", {"options": options})
    assert status == 201, answer
    deadline = time.monotonic() + 90
    while stack.agent("/api/state")[1]["running"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer["run_id"]


def test_the_apps_container_reads_no_result_over_the_network(stack, run_id):
    of_run = [f"/api/runs/{run_id}/result.json", f"/api/runs/{run_id}/events"]
    closed = ["/api/state", "/api/runs", "/api/events", *of_run]
    asked = stack.exec("target", "python", "-c", ASK, "/healthz", *closed)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == {"/healthz": 200, "post": 401} | dict.fromkeys(closed, 401)
    assert stack.agent(of_run[0])[0] == 200


def test_the_apps_container_has_no_result_no_token_and_no_socket_of_the_agent(stack, run_id):
    assert (stack.results / run_id / "result.json").exists()
    mounts = stack.container("target").attrs["Mounts"]
    assert not any(str(stack.results) in mount["Source"] for mount in mounts)
    look = stack.exec(
        "target", "sh", "-c", "env; ls -d /results /tmp/agent.sock 2>&1; ls -R /tmp /app 2>/dev/null"
    )
    assert "PATH=" in look.stdout
    assert stack.token not in look.stdout
    assert "LOADLAB_TOKEN" not in look.stdout
    assert run_id not in look.stdout
    assert look.stdout.count("No such file or directory") == 2


@pytest.mark.parametrize("service", ["target", "client", "prometheus"])
def test_no_container_can_start_processes_without_bound(stack, service):
    of_both_cgroups = ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max")
    assert stack.exec(service, "cat", *of_both_cgroups).stdout.strip() == "16384"


def test_no_layer_of_an_apps_image_holds_its_list_of_requirements(stack, tmp_path):
    app = tmp_path / "shop"
    app.mkdir()
    (app / "shop.py").write_text(
        "def sell(environ, start_response):\n    start_response('200 OK', [])\n    return [b'sold']\n"
    )
    (app / "requirements.txt").write_text("# https://user:h1dden@index.example/simple\n")
    stack.up(TARGET_APP="shop:sell", APP_DIR=app)
    assert stack.get("/") == "sold"
    saved = b"".join(stack.container("target").image.save())
    stack.up()
    assert b"changed-by-app.txt" in saved, "layers are saved as they are, not compressed"
    assert b"h1dden" not in saved
