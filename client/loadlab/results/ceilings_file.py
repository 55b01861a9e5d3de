"""The file that keeps this machine's ceilings, with the environment that they hold for.

`$XDG_CACHE_HOME/concurrency-lab/ceilings.json`, or below `~/.cache`; written whole or not at all. A ceiling
of another machine, or of this one before something changed, is never used: a run does without, and says why.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from loadlab.errors import LabError, UsageError
from loadlab.results.ceiling import Ceiling, differences
from loadlab.results.run_folder import write_whole
from loadlab.system.environment import Environment
from loadlab.system.files import make_private, read_json

SCHEMA_VERSION = 1
FOLDER = "concurrency-lab"
FILE = "ceilings.json"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    schema_version: int = SCHEMA_VERSION
    host: str
    environment: Environment
    ceilings: tuple[Ceiling, ...]


class Ceilings(NamedTuple):
    """What a run may use of it."""

    ceilings: tuple[Ceiling, ...] = ()
    unused: str | None = None
    """Why there is something that may not be used."""


NOTHING = Ceilings()
_DECODER = msgspec.json.Decoder(Kept)
_MOST_BYTES = 16 << 20


def path() -> Path:
    """Return where the file is, or would be; raise UsageError where this user has no such place."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # not set, or to be ignored by the XDG base directory specification
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:
            raise UsageError(
                "XDG_CACHE_HOME: ceilings are kept below it, and this user has no home instead; set it to a"
                " folder that can be written"
            ) from None
    return cache / FOLDER / FILE


def make_folder() -> Path:
    """Make the folder, so that nothing is measured that can't be kept; return the file's path."""
    file = path()
    try:
        if not file.parent.is_dir():
            make_private(file.parent)
        if not os.access(file.parent, os.W_OK):
            raise PermissionError(0, "it is not this user's")
    except OSError as error:
        raise UsageError(
            f"XDG_CACHE_HOME: ceilings are kept in {file.parent}, which cannot be written"
            f" ({error.strerror}); set it to a folder that can be"
        ) from None
    return file


def known(now: Environment) -> Ceilings:
    """Return the ceilings that hold in this environment; a run never fails for want of them."""
    try:
        kept = _read(path())
    except (OSError, UsageError):
        return NOTHING
    except msgspec.DecodeError:
        return Ceilings(unused="calibrated by another version of the lab")
    if changed := _changed(kept, now):
        return Ceilings(unused=f"calibrated in another environment ({'; '.join(changed)})")
    return Ceilings(kept.ceilings)


def added(ceilings: Sequence[Ceiling], now: Environment) -> Kept:
    """Return what the file is to hold: these ceilings, and those that hold for anything else."""
    everything = {each.key: each for each in (*known(now).ceilings, *ceilings)}
    return Kept(
        host=platform.node(),
        environment=now,
        ceilings=tuple(everything[key] for key in sorted(everything)),
    )


def write(kept: Kept) -> None:
    """Write the file; raise LabError where it can't be, and leave it as it was."""
    file = make_folder()
    try:
        write_whole(file, encode(kept))
    except OSError as error:
        raise LabError(f"{file} could not be written ({error.strerror}), so nothing is kept") from error


def encode(kept: Kept) -> bytes:
    """Write the file's content."""
    return msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n"


def _read(file: Path) -> Kept:
    kept = read_json(file, _DECODER, _MOST_BYTES)
    if kept.schema_version != SCHEMA_VERSION:
        raise msgspec.ValidationError("another schema version")
    return kept


def _changed(kept: Kept, now: Environment) -> list[str]:
    host = platform.node()
    elsewhere = [f"host {kept.host}, now {host}"] if kept.host != host else []
    return elsewhere + differences(kept.environment, now)
