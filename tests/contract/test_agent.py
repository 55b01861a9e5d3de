"""A real `loadlab agent`: its API, its events, its end, and that nothing costs it more than a run."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents import NULL, RunningAgent, Scraper, outer_environment, rss_bytes, scrape
from live import is_gone, processes, wait_until, workers_of

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]
LONG = {"duration": "30s", "warmup": "0"}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """An agent that no test ends."""
    with RunningAgent(tmp_path_factory.mktemp("agent")) as running:
        yield running


@pytest.fixture
def mortal(tmp_path):
    """An agent of the test's own."""
    with RunningAgent(tmp_path) as running:
        yield running


def finish(agent, run_id):
    """Stop a run at once and wait for its end."""
    for _ in range(2):
        agent.stop(run_id)
    return agent.ended(run_id)


def test_a_run_is_told_from_its_beginning_to_its_end_and_kept(agent):
    run_id = agent.start(concurrency="1,2")
    with agent.follow() as follower:
        last = follower.until("RunEnded")
    without_ticks = [kind for kind in follower.kinds if kind != "Tick"]
    assert without_ticks == ["RunBegan", *["StageBegan", "StageEnded"] * 2, "RunEnded"]
    assert follower.events[0]["run_id"] == run_id
    assert last["result"] == agent.result(run_id)
    assert last["result"]["verdict"] == "pass"
    listed = agent.get("/api/runs?limit=1").json
    assert [(run["run_id"], run["stages"], run["transport"]) for run in listed] == [(run_id, 2, "null")]


def test_a_target_of_its_own_is_started_for_a_run_and_gone_after_it(agent):
    run_id = agent.start({"scenario": "pool", "concurrency": "2", "duration": "1s"})
    ended = agent.ended(run_id)
    assert ended["result"]["verdict"] == "pass", ended
    assert "a target of its own on this machine" in ended["result"]["environment"]["where"]
    assert targets_of(agent) == []
    assert (agent.results / run_id / "target.log").stat().st_size > 0


def targets_of(agent):
    everybody = processes().items()
    return [pid for pid, each in everybody if each.parent == agent.pid and "loadlab_target" in each.command]


def test_it_says_what_it_is_and_what_can_be_asked_of_it(agent):
    state = agent.get("/api/state").json
    assert state["running"] is None
    assert state["needs_token"] is False
    assert "a target of its own for each run" in state["target"]
    task = next(each for each in state["scenarios"] if each["name"] == "task")
    assert {"idea", "transports", "workloads", "single_user", "many_processes"} < set(task)
    assert state["defaults"]["concurrency"] == "1,8,32,128"
    assert state["limits"]["body_bytes"] == 256 * 1024


def test_a_second_run_is_refused_and_hears_whose_the_first_is(agent):
    run_id = agent.start(**LONG)
    assert agent.running()["run_id"] == run_id
    refused = agent.post("/api/runs", {"options": NULL})
    assert refused.status == 409
    assert refused.json["run_id"] == run_id
    assert f"{run_id} is under way (task, since " in refused.error
    finish(agent, run_id)
    assert agent.running() is None


def test_who_reloads_in_the_middle_misses_nothing_and_gets_nothing_twice(agent):
    run_id = agent.start(concurrency="1,2,3", duration="600ms")
    with agent.follow() as first:
        first.until("StageEnded")
    with agent.follow(since=first.ids[-1]) as second:
        second.until("RunEnded")
    with agent.follow(f"/api/runs/{run_id}/events") as whole:
        while whole.next():
            pass
    assert first.ids + second.ids == whole.ids
    assert first.events + second.events == whole.events


def test_options_that_make_no_plan_get_the_command_lines_sentence(agent):
    refused = agent.post("/api/runs", {"options": NULL | {"concurrency": "many"}})
    assert (refused.status, refused.error) == (
        400,
        "--concurrency: 'many' is not a whole number of 1 or more",
    )


