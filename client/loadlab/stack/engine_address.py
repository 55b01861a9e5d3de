"""Where a Docker engine would be, found without asking one: most machines that run the lab have none."""

import contextlib
import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import msgspec

from loadlab.system.files import read_json

_DEFAULT = Path("/var/run/docker.sock")
_PATIENCE_S = 0.1


def engine_address() -> str | None:
    """Return what the `docker` command would talk to, as DOCKER_HOST writes it; None if nothing listens.

    In its order: DOCKER_HOST, the chosen context, the usual socket. Takes no longer than a tenth of a
    second; the engine at a TCP address is not tried.
    """
    address = os.environ.get("DOCKER_HOST") or _context() or f"unix://{_DEFAULT}"
    scheme, _, path = address.partition("://")
    return address if scheme != "unix" or _listens(path) else None


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PATIENCE_S)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _context() -> str | None:
    """Return the address of the context that `docker context use` chose, if one was."""
    try:
        home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    except RuntimeError:  # this user has no home
        return None
    name = os.environ.get("DOCKER_CONTEXT") or _json(home / "config.json").get("currentContext")
    if not isinstance(name, str) or name == "default":
        return None
    folder = hashlib.sha256(os.fsencode(name)).hexdigest()
    meta = _json(home / "contexts" / "meta" / folder / "meta.json")
    with contextlib.suppress(KeyError, TypeError):
        return str(meta["Endpoints"]["docker"]["Host"])
    return None


_DECODER = msgspec.json.Decoder()
_MOST_BYTES = 16 << 20


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path, _DECODER, _MOST_BYTES)
    except (OSError, msgspec.DecodeError):
        return {}
    return found if isinstance(found, dict) else {}
