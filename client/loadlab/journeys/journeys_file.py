"""Reads a journeys file: a file of Python whose functions are marked as journeys, setup or teardown.

It is code and runs in the lab's processes, so only a command line names one, never a posted plan.
"""

import hashlib
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from loadlab.errors import UsageError
from loadlab.journeys.declare import Act, Journey, Setup, mark_of
from loadlab.system.files import read_bounded
from loadlab.workload.ranges import weight_problem

OPTION = "--journeys"
_MODULE = "loadlab_journeys_file"


class Journeys(NamedTuple):
    """What a file declares."""

    acts: Mapping[str, Act]
    """Its journeys by name, in the order of the file."""
    weights: tuple[float, ...]
    """Of each journey."""
    setups: tuple[Act, ...]
    teardowns: tuple[Act, ...]
    sha256: str
    """Of the file's bytes."""
    path: str


def load(path: str, sha256: str | None = None) -> Journeys:
    """Run a journeys file and return what it declares; raise UsageError with what is wrong with it.

    `sha256` is what the file had when it was checked: another one is refused.
    """
    try:
        source = read_bounded(path)
    except OSError as error:
        raise UsageError(f"{OPTION}: {path}: {error.strerror}") from error
    digest = hashlib.sha256(source).hexdigest()
    if sha256 not in (None, digest):
        raise UsageError(f"{OPTION}: {path} was changed after the run began")
    module = ModuleType(_MODULE)
    module.__file__ = str(Path(path).resolve())
    sys.modules[_MODULE] = module
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # so that it can import its neighbours
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)  # noqa: S102 - the person's own file
    except SyntaxError as error:
        raise UsageError(f"{OPTION}: {path}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        line = _line_in(error, module.__file__)
        raise UsageError(f"{OPTION}: {path}{line}: {type(error).__name__}: {error}") from error
    return _declared(module, path, digest)


def _declared(module: ModuleType, path: str, sha256: str) -> Journeys:
    acts: dict[str, Act] = {}
    weights, setups, teardowns = [], [], []
    for name, value in vars(module).items():
        mark = mark_of(value)
        if mark is None:
            continue
        if not inspect.iscoroutinefunction(value):
            raise UsageError(
                f"{OPTION}: {path}: {name} must be 'async def', or nothing else could run meanwhile"
            )
        match mark:
            case Journey(weight):
                if problem := weight_problem(f"{OPTION}: {name}", weight):
                    raise UsageError(problem)
                acts[name] = value
                weights.append(weight)
            case Setup():
                setups.append(value)
            case _:
                teardowns.append(value)
    if not acts:
        raise UsageError(f"{OPTION}: {path} has no journey; write @journey before an 'async def'")
    return Journeys(acts, tuple(weights), tuple(setups), tuple(teardowns), sha256, path)


def _line_in(error: BaseException, file: str) -> str:
    """Say in which line of this file an error arose; nothing where it came from elsewhere."""
    numbers = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            numbers.append(trace.tb_lineno)
        trace = trace.tb_next
    return f", line {numbers[-1]}" if numbers else ""
