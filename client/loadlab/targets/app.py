"""Which app a target serves, and of which git revision: absent where it can't be told, and never an error."""

import os
import subprocess
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from loadlab.targets import App

STACK_APP = "LOADLAB_APP"
"""Set in the client container: the app that the stack's target serves; empty for the lab's own."""
STACK_APP_REVISION = "LOADLAB_APP_REVISION"
"""Set in the client container: the commit of its folder, with `-dirty` behind it where files differ."""
_OWN = "loadlab_target"
_DIRTY = "-dirty"
_WITHIN_S = 2.0
_GIT = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
"""Looking changes nothing there, and starts no program of the checkout's."""


def app_here(module: str | None, paths: Sequence[str]) -> App | None:
    """Return the app of this name, looked up on these import paths; None for the lab's own."""
    if module is None or _is_own(module):
        return None
    try:
        file = _file_of(module, paths)
        revision, dirty = (None, None) if file is None else _revision(file)
    except (OSError, ValueError, ImportError, subprocess.SubprocessError):
        revision, dirty = None, None
    return App(module=module, revision=revision, dirty=dirty)


def app_of_stack() -> App | None:
    """Return the app that the stack's target serves, as `make up` found it."""
    module = os.environ.get(STACK_APP, "")
    if not module or _is_own(module):
        return None
    told = os.environ.get(STACK_APP_REVISION, "")
    if not told:
        return App(module=module)
    return App(module=module, revision=told.removesuffix(_DIRTY), dirty=told.endswith(_DIRTY))


def _is_own(module: str) -> bool:
    return module.partition(":")[0].partition(".")[0] == _OWN


def _file_of(module: str, paths: Sequence[str]) -> Path | None:
    """Return the file, or the folder, of the outermost package, without importing it."""
    spec = PathFinder.find_spec(module.partition(":")[0].partition(".")[0], list(paths))
    if spec is None:
        return None
    if spec.origin is not None:
        return Path(spec.origin).resolve()
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() if places else None


def _revision(file: Path) -> tuple[str | None, bool | None]:
    folder = file if file.is_dir() else file.parent
    if _git(folder, "check-ignore", "--quiet", "--", str(file)) is not None:
        return None, None  # a package in an environment that lies in a checkout is none of its files
    revision = _git(folder, "rev-parse", "--verify", "HEAD")
    if revision is None:
        return None, None
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    unknown = _git(folder, "ls-files", "--error-unmatch", "--", str(file)) is None
    return revision, None if changed is None else bool(changed) or unknown


def _git(folder: Path, *words: str) -> str | None:
    """Return what git prints there; None where it fails."""
    done = subprocess.run(  # noqa: S603 - our own words, on the folder of an app that is about to be served
        [*_GIT, "-C", str(folder), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_WITHIN_S,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    )
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
