"""The command line: only here is anything printed, and only here does the process exit."""

import difflib
import os
import sys
import traceback
from typing import Any

import click

from loadlab.cli.agent import agent
from loadlab.cli.calibrate import calibrate
from loadlab.cli.carry import carry
from loadlab.cli.console import make_legible
from loadlab.cli.doctor import doctor
from loadlab.cli.run import run
from loadlab.cli.show import show
from loadlab.cli.tour import tour
from loadlab.errors import Exit, LabError


class _Commands(click.Group):
    """A group that helps with a mistyped command."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401 - as click has it
        """Suggest the command that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"{error.message}{guess}", ctx) from None


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="concurrency-lab", prog_name="loadlab")
def commands() -> None:
    """Load a threaded Python web service and measure both ends of the wire."""


commands.add_command(run)
commands.add_command(carry)
commands.add_command(agent)
commands.add_command(show)
commands.add_command(doctor)
commands.add_command(calibrate)
commands.add_command(tour)


def main() -> None:
    """Run a command and exit with its code: never Python's own 1 for an error that nobody foresaw."""
    make_legible()
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Abort:
        _leave("interrupted", Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LabError as error:
        _leave(str(error), error.exit)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.PASS)
    except Exception:  # noqa: BLE001 - the last border
        traceback.print_exc()
        _leave(f"this is an error of loadlab's own; {REPORT_TO}", Exit.INTERNAL)
    else:
        sys.exit(code if isinstance(code, int) else Exit.PASS)


def _leave(sentence: str, code: Exit) -> None:
    click.echo(f"loadlab: {sentence}", err=True)
    sys.exit(code)


REPORT_TO = "please report it, with the lines above, in the project's issue tracker"
