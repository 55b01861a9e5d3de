"""`loadlab` as a process, in a folder of its own, and a server that remembers what it was asked."""

import http.server
import json
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from loadlab.errors import Exit
from support.live import OWN_DOING, PATIENCE_S, descendants, wait_until

LOADLAB = [sys.executable, "-m", "loadlab"]
QUICK = ["--concurrency", "2", "--duration", "300ms", "--warmup", "0", "--delay", "10ms"]
LONG = ["--concurrency", "4", "--duration", "30s", "--warmup", "0", "--delay", "50ms"]
VERDICT = "PASS|INVALID"
CARRIED = (Exit.PASS, Exit.INVALID)
"""What a run that was carried whole says and exits with; the second where other work had the cores."""
SEVERAL = 20
"""Requests after which a load is surely in its window, where it has no warm-up."""


class Lab:
    """Runs `loadlab` in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.out = folder / "results"
        self._started = []

    def __call__(self, *arguments):
        return ended(self.start(*arguments))

    def start(self, *arguments):
        process = subprocess.Popen(
            [*LOADLAB, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return self.watch(process)

    def watch(self, process):
        """See to it that a process ends with this."""
        self._started.append(process)
        return process

    def results(self):
        return [json.loads(path.read_bytes()) for path in sorted(self.out.glob("*/result.json"))]

    def exits(self, done, code):
        """Tell whether it ended so; INVALID is as good where other work on the cores made it that."""
        failed = {
            check["name"]
            for result in self.results()
            for check in result["checks"]
            if check["outcome"] == "fail"
        }
        own = OWN_DOING - {"answered", "errors"}
        others_doing = done.returncode == Exit.INVALID and bool(failed) and not failed & own
        return done.returncode == code or others_doing

    def close(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE_S)


def ended(process):
    out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def loading(process, metric="target_requests", at_least=SEVERAL):
    """Wait until the target of a started `loadlab` tells this of a metric; return the processes below it."""

    def seen():
        below = descendants(process.pid)
        assert process.poll() is None, process.communicate()
        told = (told_by(each.command.split(), metric) for each in below.values())
        return below if any(value >= at_least for value in told) else None

    return wait_until(seen)


def told_by(command, metric):
    """Ask the target that this command started for the sum of a metric; 0 where it is none, or not ready."""
    if "--announce" not in command:
        return 0
    try:
        announced = json.loads(Path(command[command.index("--announce") + 1]).read_bytes())
        with urllib.request.urlopen(announced["metrics_url"], timeout=PATIENCE_S) as reply:
            families = text_string_to_metric_families(reply.read().decode())
    except OSError:
        return 0
    return sum(sample.value for each in families if each.name == metric for sample in each.samples)


class CountingServer(http.server.ThreadingHTTPServer):
    """Answers everything and remembers it."""

    daemon_threads = True

    def __init__(self, status=200, later=None, after=0):
        """Answer with a status, and from so many requests on with the later one."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.later = status if later is None else later
        self.after = after
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
        server = self.server
        self.send_response(server.status if len(server.seen) <= server.after else server.later)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - as http.server has it

    def log_message(self, *_):
        pass


TEN = ["--concurrency", "2", "--requests", "10"]
