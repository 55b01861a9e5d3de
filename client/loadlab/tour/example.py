"""The programs that the steps show and run: the files of `loadlab/tour/examples`.

A checkout has the same files under `examples/tour`, which is a link to them.
"""

import ast
import asyncio
import os
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from loadlab.errors import ClientError, TargetError, UsageError
from loadlab.system.limits import limit_of
from loadlab.system.resources import resource_named, shortage
from loadlab.targets.child_process import Child
from loadlab.tour import NAMES

FOLDER = Path(__file__).parent / "examples"
_LINK = Path("examples", "tour")
_POLL_S = 0.01
_CHUNK = 1 << 16


def file_of(number: int) -> Path:
    """Return the program of a step."""
    return FOLDER / f"{number:02}_{NAMES[number - 1].replace('-', '_')}.py"


def shown_path(path: Path) -> str:
    """Return the path as to type it here: short at the top of a checkout, else in full."""
    near = _LINK / path.relative_to(FOLDER)
    try:
        return str(near) if near.samefile(path) else str(path)
    except OSError:
        return str(path)


def source(file: Path, functions: tuple[str, ...]) -> str:
    """Return the source of these functions of a program, without docstrings; raise UsageError for none."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in functions:
            body = lines[node.lineno - 1 : node.end_lineno]
            if ast.get_docstring(node) is not None:
                docstring = node.body[0]
                del body[docstring.lineno - node.lineno : (docstring.end_lineno or 0) - node.lineno + 1]
            found[node.name] = "\n".join(body)
    if missing := [name for name in functions if name not in found]:
        raise UsageError(f"{file}: it has no function {missing[0]}, which this step shows")
    return "\n\n".join(found[name] for name in functions)


async def printed(file: Path, *arguments: str) -> AsyncGenerator[str]:
    """Run a program and yield each line that it prints; raise LabError where it fails.

    It is ended where its lines are not awaited any more.
    """
    with tempfile.TemporaryFile() as complaints:
        child = Child(
            file.name,
            "-u",
            str(file),
            *arguments,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=_environment(),
        )
        try:
            async with aclosing(_lines(child)) as lines:
                async for line in lines:
                    yield line
            while (code := child.exit_code()) is None:
                await asyncio.sleep(_POLL_S)
        finally:
            await child.stop(0)
        if code:
            complaints.seek(0)
            raise _failed(file.name, complaints.read().decode(errors="replace"))


async def _lines(child: Child) -> AsyncGenerator[str]:
    """Yield the lines up to the end of its output; no thread waits, for there may be none."""
    assert child.process.stdout is not None
    pipe = child.process.stdout.fileno()
    os.set_blocking(pipe, False)
    rest = b""
    while True:
        try:
            piece = os.read(pipe, _CHUNK)
        except BlockingIOError:
            await asyncio.sleep(_POLL_S)
            continue
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
        if not piece:
            return


def _failed(name: str, said: str) -> ClientError | TargetError:
    if resource := resource_named(said):
        return ClientError(f"{name} failed: {shortage(resource, limit_of(resource))}")
    return TargetError(f"{name} failed: {(said.strip().splitlines() or ['it said nothing'])[-1]}")


def _environment() -> dict[str, str]:
    """Return this process's environment, in which no proxy stands between a program and its server."""
    return os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
