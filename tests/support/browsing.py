"""A real agent and its page in a real browser: for the tests that are marked `browser`."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.select import Select

from loadlab.results.result import RunResult, encode

PATIENCE_S = 120.0
LOAD_S = 30.0
"""Then the page is loaded anew: Chromium takes its time after it has seen the network change."""
_NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""Chromium drops every connection when the machine gets or loses an interface, as containers make it do."""


def until(
    condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S, *, fail: bool = True
) -> Any:
    """Wait for a condition and return what it came to; what raises meanwhile is not yet true."""
    end = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(WebDriverException, OSError):
            if found := condition():
                return found
        if time.monotonic() > end and not fail:
            return None
        if time.monotonic() > end:
            pytest.fail(f"waited {patience_s:.0f} s in vain for: {what}", pytrace=True)
        time.sleep(0.1)


class Agent:
    """`loadlab agent` in a process group of its own, which can be stopped, killed and started again."""

    def __init__(self, out: Path, **environment: str) -> None:
        self.out = out
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._environment = os.environ | {"LOADLAB_TOKEN": "browsing"} | environment
        self.start()

    def start(self, **environment: str) -> None:
        self._environment |= environment
        self.token = self._environment["LOADLAB_TOKEN"]
        bind = (
            "--bind",
            f"127.0.0.1:{self.port}",
            "--out",
            str(self.out),
            "--threads",
            "8",
            "--delay",
            "20ms",
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadlab", "agent", *bind],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(lambda: self.get("healthz") == b"ok\n", "the agent to answer")

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.resume()
        self._process.terminate()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def asked(self, path: str, body: bytes | None = None) -> urllib.request.Request:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        return urllib.request.Request(self.url + path, body, headers)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.asked(path), timeout=10) as reply:
            return reply.read()

    def state(self) -> dict[str, Any]:
        return json.loads(self.get("api/state"))

    def result(self, run_id: str) -> dict[str, Any]:
        return json.loads(self.get(f"api/runs/{run_id}/result.json"))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with urllib.request.urlopen(self.asked(path, json.dumps(body).encode()), timeout=20) as reply:
            return json.load(reply)

    def run(self, **options: str | list[str]) -> str:
        """Start a run, as another client would, and return its name."""
        self.quiet()
        return self.post("api/runs", {"options": options})["run_id"]

    def quiet(self) -> None:
        """Leave nothing running."""
        while running := self.state()["running"]:
            with contextlib.suppress(OSError):
                self.post(f"api/runs/{running['run_id']}/stop", {})
            time.sleep(0.2)

    def keep(self, result: RunResult) -> None:
        """Put an earlier run into its folder."""
        folder = self.out / result.run_id
        folder.mkdir(parents=True)
        (folder / "result.json").write_bytes(encode(result))


class Page:
    """The page in a tab."""

    def __init__(self, driver, agent: Agent) -> None:
        self.driver = driver
        self.agent = agent
        self.expected: list[str] = []
        """Patterns of what the browser itself writes to the console about what a test does."""

    @property
    def address(self) -> str:
        """The page's address with the token, as `loadlab agent` and `make open` give it."""
        return f"{self.agent.url}#token={self.agent.token}"

    def open(self, fragment: str = "") -> None:
        def loaded() -> bool:
            self.driver.get("about:blank")
            self.driver.get(self.address + fragment.replace("#", "&"))
            return bool(until(self._ready, "", LOAD_S, fail=False))

        until(loaded, "the page to load and connect")

    def _ready(self) -> bool:
        return bool(self.all("#connection[data-state=live]") and self.all("#scenario option"))

    def js(self, expression: str, *args: Any) -> Any:
        return self.driver.execute_script(f"return {expression}", *args)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.js("document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def wait(self, selector: str) -> Any:
        return until(lambda: next(iter(self.all(selector)), None), f"{selector} on the page")

    def wait_text(self, selector: str, pattern: str) -> str:
        until(lambda: re.search(pattern, self.text(selector)), f"{pattern!r} in {selector}")
        return self.text(selector)

    def fill(self, name: str, value: str) -> None:
        field = self.one(f"#{name}")
        field.clear()
        field.send_keys(value)

    def figure(self, name: str) -> str:
        return self.text(f"[data-figure={name}] b")

    def choose(self, scenario: str, workload: str | None = None) -> None:
        """Choose a scenario, once the form offers what it can do, and one of its workloads."""
        Select(self.one("#scenario")).select_by_visible_text(scenario)
        told = next(each for each in self.agent.state()["scenarios"] if each["name"] == scenario)
        offered = "[...document.getElementsByName('workload')].map(({ value }) => value)"
        until(lambda: self.js(offered) == told["workloads"], f"the workloads of {scenario}")
        if workload is not None:
            self.one(f"[name=workload][value={workload}]").click()

    def media(self, *, scheme: str = "light", motion: str = "no-preference") -> None:
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": n, "value": v} for n, v in features.items()]}
        )

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def unexpected(self) -> list[str]:
        entries = [e for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
        return [
            entry["message"]
            for entry in entries
            if not any(re.search(pattern, entry["message"]) for pattern in (*self.expected, _NETWORK_CHANGED))
        ]


def import_of(module: str, name: str) -> str:
    """Return the expression for what a module of the page exports by this name."""
    return f"(await import('/static/{module}.js')).{name}"


def module_says(page: Page, expression: str, *args: Any) -> Any:
    """Return what an expression of the page's modules comes to; it may wait."""
    script = f"const done = arguments[arguments.length - 1]; (async () => ({expression}))().then(done)"
    return page.driver.execute_async_script(script, *args)
