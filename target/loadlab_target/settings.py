"""What a target was asked to be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Server = Literal["gunicorn", "flask"]
DEFAULT_APP = "loadlab_target.app:create_app()"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one target, checked for form; whether they can be had shows when it starts."""

    app: str
    server: Server
    workers: int
    threads: int
    server_timing: bool
    keep_alive_s: int
    announce: Path | None
    stop_with_stdin: bool
