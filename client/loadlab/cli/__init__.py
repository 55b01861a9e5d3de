"""The command line: only here is anything printed, and only here does the process exit."""

import difflib
import os
import traceback
from typing import Any

import click

from loadlab.cli.agent import agent
from loadlab.cli.calibrate import calibrate
from loadlab.cli.carry import carry
from loadlab.cli.doctor import doctor
from loadlab.cli.run import run
from loadlab.cli.show import show
from loadlab.cli.streams import Output, OutputGoneError, guard
from loadlab.cli.tour import tour
from loadlab.errors import Exit, LabError
from loadlab.local_limits import limit_of
from loadlab.resources import resource_of, shortage
from loadlab.stop_signals import end_with


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
    """Run a command and exit with its code: never Python's own 1 for an error that nobody foresaw.

    The interpreter takes no leave: it would wait for threads, and a signal would then kill it.
    """
    output = guard()
    code = _carried(output)
    end_with(code)
    os._exit(output.judged(code))


def _carried(output: Output) -> int:
    """Run the command that the words name; return its exit code, with what went wrong said."""
    try:
        code = commands.main(standalone_mode=False, obj=output)
    except click.exceptions.Abort:
        return _said("interrupted", Exit.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except LabError as error:
        return _said(str(error), error.exit)
    except OutputGoneError:
        return Exit.PASS
    except Exception as error:  # noqa: BLE001 - the last border
        return _unforeseen(error)
    return code if isinstance(code, int) else Exit.PASS


def _unforeseen(error: Exception) -> Exit:
    """Say what this machine lacked, or else that it is an error of the lab's own."""
    if resource := resource_of(error, starting=True):
        return _said(shortage(resource, limit_of(resource)), Exit.INVALID)
    traceback.print_exception(error)
    return _said(f"this is an error of loadlab's own; {REPORT_TO}", Exit.INTERNAL)


def _said(sentence: str, code: Exit) -> Exit:
    click.echo(f"loadlab: {sentence}", err=True)
    return code


REPORT_TO = "please report it, with the lines above, in the project's issue tracker"
