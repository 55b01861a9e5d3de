"""An app's own Python environment: whether a target of the lab runs there, and what the lab has to add.

The target brings its own code and the prometheus_client that it measures with. All else is the app's: its
Python, its gunicorn, its packages. click is added only where the environment has none.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import msgspec

from loadlab.errors import UsageError
from loadlab.system.files import decode_json

_MEASURES = ("loadlab_target", "prometheus_client")
_LEAST_PYTHON = (3, 11)
_LEAST = {"gunicorn": 22, "click": 8}
"""The first major version that the target runs with."""
_WITHIN_S = 20.0
_ASK = f"""
import json, sys
packages = {{}}
try:
    from importlib.metadata import version
    for name in {json.dumps([*_LEAST, "prometheus_client"])}:
        try:
            packages[name] = version(name)
        except Exception:
            pass
except ImportError:
    pass
print(json.dumps({{"python": list(sys.version_info[:3]), "path": sys.path, "packages": packages}}))
"""


class AppEnvironment(msgspec.Struct, frozen=True):
    """What a Python tells of itself."""

    python: tuple[int, int, int]
    path: list[str]
    """Where it looks for modules."""
    packages: dict[str, str]
    """Versions of the packages that the target needs, where they are installed."""

    @property
    def described(self) -> str:
        """Say in words what the app runs on, and what the lab put in place of the app's."""
        theirs, ours = self.packages.get("prometheus_client"), version("prometheus_client")
        instead = f", prometheus_client {ours} of the lab, not {theirs}" if theirs not in (None, ours) else ""
        return f"the app's Python {'.'.join(map(str, self.python))}{instead}"


_DECODER: msgspec.json.Decoder[AppEnvironment] = msgspec.json.Decoder(AppEnvironment)


def look_into(python: Path) -> AppEnvironment:
    """Ask a Python what it has; raise UsageError where a target can't run there."""
    try:
        asked = subprocess.run(  # noqa: S603 - the interpreter that the user named
            [python, "-I", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN_S,
            check=False,
        )
        found = decode_json(asked.stdout, _DECODER)
    except OSError as error:
        raise UsageError(f"--app-python: {str(python)!r} can't be run: {error.strerror}") from None
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        raise UsageError(f"--app-python: {str(python)!r} is no Python: it does not say its version") from None
    if (problem := problem_of(found)) is not None:
        raise UsageError(f"--app-python: {python} {problem}")
    return found


def problem_of(found: AppEnvironment) -> str | None:
    """Say why a target can't run there, as what follows its name; None where it can."""
    if found.python < _LEAST_PYTHON:
        least = ".".join(map(str, _LEAST_PYTHON))
        return f"is Python {'.'.join(map(str, found.python))}; the target needs {least} or later"
    if "gunicorn" not in found.packages:
        return f"has no gunicorn; install gunicorn {_LEAST['gunicorn']} or later there"
    for name, least_major in _LEAST.items():
        installed = found.packages.get(name)
        major = re.match("[0-9]+", installed or "")
        if major is not None and int(major[0]) < least_major:
            return f"has {name} {installed}; the target needs {least_major} or later"
    return None


def with_measures(environment: Mapping[str, str], found: AppEnvironment, folder: Path) -> dict[str, str]:
    """Return an environment in which that Python finds what measures.

    `folder` is empty, and stays for as long as the target runs.
    """
    added = _MEASURES if "click" in found.packages else (*_MEASURES, "click")
    for name in added:
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None, f"{name} is installed"  # noqa: PT018
        (folder / name).symlink_to(Path(spec.origin).parent)
    path = os.pathsep.join(filter(None, (str(folder), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}