def test_a_target_that_is_away_is_said_and_nothing_is_kept(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with RunningAgent(tmp_path, "--target", url) as agent:
            run_id = agent.start({"scenario": "task", "concurrency": "1", "duration": "1s"})
            last = agent.ended(run_id)
            assert last["type"] == "Refused"
            assert "cannot be reached" in last["sentence"]
            assert last["exit"] == 4
            assert list(agent.results.glob("*")) == []
            assert agent.running() is None


STOPS = {
    "measuring": LONG | {"delay": "5ms"},
    "warm-up": {"duration": "30s", "warmup": "30s", "delay": "5ms"},
}


@pytest.mark.parametrize("phase", STOPS)
def test_a_stop_drains_and_keeps(agent, phase):
    run_id = agent.start(**STOPS[phase])
    with agent.follow() as follower:
        while follower.until("Tick")["phase"] != phase:
            pass
        assert agent.stop(run_id).status == 202
        last = follower.until("RunEnded", within_s=8)
    assert last["result"]["interrupted"] is True
    assert last["result"]["stages"][0]["counts"]["unfinished"] == 0
    assert agent.result(run_id)["interrupted"] is True


def test_a_second_stop_while_it_drains_does_not_wait(agent):
    run_id = agent.start(delay="20s", timeout="30s", **LONG)
    with agent.follow() as follower:
        follower.until("Tick")
        agent.stop(run_id)
        time.sleep(0.5)
        assert agent.running()["run_id"] == run_id
        agent.stop(run_id)
        last = follower.until("RunEnded", within_s=6)
    assert last["result"]["stages"][0]["counts"]["unfinished"] == 2


def test_a_stop_between_stages_begins_no_other(agent):
    run_id = agent.start(concurrency="1,2,3,4", duration="300ms")
    with agent.follow() as follower:
        follower.until("StageEnded")
        agent.stop(run_id)
        last = follower.until("RunEnded")
    assert last["result"]["interrupted"] is True
    assert len(last["result"]["stages"]) < 4


def test_a_stop_before_the_load_begins_leaves_nothing(mortal):
    run_id = mortal.start(
        {"scenario": "task", "concurrency": "1", "duration": "9s"}
    )  # its target takes a while
    assert mortal.stop(run_id).status == 202
    assert mortal.ended(run_id)["type"] == "Refused"
    assert list(mortal.results.glob("*/result.json")) == []


def test_a_stop_of_what_does_not_run_is_refused(agent):
    run_id = agent.start()
    agent.ended(run_id)
    assert agent.stop(run_id).status == 409
    assert agent.stop("20260101-000000-task-0000").status == 404


def test_what_is_scraped_after_a_run_is_what_the_result_has(agent):
    with Scraper(agent):
        run_id = agent.start(concurrency="1,2", duration="600ms")
        last = agent.ended(run_id)
    assert last["result"]["checks"] is not None
    assert not [check for check in last["result"]["checks"] if check["name"] == "scraped"]
    lines = [line for line in scrape(agent).splitlines() if f'run="{run_id}"' in line]
    ok = sum(float(line.split()[-1]) for line in lines if "requests_total" in line and 'outcome="ok"' in line)
    assert ok == sum(stage["counts"]["ok"] for stage in last["result"]["stages"]) > 0


def test_a_scraper_that_goes_away_is_said_and_holds_nothing_up_for_long(agent):
    scrape(agent)
    began = time.monotonic()
    run_id = agent.start()
    with agent.follow() as follower:
        noted = follower.until("Noted", within_s=15)
        last = follower.until("RunEnded", within_s=15)
    assert time.monotonic() - began < 20
    assert "did not scrape" in noted["sentence"]
    [check] = [check for check in last["result"]["checks"] if check["name"] == "scraped"]
    assert check["outcome"] == "untestable"
    assert last["result"]["verdict"] == "pass"
    assert agent.result(run_id)["checks"] == last["result"]["checks"]


def test_a_look_at_the_metrics_is_no_scrape_that_a_run_would_wait_for(mortal):
    assert "loadlab_run_state" in mortal.get("/metrics").body.decode()
    began = time.monotonic()
    with mortal.follow(f"/api/runs/{mortal.start()}/events") as follower:
        follower.until("RunBegan")
    assert time.monotonic() - began < 3


def test_a_follower_that_leaves_or_does_not_read_disturbs_nobody(mortal):
    deaf = socket.create_connection(("127.0.0.1", mortal.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with mortal.follow() as hasty:
        run_id = mortal.start(concurrency=",".join("1" * 20), duration="200ms", warmup="0")
        hasty.next()
    before = rss_bytes(mortal.pid)
    last = mortal.ended(run_id, within_s=60)
    assert last["result"]["verdict"] == "pass"
    assert rss_bytes(mortal.pid) - before < 30 * 2**20
    deaf.close()
    assert mortal.ended(mortal.start())["result"]["verdict"] == "pass"


def test_there_is_a_most_of_followers(agent):
    with_one_more = [agent.follow() for _ in range(32)]
    for each in with_one_more:
        each.__enter__()
    try:
        refused = agent.get("/api/events")
        assert refused.status == 503
        assert "32 follow already" in refused.error
        assert agent.get("/healthz").status == 200
    finally:
        for each in with_one_more:
            each.__exit__(None, None, None)
    wait_until(lambda: agent.get("/api/runs/x/events").status == 404)


def test_many_runs_leave_nothing_behind(mortal):
    mortal.ended(mortal.start())
    before = open_files(mortal.pid)
    for _ in range(3):
        mortal.ended(mortal.start())
    assert open_files(mortal.pid) <= before + 2
    assert workers_of(mortal.pid) == []


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_target_that_dies_ends_the_run_and_the_next_one_works(mortal):
    run_id = mortal.start({"scenario": "task", "concurrency": "2", **LONG})
    with mortal.follow() as follower:
        while not follower.until("Tick")["finished"]:
            pass
        [target] = targets_of(mortal)
        os.killpg(target, signal.SIGKILL)
        last = follower.until("RunEnded")
    assert "the target ended" in last["result"]["target_lost"]
    assert last["result"]["run_id"] == run_id
    again = mortal.ended(mortal.start({"scenario": "task", "concurrency": "2", "duration": "500ms"}))
    assert again["result"]["verdict"] == "pass"


def test_a_worker_that_is_killed_makes_that_run_invalid_and_no_other(mortal):
    mortal.start(**LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        [worker] = workers_of(mortal.pid)
        os.kill(worker, signal.SIGKILL)
        assert follower.until("RunEnded")["result"]["verdict"] == "invalid"
    assert mortal.ended(mortal.start())["result"]["verdict"] == "pass"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_that_is_idle_ends_at_once_and_well(mortal, number):
    with mortal.follow() as follower:
        began = time.monotonic()
        assert mortal.end(number) == 0
        assert time.monotonic() - began < 4
        assert follower.next() is None
    assert not mortal.socket.exists()
    assert mortal.log == ""


def test_a_signal_while_it_runs_drains_keeps_and_tells(mortal):
    run_id = mortal.start(delay="50ms", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        workers = workers_of(mortal.pid)
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < 6
        last = follower.until("RunEnded")
    assert last["result"]["interrupted"] is True
    kept = json.loads((mortal.results / run_id / "result.json").read_text())
    assert kept == last["result"]
    assert kept["stages"][0]["counts"]["unfinished"] == 0
    assert all(map(is_gone, workers))


def test_a_run_that_does_not_drain_is_given_up_within_dockers_patience(mortal):
    run_id = mortal.start(delay="60s", timeout="100s", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < 14
    kept = json.loads((mortal.results / run_id / "result.json").read_text())
    assert kept["stages"][0]["counts"]["unfinished"] == 2


def test_a_second_signal_does_not_wait(mortal):
    mortal.start(delay="60s", timeout="100s", **LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        mortal.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        began = time.monotonic()
        assert mortal.end() == 0
        assert time.monotonic() - began < 5


def test_an_agent_that_is_killed_leaves_no_load_behind(mortal):
    mortal.start(**LONG)
    with mortal.follow() as follower:
        follower.until("Tick")
        left = workers_of(mortal.pid)
        assert left
        mortal.process.kill()
        wait_until(lambda: all(map(is_gone, left)), within_s=5)


def run_through(agent, *args):
    return subprocess.run(
        [sys.executable, "-m", "loadlab", "run", *args],
        cwd=agent.folder,
        env=outer_environment() | {"LOADLAB_AGENT_SOCKET": str(agent.socket)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_line_runs_through_the_agent_that_its_socket_names(agent, tmp_path):
    out = tmp_path / "mine"
    with agent.follow() as follower:
        done = run_through(
            agent,
            "task",
            "--transport",
            "null",
            "--duration",
            "500ms",
            "--concurrency",
            "2",
            "--out",
            str(out),
        )
        assert follower.until("RunEnded")["result"]["verdict"] == "pass"
    assert done.returncode == 0, done.stderr
    assert "PASS" in done.stdout
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
            "--threads: they serve a target of the lab's own",
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
