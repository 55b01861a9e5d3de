"""The agent's process: listens, serves, and ends on a signal."""

import asyncio
import contextlib
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from loadlab.agent.access import MOST_TOKEN, Guard, NoGuard
from loadlab.agent.api import Api
from loadlab.agent.runs import Runs
from loadlab.agent.unfinished import recover
from loadlab.errors import UsageError
from loadlab.metrics import Metrics
from loadlab.results.archive import Archive
from loadlab.system.stop_signals import Stops
from loadlab.targets.address_scope import is_loopback, reachable

_LAST_WORDS_S = 2.0
"""How long followers may take for the last event when the agent ends."""
_BACKLOG = 128
_PORT = re.compile("[0-9]{1,5}")
_TOKEN_BYTES = 24
_TOKEN = re.compile(rf"[!-~]{{1,{MOST_TOKEN}}}")
_MOST_LINE_BYTES = 4096
_MOST_HEADERS = 64
_MOST_HEADER_BYTES = 8190
_IDLE_S = 30.0
"""How long a connection is kept on which no request is whole, whether none has begun or it does not end."""


class Listening:
    """Where an agent listens: one address, and perhaps a unix socket."""

    def __init__(self, bind: str, socket_path: Path | None, token: str | None) -> None:
        """Listen; raise UsageError where that can't be. On loopback there is always a token: one is made."""
        if token is not None and not _TOKEN.fullmatch(token):
            raise UsageError(f"LOADLAB_TOKEN: use 1 to {MOST_TOKEN} visible ASCII characters")
        host, port = address(bind)
        self.tcp = _tcp(host, port, bind)
        self._address, self._port = self.tcp.getsockname()[:2]
        self._made = secrets.token_hex(_TOKEN_BYTES) if token is None and is_loopback(self._address) else None
        self.guard = Guard(self._address, token or self._made, named=host)
        try:
            self.unix = None if socket_path is None else _unix(socket_path)
        except UsageError:
            self.tcp.close()
            raise
        self._path = socket_path

    @property
    def url(self) -> str:
        """Where the page is, seen from this machine; with the token if it is secret."""
        host = reachable(self._address)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._port}/" + (f"#token={self._made}" if self._made else "")

    def close(self) -> None:
        """Leave no file behind."""
        self.tcp.close()
        if self.unix is not None and self._path is not None:
            self.unix.close()
            self._path.unlink(missing_ok=True)


async def serve(listening: Listening, runs: Runs, metrics: Metrics, stops: Stops) -> None:
    """Serve until a signal asks for the end: a run drains and is kept. A second signal does not wait."""
    over = asyncio.Event()

    def end() -> None:
        if over.is_set() and (run := runs.running) is not None:
            run.stop()
        over.set()

    stops.follow(asyncio.get_running_loop(), end)
    await asyncio.to_thread(recover, runs.out)
    archive = Archive(runs.out)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(listening.close)
        await stack.enter_async_context(serving(Api(runs, metrics, archive, listening.guard), listening.tcp))
        if listening.unix is not None:
            await stack.enter_async_context(serving(Api(runs, metrics, archive, NoGuard()), listening.unix))
        known = asyncio.create_task(
            asyncio.to_thread(archive.runs)
        )  # so that the first list is as quick as any
        await over.wait()
        await runs.close()
        await known


@contextlib.asynccontextmanager
async def serving(api: Api, listener: socket.socket, *, idle_s: float = _IDLE_S) -> AsyncIterator[None]:
    """Answer what comes in; a connection without a whole request ends after `idle_s`."""
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_an_error_of_ours)
    runner = web.AppRunner(
        api.application(),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=_LAST_WORDS_S,
        keepalive_timeout=idle_s,
        logger=logger,
        max_line_size=_MOST_LINE_BYTES,
        max_headers=_MOST_HEADERS,
        max_field_size=_MOST_HEADER_BYTES,
    )
    await runner.setup()
    await web.SockSite(runner, listener, backlog=_BACKLOG).start()
    try:
        yield
    finally:
        await runner.cleanup()


def _is_an_error_of_ours(record: logging.LogRecord) -> bool:
    """Leave out what was sent that is no HTTP: it would be a traceback for each, with the sender's bytes."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def address(bind: str) -> tuple[str, int]:
    """Read HOST:PORT; raise UsageError."""
    host, colon, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not _PORT.fullmatch(port) or int(port) > 65535:
        raise UsageError(f"--bind: {bind!r} is not HOST:PORT, such as 127.0.0.1:9200")
    return host, int(port)


def _tcp(host: str, port: int, bind: str) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no host name"
        raise UsageError(f"--bind: {bind} can't be listened on ({why}); name another") from None
    return listener


def _unix(path: Path) -> socket.socket:
    """Listen on a socket that only this user may open."""
    if _answers(path):
        raise UsageError(f"LOADLAB_AGENT_SOCKET: another agent listens at {path}")
    if path.exists() and not path.is_socket():
        raise UsageError(f"LOADLAB_AGENT_SOCKET: {path} is there and is no socket; name another")
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(f"LOADLAB_AGENT_SOCKET: {path} can't be listened on ({error.strerror})") from None
    finally:
        os.umask(mask)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
