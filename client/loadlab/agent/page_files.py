"""The files of the live page, from the installed packages; none comes from the internet.

`traits.js` is made here: the page reads the same table of workloads and transports as everything else.
"""

import hashlib
import re
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import json

from loadlab.transports import NAMES, traits_of
from loadlab.workload.traits import Workload

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.min)?(\.[a-z0-9]+)")
_CHARTS = re.compile(r"bokeh(-[a-z]+)?\.min\.js")


class File(msgspec.Struct, frozen=True):
    """A file as it is served."""

    data: bytes
    type: str
    tag: str
    """Changes with the content, and with nothing else."""


class PageFiles:
    """The page's own folder, and the chart library's scripts."""

    def __init__(self) -> None:
        self._folder = Path(str(files("loadlab.agent"))) / "page"
        self._known: dict[Path, tuple[int, File]] = {}

    def get(self, name: str) -> File | None:
        """Return the file of this name, None where there is none."""
        match = _NAME.fullmatch(name)
        if match is None or match[2] not in TYPES:
            return None
        if name == "traits.js":
            return _traits()
        folder = _charts() if _CHARTS.fullmatch(name) else self._folder
        if folder is None:
            return None
        path = folder / name
        try:
            changed_ns = path.stat().st_mtime_ns
            known = self._known.get(path)
            if known is None or known[0] != changed_ns:
                data = path.read_bytes()
                file = _file(data, match[2])
                known = self._known[path] = changed_ns, file
        except OSError:
            return None
        return known[1]


def _file(data: bytes, ending: str) -> File:
    return File(data, TYPES[ending], f'"{hashlib.sha256(data).hexdigest()[:32]}"')


@cache
def _traits() -> File:
    tables = {
        "WORKLOADS": {workload: workload.traits for workload in Workload},
        "TRANSPORTS": {name: traits_of(name) for name in NAMES},
    }
    lines = [f"export const {name} = {json.encode(table).decode()};\n" for name, table in tables.items()]
    return _file("".join(lines).encode(), ".js")


def _charts() -> Path | None:
    """Return where the chart library keeps its scripts, without importing it."""
    spec = find_spec("bokeh")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)), "server", "static", "js")
