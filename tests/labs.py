"""`loadlab` as a process, in a folder of its own, and a server that remembers what it was asked."""

import http.server
import json
import subprocess
import sys
import threading
import time

from live import descendants, wait_until

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
        return self.watch(process)

    def watch(self, process):
        """See to it that a process ends with this."""
        self._started.append(process)
        return process

    def results(self):
        return [json.loads(path.read_bytes()) for path in sorted(self.out.glob("*/result.json"))]

    def close(self):
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)


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
