"""The commands: only they have something printed, and only they end the process."""

import os
import sys
import traceback

import click

from loadlab.cli.agent import agent
from loadlab.cli.calibrate import calibrate
from loadlab.cli.doctor import doctor
from loadlab.cli.family import Commands
from loadlab.cli.record import record
from loadlab.cli.run import run
from loadlab.cli.show import show
from loadlab.cli.streams import Output, OutputGoneError, guard, say
from loadlab.cli.tour import tour
from loadlab.errors import Exit, LabError
from loadlab.options.command_line import secrets_in
from loadlab.system.limits import lacking, limit_of
from loadlab.system.resources import shortage
from loadlab.system.stop_signals import end_with
from loadlab.workload.masking import Secrets


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="concurrency-lab", prog_name="loadlab")
def commands() -> None:
    """Load-test a Python web service, and check the numbers at both ends.

    Begin with `loadlab run task`, or `loadlab tour`; `loadlab COMMAND --help` has examples.
    """


commands.add_command(run)
commands.add_command(agent)
commands.add_command(show)
commands.add_command(record)
commands.add_command(doctor)
commands.add_command(calibrate)
commands.add_command(tour)


def main() -> None:
    """Run a command and exit with its code: never Python's own 1 for an unexpected error.

    It skips the interpreter's shutdown, which would wait for threads and could be killed by a signal.
    """
    output = guard()
    output.secrets = secrets_in(sys.argv[1:])
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
        message = output.secrets.masked(_without_arguments(error.format_message()))
        click.UsageError(message, getattr(error, "ctx", None)).show(sys.stderr)
        return error.exit_code
    except LabError as error:
        return _said(output.secrets.masked(str(error)), error.exit)
    except OutputGoneError:
        return Exit.PASS
    except Exception as error:  # noqa: BLE001 - the last border
        return _unforeseen(error, output.secrets)
    return code if isinstance(code, int) else Exit.PASS


def _without_arguments(message: str) -> str:
    """Say what is wrong without what was written: a header without its quotes may be a secret."""
    if "unexpected extra argument" not in message:
        return message
    return "There are more arguments than the command takes. Put a value that holds blanks in quotes."


def _unforeseen(error: Exception, secrets: Secrets) -> Exit:
    """Say what this machine lacked, or else that it is an error of the lab's own."""
    if resource := lacking(error):
        return _said(shortage(resource, limit_of(resource)), Exit.INVALID)
    say(secrets.masked("".join(traceback.format_exception(error))).rstrip("\n"), error=True)
    return _said(f"this is an error of loadlab's own; {REPORT_TO}", Exit.INTERNAL)


def _said(sentence: str, code: Exit) -> Exit:
    say(f"loadlab: {sentence}", error=True)
    return code


REPORT_TO = "please report it, with the lines above, in the project's issue tracker"
