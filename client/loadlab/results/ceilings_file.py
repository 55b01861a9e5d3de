"""The file that keeps this machine's ceilings, with the environment that they hold for.

`$XDG_CACHE_HOME/concurrency-lab/ceilings.json`, or below `~/.cache`; written whole or not at all.
`analysis.ceilings` tells which of them hold.
"""

import os
from enum import Enum, StrEnum, auto
from pathlib import Path

import msgspec

from loadlab.errors import LabError, UsageError
from loadlab.results.run_folder import write_whole
from loadlab.system.environment import Environment
from loadlab.system.files import make_private, read_json

SCHEMA_VERSION = 1
FOLDER = "concurrency-lab"
FILE = "ceilings.json"


class Limit(StrEnum):
    """What ran out first when a ceiling was measured."""

    CLIENT = "client"
    """The loop or interpreter of the client: what the ceiling is about."""
    CORES = "cores"
    """The cores: the client waited for one, because the sink or another program had it."""
    SINK = "sink"
    """The sink's answers: the client waited for them."""


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The most that this machine's client did in one way of calling."""

    scenario: str
    transport: str
    processes: int
    users: int
    rate_hz: float
    limit: Limit
    measured_at: str

    @property
    def is_lower_bound(self) -> bool:
        """Whether the client could have done more."""
        return self.limit is not Limit.CLIENT

    @property
    def key(self) -> tuple[str, str, int]:
        """What it holds for."""
        return self.scenario, self.transport, self.processes


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    schema_version: int = SCHEMA_VERSION
    host: str
    environment: Environment
    ceilings: tuple[Ceiling, ...]


class Absent(Enum):
    """Why there is nothing that could be read."""

    NO_FILE = auto()
    OTHER_VERSION = auto()


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


def read() -> Kept | Absent:
    """Return what the file holds; a run never fails without it."""
    try:
        kept = read_json(path(), _DECODER, _MOST_BYTES)
    except (OSError, UsageError):
        return Absent.NO_FILE
    except msgspec.DecodeError:
        return Absent.OTHER_VERSION
    return kept if kept.schema_version == SCHEMA_VERSION else Absent.OTHER_VERSION


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
