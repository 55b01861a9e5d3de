"""What happens around the start of a target: a command before it, and the look whether it is ready."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from loadlab.errors import TargetError
from loadlab.system.files import read_tail
from loadlab.targets.child_process import last_words
from loadlab.workload.url import read_url

_POLL_S = 0.02
_TAIL_LINES = 12
_TAIL_BYTES = 64 << 10
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")
_MOST_BYTES = 1 << 10


async def run_before(command: str, log: Path, environment: Mapping[str, str]) -> None:
    """Run a shell command to its end, its output into the log; raise TargetError where it fails."""
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - the user's command, waited for by looking
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment,
        )
    try:
        while (code := process.poll()) is None:
            await asyncio.sleep(_POLL_S)
    finally:
        if process.poll() is None:  # the run was stopped meanwhile
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        ended = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = last_words(read_tail(log, _TAIL_BYTES).decode(errors="replace"), _TAIL_LINES)
        raise TargetError(f"--before-each {ended}, so the target was not started; it said:\n{said}")


async def not_ready(url: str, path: str) -> str | None:
    """Ask for a path once; say what came instead of a status below 400, or return None where that came."""
    server = read_url(url)
    try:
        reader, writer = await asyncio.open_connection(server.host, server.port)
    except OSError as error:
        return f"no connection ({error.strerror})"
    try:
        head = f"GET {path} HTTP/1.1\r\nHost: {server.authority}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        came = _STATUS.match(await reader.read(_MOST_BYTES))
    except OSError as error:
        return f"no answer ({error.strerror})"
    finally:
        writer.close()
    if came is None:
        return "no HTTP answer"
    status = int(came[1])
    return None if status < 400 else f"status {status}"
