"""Fixtures of the transport contract."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from contract.transports.callers import ASYNC, BLOCKING, AsyncCaller, BlockingCaller
from contract.transports.scripted import Script, ScriptedServer

CERTIFICATES = Path(__file__).parent / "certificates"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.real)
            item.add_marker(pytest.mark.quick)


@pytest.fixture(params=[*ASYNC, *BLOCKING])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def caller(kind: str) -> Iterator[AsyncCaller | BlockingCaller]:
    made = {**ASYNC, **BLOCKING}[kind]()
    yield made
    made.close()
    made.stop()


@pytest.fixture(params=list(ASYNC))
def async_caller(request: pytest.FixtureRequest) -> Iterator[AsyncCaller]:
    made = ASYNC[request.param]()
    yield made
    made.close()
    made.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., ScriptedServer]]:
    with ExitStack() as stack:

        def start(*scripts: Script, **options: object) -> ScriptedServer:
            return stack.enter_context(ScriptedServer(*scripts, **options))

        yield start


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "loopback.pem")
    return context


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "ca.pem"))
