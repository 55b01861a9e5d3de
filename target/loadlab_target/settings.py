"""What a target was asked to be."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Server = Literal["gunicorn", "flask"]
DEFAULT_APP = "loadlab_target.app:create_app()"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one target, checked for form; whether they can be had shows when it starts."""

    app: str | None
    """None where no option names one; then the gunicorn config's, or the lab's own."""
    server: Server
    workers: int | None
    threads: int | None
    keep_alive_s: int | None
    """None, as of the two above, where it is not given: the gunicorn config's, and without one the lab's."""
    gunicorn_config: Path | None = None
    server_timing: bool
    announce: Path | None
    stop_with_stdin: bool
