"""`loadlab record`: a journeys file from what a browser recorded."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadlab.cli.family import Command, option
from loadlab.cli.streams import Output, say
from loadlab.errors import Exit, UsageError
from loadlab.system.files import MOST_BYTES, read_bounded
from loadlab.system.terminal_text import one_line
from loadlab.units import show_count

if TYPE_CHECKING:
    from loadlab.record.exchange import Exchange
    from loadlab.record.source import Written

_CURL = re.compile(r"\s*curl\s")
_STANDARD_INPUT = "-"


@click.command(
    cls=Command,
    examples=(
        "loadlab record shop.har --out shop.py",
        "loadlab record 'curl -d q=lamp http://127.0.0.1:8000/'",
    ),
)
@click.argument("recording", default=_STANDARD_INPUT)
@option("--out", metavar="FILE", help="Journeys file to write; it must not exist yet.  [default: print it]")
@option("--static", is_flag=True, help="Keep images, style sheets, scripts and fonts.")
@click.pass_obj
def record(output: Output, /, *, recording: str, out: str | None, static: bool) -> int:
    """Write a journeys file from recorded requests.

    RECORDING is a HAR file, which a browser saves from its network panel, a 'curl ...' command, or a file of
    such commands. Without it, standard input is read. Passwords, tokens and keys are not written into the
    file: it reads them from the environment.
    """
    name = out or ""
    written = _written(recording, Path(name).stem or "recorded", Path(name).stem or "app", static=static)
    if out is None:
        sys.stdout.buffer.write(written.text.encode())
        sys.stdout.flush()
        return Exit.PASS
    output.is_extra = True
    _keep(written.text, out)
    todos = f", {show_count(written.todos, 'TODO')} to look at" if written.todos else ""
    say(f"{one_line(out)}: {show_count(written.steps, 'step')}{todos}")
    if written.variables:
        say(f"Set in the environment before you use it: {', '.join(written.variables)}")
    return Exit.PASS


def _written(given: str, function: str, prefix: str, *, static: bool) -> "Written":
    # What these import is large, and no other command needs it.
    from loadlab.record import steps  # noqa: PLC0415
    from loadlab.record.source import source  # noqa: PLC0415

    place = "RECORDING"
    chosen = steps.recording(_exchanges(given, place), static=static)
    if not chosen.steps:
        more = (
            f"; {show_count(chosen.static, 'static file')} can be kept with --static" if chosen.static else ""
        )
        raise UsageError(f"{place} holds no request that a journey can send{more}")
    return source(chosen, prefix=prefix, function=function)


def _exchanges(given: str, place: str) -> "tuple[Exchange, ...]":
    from loadlab.record import curl, har  # noqa: PLC0415 - as above

    if _CURL.match(given):
        return curl.exchanges(_text(given.encode(errors="surrogateescape")), place)
    if given == _STANDARD_INPUT:
        with open(0, "rb", closefd=False) as standard_input:
            data = standard_input.read(MOST_BYTES + 1)
        place = f"{place} on standard input"
        if len(data) > MOST_BYTES:
            raise UsageError(f"{place} is larger than {MOST_BYTES >> 20} MiB")
    else:
        place = f"{place} {one_line(given)}"
        try:
            data = read_bounded(given)
        except (OSError, ValueError) as error:
            raise UsageError(f"{place} can't be read: {getattr(error, 'strerror', error)}") from None
    if not data.strip():
        raise UsageError(f"{place} is empty")
    text = _text(data[:100])
    return curl.exchanges(_text(data), place) if _CURL.match(text) else har.exchanges(data, place)


def _text(data: bytes) -> str:
    return data.decode(errors="replace").removeprefix("\ufeff")


def _keep(text: str, out: str) -> None:
    try:
        with Path(out).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"--out: {out} exists already; name another file, or remove it") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"--out: {out} can't be written: {getattr(error, 'strerror', error)}") from None
