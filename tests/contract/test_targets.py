"""What a host promises: a target that answers or a sentence why not, its loss noticed, nothing left."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from loadlab.errors import TargetError, UsageError
from loadlab.targets.local import VARIABLES, LocalHost
from loadlab.targets.target_metrics import read
from loadlab.targets.url import UrlHost
from loadlab_target.__main__ import main as target_command
from support.live import descendants, is_gone, wait_until


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def url_of(server, host="127.0.0.1"):
    return f"http://{host}:{server.getsockname()[1]}/"


@pytest.mark.real
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_url_that_accepts_connections_is_a_target(listener, host):
    url = url_of(listener, host)
    target = asyncio.run(UrlHost(url).start())
    assert (target.url, target.metrics_url) == (url, None)
    assert url in target.where


@pytest.mark.real
@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "http://[2001:db8::1]:80/", "http://203.0.113.7:8080/x"]
)
def test_a_foreign_address_is_refused_before_anything_is_sent_to_it(url):
    """A connect to these would time out and be a TargetError: the sentence shows that there was none."""
    with pytest.raises(UsageError, match=r"^--target: .* give --remote if you may load it"):
        asyncio.run(UrlHost(url).start())


@pytest.mark.real
def test_a_foreign_address_is_tried_where_it_is_allowed(monkeypatch):
    """With --remote it gets as far as the connection; here nothing listens."""
    monkeypatch.setattr("loadlab.targets.url.may_be_loaded", lambda _address: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = url_of(server)
    with pytest.raises(UsageError, match="give --remote"):
        asyncio.run(UrlHost(url).start())
    with pytest.raises(TargetError, match="cannot be reached"):
        asyncio.run(UrlHost(url, remote=True).start())


@pytest.mark.real
@pytest.mark.parametrize("name", ["no-such-host.invalid", "a-b_c.invalid."])
def test_a_name_without_an_address_is_a_target_that_cannot_be_reached(name):
    with pytest.raises(TargetError, match=f"^http://{name}/ cannot be reached: no address for"):
        asyncio.run(UrlHost(f"http://{name}/").start())


@pytest.mark.real
def test_a_url_that_nobody_listens_at_any_more_is_lost(listener):
    host = UrlHost(url_of(listener))

    async def lose():
        await host.start()
        assert await host.lost() is None
        listener.close()
        return await host.lost()

    assert "cannot be reached" in asyncio.run(lose())


@pytest.mark.quick
@pytest.mark.real
def test_a_local_target_answers_and_measures_and_leaves_nothing_behind(tmp_path):
    host = LocalHost(tmp_path / "target.log", {"--threads": "3"})

    async def live():
        before = descendants(os.getpid())
        target = await host.start()
        pids = descendants(os.getpid(), without=before)
        reading = await read(target.metrics_url)
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(target.url, timeout=10).read())
        assert await host.lost() is None
        await host.stop()
        await host.stop()
        return pids, reading, body

    pids, reading, body = asyncio.run(live())
    assert (reading.get("target_threads"), body) == (3, b"Hello!")
    assert pids
    wait_until(lambda: all(is_gone(pid) for pid in pids))


def variables_of_the_target():
    return {option.envvar for option in target_command.params if option.envvar}


@pytest.mark.real
def test_options_alone_decide_how_a_local_target_is_served(tmp_path, monkeypatch):
    """What the environment says of a target is the stack's, or of another; `where` would not know."""
    for name in variables_of_the_target():
        monkeypatch.setenv(name, "7")
    (tmp_path / "shop.py").write_text(
        "import os\n"
        "def sell(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [os.environ['SHOP_SIGN'].encode()]\n"
    )
    monkeypatch.setenv("SHOP_SIGN", "open")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    host = LocalHost(tmp_path / "target.log", {"--app": "shop:sell"})

    async def live():
        try:
            target = await host.start()
            body = await asyncio.to_thread(lambda: urllib.request.urlopen(target.url, timeout=10).read())
            return target.where, await read(target.metrics_url), body
        finally:
            await host.stop()

    where, reading, body = asyncio.run(live())
    assert "1 worker × 64 threads" in where
    assert (reading.get("target_workers"), reading.get("target_threads")) == (1, 64)
    assert body == b"open", "the app's own environment is untouched"


def test_every_variable_of_the_target_is_kept_from_a_local_one():
    assert variables_of_the_target() == VARIABLES


@pytest.mark.real
def test_a_local_target_that_ends_is_lost_with_its_exit_code_and_its_log(tmp_path):
    host = LocalHost(tmp_path / "target.log", {})

    async def lose():
        before = descendants(os.getpid())
        await host.start()
        for pid in descendants(os.getpid(), without=before):
            os.kill(pid, signal.SIGKILL)
        try:
            async with asyncio.timeout(10):
                while not (said := await host.lost()):
                    await asyncio.sleep(0.02)
            return said
        finally:
            await host.stop()

    said = asyncio.run(lose())
    assert "the target ended with exit code -9" in said
    assert str(tmp_path / "target.log") in said


@pytest.mark.real
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"--app": "no_such_module:app"}, "no_such_module"),
        ({"--app": "loadlab_target.app:nothing"}, "nothing"),
    ],
)
def test_a_local_target_that_cannot_start_says_why(tmp_path, options, why):
    before = descendants(os.getpid())
    with pytest.raises(TargetError, match=f"(?s)^the target did not start: .*{why}"):
        asyncio.run(LocalHost(tmp_path / "target.log", options).start())
    wait_until(lambda: not descendants(os.getpid(), without=before))


@pytest.mark.real
@pytest.mark.parametrize(
    ("option", "value"), [("--threads", "0"), ("--workers", "x"), ("--delay", "ten"), ("--server", "apache")]
)
def test_an_option_that_the_target_does_not_take_is_a_usage_error_that_names_it(tmp_path, option, value):
    with pytest.raises(UsageError, match=f"{option}.*{value}"):
        asyncio.run(LocalHost(tmp_path / "target.log", {option: value}).start())


HOLDER = """
import asyncio, sys
from pathlib import Path
from loadlab.targets.local import LocalHost

async def hold():
    target = await LocalHost(Path(sys.argv[1]), {}).start()
    print(target.url, flush=True)
    await asyncio.sleep(3600)

asyncio.run(hold())
"""


@pytest.mark.real
def test_a_local_target_ends_with_whoever_started_it_even_by_sigkill(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "target.log"], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline().startswith(b"http://")
        pids = descendants(holder.pid)
        assert pids
        holder.kill()
    wait_until(lambda: all(is_gone(pid) for pid in pids))
