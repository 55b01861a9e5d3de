"""`loadlab` as people and scripts meet it: what it prints where, what it leaves, and its exit codes."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from live import descendants, is_gone, wait_until

pytestmark = pytest.mark.real

LOADLAB = [sys.executable, "-m", "loadlab"]
QUICK = ["--concurrency", "2", "--duration", "300ms", "--warmup", "0", "--delay", "10ms"]
LONG = ["--concurrency", "4", "--duration", "30s", "--warmup", "0", "--delay", "50ms"]


class Lab:
    """Runs `loadlab` in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "results"
        self._started = []

    def __call__(self, *arguments):
        return subprocess.run(
            [*LOADLAB, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )

    def start(self, *arguments):
        process = subprocess.Popen(
            [*LOADLAB, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return process

    def results(self):
        return [json.loads(path.read_bytes()) for path in sorted(self.out.glob("*/result.json"))]

    def close(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)


@pytest.fixture
def lab(tmp_path):
    made = Lab(tmp_path)
    yield made
    made.close()


def ended(process):
    out, err = process.communicate(timeout=40)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def loading(process):
    """Wait until the load of a started `loadlab` is under way; return the processes below it."""

    def seen():
        below = descendants(process.pid)
        assert process.poll() is None, process.communicate()
        workers = [pid for pid, each in below.items() if "spawn_main" in each.command and each.group == pid]
        return below if workers else None

    found = wait_until(seen)
    time.sleep(1.0)
    return found


# --- words that can't be meant ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "taks"], "SCENARIO: there is no 'taks'. Did you mean task?"),
        (["run", "task", "--workload", "batsh"], "--workload: there is no 'batsh'. Did you mean batch?"),
        (["run", "task", "--transport", "aiohtp"], "Did you mean aiohttp?"),
        (["run", "task", "--concurency", "3"], "Did you mean '--concurrency'?"),
        (["rum", "task"], "Did you mean 'run'?"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["run", "task", "--concurrency", "0"], "--concurrency: '0' is not a whole number of 1 or more"),
        (["run", "task", "--concurrency", "-3"], "--concurrency: '-3' is not a whole number of 1 or more"),
        (["run", "task", "--concurrency", "999999999"], "--concurrency: 999,999,999 users are more than"),
        (["run", "task", "--duration", "10 parsecs"], "--duration: '10 parsecs' is not a duration"),
        (["run", "task", "--target", "ftp://127.0.0.1/"], "--target: 'ftp://127.0.0.1/' is not an http://"),
        (["run", "task", "--target", "http://127.0.0.1:99999"], "is not a URL"),
        (["run", "task", "--target", "127.0.0.1:1", "--workers", "2"], "--workers: they serve a target"),
        (["run", "task", "--target", "http://192.0.2.1/"], "give --remote if you may load it"),
        (["run", "task", "--remote"], "--remote: it allows a --target"),
        (["run", "task", "--transport", "null", "--remote"], "--remote: it allows a --target"),
        (["run", "task", "--server", "flask", "--threads", "2"], "--threads: Flask's development server"),
        (["run", "task", "--app", "shop:sell", "--delay", "1ms"], "--delay: it is how long the lab's own"),
        (["run", "task", "--timeout", "1s", "--connect-timeout", "2s"], "--connect-timeout: it is longer"),
        (["run", "task", "--threads", "0"], "--threads"),
        (["run", "task", "--delay", "ten"], "--delay"),
        (["run", "blocking", "--concurrency", "8"], "--concurrency: blocking has one request in flight"),
        (["show", "no/where"], "no/where cannot be read"),
        (["show", "nowhere"], "RESULT: 'nowhere' is no path, and there is no run in results"),
        (["show", "latest"], "RESULT: there is no run in results"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_exit_code_2_and_nothing_is_written(lab, arguments, said):
    done = lab(*arguments)
    assert done.returncode == 2, done.stderr
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_a_result_folder_that_cannot_be_written_is_found_before_the_load(lab):
    (lab.folder / "file").touch()
    with CountingServer() as server:
        done = lab("run", "task", *QUICK[:-2], "--target", server.url, "--out", "file/x")
    assert done.returncode == 2
    assert "--out: file/x cannot be written" in done.stderr
    assert server.seen == []
    assert [path.name for path in lab.folder.iterdir()] == ["file"]


# --- targets that are not there ---


def test_a_target_that_nobody_serves_is_exit_code_4_before_any_load(lab):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = lab("run", "task", "--target", f"http://127.0.0.1:{port}/")
    assert done.returncode == 4
    assert f"http://127.0.0.1:{port}/ cannot be reached" in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_an_app_that_cannot_be_imported_is_exit_code_4_with_the_targets_own_words(lab):
    done = lab("run", "task", "--app", "no_such_module:app")
    assert done.returncode == 4
    assert "no_such_module" in done.stderr
    assert 'Traceback (most recent call last):\n  File "<' not in done.stderr
    assert list(lab.folder.iterdir()) == []


def test_a_target_that_dies_under_load_is_exit_code_4_and_what_was_measured_is_kept(lab):
    process = lab.start("run", "task", *LONG)
    below = loading(process)
    for pid, each in below.items():
        if "loadlab_target" in each.command:
            os.kill(pid, signal.SIGKILL)
    done = ended(process)
    assert done.returncode == 4, done.stderr
    (result,) = lab.results()
    assert "the target ended" in result["target_lost"]
    assert result["stages"][0]["counts"]["ok"] > 0
    assert result["stages"][0]["counts"]["connect_error"] > 0
    assert "the target was lost" in done.stdout
    wait_until(lambda: all(is_gone(pid) for pid in below), within_s=10)


# --- being stopped ---


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_ctrl_c_or_sigterm_drains_keeps_and_exits_130(lab, number):
    process = lab.start("run", "task", *LONG)
    below = loading(process)
    process.send_signal(number)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    counts = result["stages"][0]["counts"]
    assert result["interrupted"] is True
    assert counts["ok"] == counts["scheduled"] > 0, "what was in flight was waited for"
    assert "interrupted, what was measured is kept" in done.stdout
    assert all(is_gone(pid) for pid in below)


def test_a_second_ctrl_c_does_not_wait_for_what_is_in_flight(lab):
    users = ["--concurrency", "3", "--duration", "30s", "--warmup", "0"]
    process = lab.start("run", "task", *users, "--delay", "20s", "--timeout", "25s")
    below = loading(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "it waits for three replies that take 20 s"
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    assert result["stages"][0]["counts"]["unfinished"] == 3
    wait_until(lambda: all(is_gone(pid) for pid in below), within_s=15)


def test_ctrl_c_of_a_terminal_reaches_the_whole_group_and_is_handled_once(lab):
    """A terminal signals everyone in the foreground: workers and target must leave it to `loadlab`."""
    process = subprocess.Popen(
        [*LOADLAB, "run", "pool", "--processes", "2", *LONG],
        cwd=lab.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    loading(process)
    os.killpg(process.pid, signal.SIGINT)
    done = ended(process)
    assert done.returncode == 130, done.stderr
    (result,) = lab.results()
    (stage,) = result["stages"]
    assert stage["counts"]["ok"] == stage["counts"]["scheduled"] > 0
    untouched = {"accounting", "workers", "target"}
    assert {each["outcome"] for each in result["checks"] if each["name"] in untouched} == {"pass"}
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["pool", "--processes", "2", *LONG], ["pool-map", "--requests", "2000"]]
)
def test_whatever_kills_loadlab_no_target_worker_or_helper_is_left_behind(lab, arguments):
    process = lab.start("run", *arguments)
    loading(process)
    below = descendants(process.pid)
    assert any("loadlab_target" in each.command for each in below.values())
    process.kill()
    process.wait(10)
    wait_until(lambda: all(is_gone(pid) for pid in below), within_s=10)


# --- what is printed where ---


def test_json_is_the_result_file_on_stdout_and_all_else_is_on_stderr(lab):
    done = lab("run", "task", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    (written,) = lab.out.glob("*/result.json")
    assert done.stdout == written.read_text()
    assert "PASS" in done.stderr
    assert str(written.relative_to(lab.folder)) in done.stderr.replace("\n", "")


def test_the_table_is_on_stdout_and_the_progress_on_stderr(lab):
    done = lab("run", "task", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "PASS" in done.stdout
    assert "bound" in done.stdout
    assert done.stderr.startswith("a target of its own on this machine")


def test_quiet_shows_no_progress(lab):
    done = lab("run", "task", *QUICK, "--quiet")
    assert done.stderr.splitlines() == [
        line for line in done.stderr.splitlines() if line.startswith("result: ")
    ]
    assert "PASS" in done.stdout


def test_show_prints_the_table_of_a_run_again(lab):
    ran = lab("run", "task", *QUICK)
    (written,) = lab.out.glob("*/result.json")
    for named in (str(written), str(written.parent), written.parent.name, written.parent.name[:4], "latest"):
        shown = lab("show", named)
        assert shown.returncode == 0
        assert shown.stdout.startswith(written.parent.name)
        assert shown.stdout.endswith(ran.stdout)


def test_the_result_folder_holds_the_result_and_the_targets_log(lab):
    lab("run", "task", *QUICK)
    (folder,) = lab.out.iterdir()
    assert {path.name for path in folder.iterdir()} == {"result.json", "target.log"}
    result = json.loads((folder / "result.json").read_bytes())
    assert result["run_id"] == folder.name
    assert result["stages"][0]["counts"]["ok"] == result["stages"][0]["counts"]["scheduled"] > 0


def test_a_reader_that_goes_away_is_no_error(lab):
    command = f"{sys.executable} -m loadlab --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""


# --- what reaches the target ---


class CountingServer(http.server.ThreadingHTTPServer):
    """Answers everything and remembers it."""

    daemon_threads = True

    def __init__(self, status=200):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.seen = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a response in one piece

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - as http.server has it

    def log_message(self, *_):
        pass


TEN = ["--concurrency", "2", "--requests", "10"]


def test_method_header_and_body_reach_the_target_as_they_were_given(lab):
    (lab.folder / "body.bin").write_bytes(b"\x00\x01body")
    with CountingServer() as server:
        done = lab(
            "run", "task", *TEN, "--target", server.url, "--path", "/a/b?c=d%20e", "--method", "put",
            "--header", "X-One: 1", "--header", "Accept: x/y", "--body", "@body.bin",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(server.seen) == 10
    for method, path, headers, body in server.seen:
        assert (method, path, body) == ("PUT", "/a/b?c=d%20e", b"\x00\x01body")
        assert (headers["X-One"], headers["Accept"]) == ("1", "x/y")


@pytest.mark.parametrize("scenario", ["task", "threads"])
def test_the_path_of_a_target_is_requested_as_it_stands(lab, scenario):
    with CountingServer() as server:
        done = lab("run", scenario, *TEN, "--target", f"{server.url}app/x?y=1")
    assert done.returncode == 0, done.stderr
    assert {path for _, path, _, _ in server.seen} == {"/app/x?y=1"}
    (result,) = lab.results()
    assert result["stages"][0]["sent_total"] == len(server.seen) == 10


def test_a_requests_file_is_a_mix_of_requests(lab):
    mix = [{"path": "/a", "weight": 3}, {"path": "/b", "method": "POST", "headers": {"X": "1"}, "body": "hi"}]
    (lab.folder / "mix.json").write_text(json.dumps(mix))
    with CountingServer() as server:
        done = lab(
            "run", "task", "--concurrency", "2", "--requests", "200",
            "--target", server.url, "--requests-file", "mix.json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    posts = [each for each in server.seen if each[0] == "POST"]
    assert {(path, headers["X"], body) for _, path, headers, body in posts} == {("/b", "1", b"hi")}
    assert {path for method, path, _, _ in server.seen if method == "GET"} == {"/a"}
    assert len(server.seen) == 200
    assert 25 <= len(posts) <= 75


@pytest.mark.parametrize(("expected", "code"), [("200-399", 1), ("404", 0), ("200,400-499", 0)])
def test_the_expected_status_decides_what_is_ok(lab, expected, code):
    with CountingServer(status=404) as server:
        done = lab("run", "task", *TEN, "--target", server.url, "--expect-status", expected)
    assert done.returncode == code, done.stderr
    (result,) = lab.results()
    counts = result["stages"][0]["counts"]
    assert (counts["ok"], counts["http_error"]) == ((10, 0) if code == 0 else (0, 10))


def test_a_run_without_a_single_ok_never_exits_0(lab):
    with CountingServer(status=500) as server:
        done = lab("run", "task", *TEN, "--target", server.url)
    assert done.returncode == 1
    assert "not a single request ended ok" in done.stdout


def test_the_seed_reaches_the_target_that_the_lab_starts(lab):
    (lab.folder / "shop.py").write_text(
        "import os\n"
        "def sell(environ, start_response):\n"
        "    start_response('200 OK' if os.environ['TARGET_SEED'] == '7' else '500 Oh', [])\n"
        "    return []\n"
    )
    assert lab("run", "task", *TEN, "--app", "shop:sell", "--seed", "7").returncode == 0
    assert lab("run", "task", *TEN, "--app", "shop:sell").returncode == 1


def test_two_runs_side_by_side_do_not_disturb_each_other(lab):
    both = [lab.start("run", "task", *QUICK) for _ in range(2)]
    assert [ended(process).returncode for process in both] == [0, 0]
    assert len(lab.results()) == 2


def test_no_temporary_files_are_left(lab, monkeypatch):
    place = lab.folder / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    assert lab("run", "task", *QUICK).returncode == 0
    assert list(place.iterdir()) == []


def test_a_reader_that_leaves_early_changes_nothing_about_the_exit_code(lab):
    run = lab.start("run", "task", "--quiet", *QUICK)
    run.stdout.close()
    assert run.wait(60) == 0
    assert lab.results()
