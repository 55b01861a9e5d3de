"""A Prometheus of our own on loopback, with the lab's configuration: as in the stack, without Docker."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from support.grafana import Prometheus
from support.promtool import ROOT, program

READY_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def configuration(folder: Path, targets: dict[str, str]) -> Path:
    """Write the lab's configuration with other addresses for its jobs."""
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    config["rule_files"] = [str(ROOT / "prometheus" / pattern) for pattern in config["rule_files"]]
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def flags() -> list[str]:
    """The flags of the stack's Prometheus that are not about where things are."""
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["prometheus"]
    elsewhere = ("--config.file", "--storage", "--web.listen-address")
    return [flag for flag in service["command"] if not flag.startswith(elsewhere)]


@contextlib.contextmanager
def scraping(
    folder: Path, targets: dict[str, str], port: int | None = None, generation: str = "2"
) -> Iterator[Prometheus]:
    """Run a Prometheus that keeps its data in a folder; its log is in it."""
    port = port or free_port()
    command = [
        program("prometheus", generation),
        f"--config.file={configuration(folder, targets)}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags(),
    ]
    with (folder / "prometheus.log").open("a") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait(port, folder)
            yield Prometheus(port)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait(port: int, folder: Path) -> None:
    deadline = time.monotonic() + READY_S
    prometheus = Prometheus(port)
    while True:
        with contextlib.suppress(OSError, AssertionError):
            prometheus.ask("query", query="1")
            return
        assert time.monotonic() < deadline, (folder / "prometheus.log").read_text()[-2000:]
        time.sleep(0.05)


def wait_for_scrape(prometheus: Prometheus, job: str, within_s: float = 15.0) -> None:
    """Return once a job was scraped anew: what it told before this call is in."""
    asked_at = time.time()
    up = f'up{{job="{job}"}}'
    # Only of a bare selector is `timestamp` the sample's own; else it is the moment of asking.
    while not any(at > asked_at for at in prometheus.now(f"timestamp({up}) and {up} == 1").values()):
        assert time.time() < asked_at + within_s, f"{job} is not scraped"
        time.sleep(0.05)
