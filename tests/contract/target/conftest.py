"""Starts real targets on loopback and always stops them."""

import http.client
import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

WAIT_S = 60


class Target:
    """A running target, as its users see it."""

    def __init__(self, process, announced, log):
        self.process = process
        self.pid = announced["pid"]
        self.url = announced["url"]
        self.metrics_url = announced["metrics_url"]
        self.log = log

    def connect(self):
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=WAIT_S)

    def get(self, path="/", method="GET", connection=None):
        """Send one request, on a connection of its own if none is given; the body is read."""
        own = connection or self.connect()
        own.request(method, path)
        reply = own.getresponse()
        reply.body = reply.read()
        if connection is None:
            own.close()
        return reply

    def get_at_once(self, count, path="/"):
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(self.get, [path] * count))

    def exposition(self):
        with urllib.request.urlopen(self.metrics_url, timeout=WAIT_S) as reply:
            return reply.read().decode()

    def families(self):
        return {family.name: family for family in text_string_to_metric_families(self.exposition())}

    def server(self):
        """Ask how its gunicorn is set."""
        with urllib.request.urlopen(self.metrics_url.replace("/metrics", "/server"), timeout=WAIT_S) as reply:
            return json.loads(reply.read())

    def value(self, name, **labels):
        """Scrape one sample; None if it isn't there."""
        for family in self.families().values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    def by_worker(self, name):
        """Scrape a gauge of each worker, by the worker's number."""
        family = self.families().get(name)
        return {sample.labels["worker"]: sample.value for sample in family.samples} if family else {}

    def of_all_workers(self, name):
        """Scrape the sum of that."""
        return sum(self.by_worker(name).values())

    def requests(self):
        """Scrape the requests by class of status, without the classes that have none."""
        samples = self.families()["target_requests"].samples
        return {sample.labels["status_class"]: sample.value for sample in samples if sample.value}

    def workers(self):
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(timeout=2 * WAIT_S)


@pytest.fixture
def eventually():
    """Give a function that asks until it hears what is expected, and at last asserts it."""

    def ask(question, expected):
        deadline_s = time.monotonic() + WAIT_S
        answer = question()
        while answer != expected and time.monotonic() < deadline_s:
            time.sleep(0.02)
            answer = question()
        assert answer == expected

    return ask


@pytest.fixture
def gunicorn(request, monkeypatch, tmp_path_factory):
    """Have targets started with this version of gunicorn; without one, with the one that is installed."""
    version = getattr(request, "param", None)
    if version is not None:
        monkeypatch.setenv("PYTHONPATH", installed(tmp_path_factory, f"gunicorn=={version}", "--no-deps"))


@pytest.fixture
def gevent(monkeypatch, tmp_path_factory):
    """Have targets started where gevent can be imported."""
    monkeypatch.setenv("PYTHONPATH", installed(tmp_path_factory, "gevent==26.9.0"))


def installed(tmp_path_factory, package, *options):
    folder = tmp_path_factory.getbasetemp() / package
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, *options, "--target", folder, package], check=True)
    return str(folder)


@pytest.fixture
def start(tmp_path, monkeypatch, gunicorn):
    """Give a function that starts a target in tmp_path and waits for its announcement."""
    targets = []
    for name in (
        "GUNICORN_CONFIG",
        "TARGET_APP",
        "TARGET_SERVER",
        "TARGET_DELAY",
        "WORKERS",
        "THREADS",
        "TARGET_SERVER_TIMING",
    ):
        monkeypatch.delenv(name, raising=False)

    def start(*options, app=None, config=None):
        if config is not None:
            (tmp_path / "gunicorn.conf.py").write_text(config)
            options = ("--gunicorn-config", "gunicorn.conf.py", *options)
        if app is not None:
            (tmp_path / "mine.py").write_text(app)
            options = ("--app", "mine:app", *options)
        announcement = tmp_path / f"announced-{len(targets)}.json"
        log = tmp_path / f"target-{len(targets)}.log"
        command = [sys.executable, "-m", "loadlab_target", "--announce", announcement, "--stop-with-stdin"]
        defaults = ["--bind", "127.0.0.1:0", "--metrics-bind", "127.0.0.1:0", "--delay", "1ms"]
        log = tmp_path / f"target-{len(targets)}.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [*command, *defaults, *options], cwd=tmp_path, stdin=subprocess.PIPE, stderr=stderr
            )
        targets.append(process)
        deadline_s = time.monotonic() + WAIT_S
        while not announcement.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.02)
        return Target(process, json.loads(announcement.read_text()), log)

    yield start
    for process in targets:
        process.stdin.close()
    for process in targets:
        try:
            process.wait(timeout=2 * WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def gate(tmp_path):
    """Give an app whose requests wait for a file, and the file; it is opened at the end, whatever happens."""
    file = tmp_path / "gate"
    app = f"""
import os, time

def app(environ, start_response):
    while not os.path.exists({str(file)!r}):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
    yield app, file
    file.touch()
