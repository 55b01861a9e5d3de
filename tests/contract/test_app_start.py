"""What surrounds the start of a target: the app's Python, a command before it, and when it is ready."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import TargetError, UsageError
from loadlab.targets.app_environment import AppEnvironment, problem_of
from loadlab.targets.local import LocalHost, Start

pytestmark = pytest.mark.real

APP = """
import importlib.util, json, sys
from pathlib import Path
import gunicorn, prometheus_client

def app(environ, start_response):
    path = environ["PATH_INFO"]
    ready = path != "/ready" or Path("asked").exists()
    with Path("asked").open("a") as asked:
        print(path, file=asked)
    start_response("200 OK" if ready else "503 Service Unavailable", [])
    return [json.dumps({
        "prefix": sys.prefix,
        "gunicorn": gunicorn.__version__,
        "flask": importlib.util.find_spec("flask") is not None,
        "measures": prometheus_client.__file__,
    }).encode()]
"""


def served(folder, start, options=()):
    """Start a target so, ask it once, and stop it; returns the target and what it answered."""
    host = LocalHost(folder / "target.log", dict(options), start)

    async def live():
        try:
            target = await host.start()
            return target, await asyncio.to_thread(
                lambda: urllib.request.urlopen(target.url, timeout=10).read()
            )
        finally:
            await host.stop()

    return asyncio.run(live())


def refused(folder, start, options=(), kind=TargetError):
    with pytest.raises(kind) as error:
        served(folder, start, options)
    return str(error.value)


@pytest.fixture(scope="session")
def venv(tmp_path_factory):
    """An environment with an older gunicorn, and with nothing of the lab's."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "--target", packages, "gunicorn==23.0.0"], check=True)
    return folder


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(APP)
    return {"--app": "mine:app"}


def test_the_app_is_served_by_its_own_python_gunicorn_and_packages(tmp_path, mine, venv):
    target, body = served(tmp_path, Start(app_python=venv / "bin" / "python"), mine)
    told = json.loads(body)
    assert (told["prefix"], told["gunicorn"], told["flask"]) == (str(venv), "23.0.0", False)
    assert Path(told["measures"]).parts[-3:] == ("measures", "prometheus_client", "__init__.py")
    assert target.gunicorn.version == "23.0.0"
    assert f"the app's Python {sys.version_info.major}.{sys.version_info.minor}." in target.where


def test_a_python_that_cannot_serve_it_is_refused_before_anything_starts(tmp_path, mine, venv):
    nowhere = refused(tmp_path, Start(app_python=tmp_path / "nope"), mine, UsageError)
    assert nowhere == f"--app-python: {str(tmp_path / 'nope')!r} can't be run: No such file or directory"
    none = refused(tmp_path, Start(app_python=Path("/bin/true")), mine, UsageError)
    assert none == "--app-python: '/bin/true' is no Python: it does not say its version"
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    lacking = refused(tmp_path, Start(app_python=bare / "bin" / "python"), mine, UsageError)
    assert lacking.endswith("bare/bin/python has no gunicorn; install gunicorn 22 or later there")


@pytest.mark.parametrize(
    ("python", "packages", "problem"),
    [
        ((3, 10, 2), {"gunicorn": "27.0.1"}, "is Python 3.10.2; the target needs 3.11 or later"),
        ((3, 11, 0), {"gunicorn": "20.1.0"}, "has gunicorn 20.1.0; the target needs 22 or later"),
        ((3, 11, 0), {"gunicorn": "22.0.0", "click": "7.1"}, "has click 7.1; the target needs 8 or later"),
        ((3, 11, 0), {"gunicorn": "22.0.0", "click": "8.0"}, None),
    ],
)
def test_what_an_environment_has_too_old_is_named(python, packages, problem):
    assert problem_of(AppEnvironment(python, [], packages)) == problem


def test_a_prometheus_client_that_the_lab_does_not_use_is_said():
    theirs = AppEnvironment((3, 12, 1), [], {"prometheus_client": "0.19.0"})
    assert theirs.described.startswith("the app's Python 3.12.1, prometheus_client ")
    assert theirs.described.endswith(" of the lab, not 0.19.0")


def test_a_command_runs_before_each_start(tmp_path, mine):
    start = Start(before_each="echo put back; echo x >> starts")
    for times in (1, 2):
        served(tmp_path, start, mine)
        assert (tmp_path / "starts").read_text().count("x") == times
    assert (tmp_path / "target.log").read_text().startswith("put back\n")


def test_a_command_that_fails_refuses_the_run_with_its_last_words(tmp_path, mine):
    said = refused(tmp_path, Start(before_each="echo looking; echo no database >&2; exit 3"), mine)
    assert said == (
        "--before-each ended with exit code 3, so the target was not started; it said:\nlooking\nno database"
    )
    assert "was ended by SIGKILL" in refused(tmp_path, Start(before_each="kill -9 $$"), mine)


def test_a_command_does_not_outlive_a_run_that_is_stopped(tmp_path, mine):
    host = LocalHost(tmp_path / "target.log", mine, Start(before_each="echo $$ > pid; sleep 60"))

    async def stop_early():
        starting = asyncio.create_task(host.start())
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await host.stop()

    asyncio.run(stop_early())
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_the_load_waits_until_the_app_says_that_it_is_ready(tmp_path, mine):
    served(tmp_path, Start(ready_path="/ready"), mine)
    assert (tmp_path / "asked").read_text().split() == ["/ready", "/ready", "/"]


def test_an_app_that_is_not_ready_in_time_is_refused_with_what_it_said(tmp_path, mine):
    within = Start(ready_path="/ready?never", ready_timeout_ns=8 * NS_PER_S)
    (tmp_path / "mine.py").write_text(APP.replace('Path("asked").exists()', "False"))
    said = refused(tmp_path, within, mine)
    assert said.startswith("the target was not ready within 8.00 s (--ready-timeout): GET /ready?never ")
    assert said.endswith(" (--ready-path): status 503")


def test_the_time_to_start_is_the_one_that_was_given(tmp_path, mine):
    (tmp_path / "mine.py").write_text(f"import time; time.sleep(8)\n{APP}")
    said = refused(tmp_path, Start(ready_timeout_ns=700 * NS_PER_MS), mine)
    assert said.startswith("the target was not ready within 700 ms (--ready-timeout): ")
