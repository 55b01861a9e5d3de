"""`loadlab run`: one scenario against one target."""

import asyncio
import mmap
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click

from loadlab.cli.family import Command, option, with_options
from loadlab.cli.options import ALL_NAMES, results_in, with_load, with_target
from loadlab.cli.streams import Output, write_json
from loadlab.errors import EarlyStopError, Exit, LabError, first_of
from loadlab.fleet.stop import Control
from loadlab.options.command_line import shown
from loadlab.options.load import RunOptions, build_plan, label_of
from loadlab.options.target import TargetOptions
from loadlab.results import run_folder
from loadlab.results.events import Event
from loadlab.results.result import About, RunResult, Verdict, encode
from loadlab.runs.partial_result import PartialResult
from loadlab.runs.runners import Runner, choose
from loadlab.scenarios import names
from loadlab.system.stop_signals import Cleanup, Stops, end_with
from loadlab.terminal import watcher
from loadlab.terminal.console import Terminal, print_result
from loadlab.terminal.table import render
from loadlab.workload.kept_plan import secrets_of
from loadlab.workload.plan import Plan

_RESERVE_BYTES = 1 << 20
"""Less than the stack of a thread: what it gives back must not pass for room for one."""

_OUTPUT = (
    option("--label", metavar="TEXT", help="Your name for the run, in its result and in lists."),
    results_in("Parent of the result folder."),
    ALL_NAMES,
    option("--json", "as_json", is_flag=True, help="Print result.json on stdout, everything else on stderr."),
    option("--quiet", is_flag=True, help="Show no progress and draw no curve."),
)


@click.command(
    cls=Command,
    epilog=f"SCENARIO is one of {', '.join(names())}.",
    examples=(
        "loadlab run pool",
        "loadlab run task --target http://127.0.0.1:5000/search --concurrency 1,2,4,8 --duration 10s",
        "loadlab run task --app myapp:app --workers 2 --threads 8",
        "loadlab run task --rate 200 --arrivals poisson --duration 30s",
    ),
)
@click.argument("scenario")
@with_load
@with_target
@with_options("Output", _OUTPUT)
@click.pass_obj
def run(output: Output, /, *, out: Path, **given: Any) -> int:  # noqa: ANN401 - as click gives them
    """Load a target with SCENARIO; print a table and a verdict.

    Without options: 1, 8, 32 and 128 users in turn, about 15 s in all. loadlab starts a gunicorn as the
    target, or uses this folder's Compose stack if it is up.
    """
    words = RunOptions(**{name: given[name] for name in RunOptions.__struct_fields__})
    serve = TargetOptions(**{name: given[name] for name in TargetOptions.__struct_fields__})
    place = choose(words.target, serve, remote=given["remote"], transport=words.transport)
    plan = build_plan(words, place.base, place.capacity)
    output.secrets = secrets_of(plan)
    log = Terminal(stderr=True)
    stops = Stops()
    about = About(command=shown(sys.argv[1:]), label=label_of(words))
    folder = run_folder.Folder(out, plan.scenario)
    partial = PartialResult(secrets_of(plan))
    with Cleanup(_AtOnce(folder, plan, partial, stops)):
        carried: list[RunResult] = []
        try:
            carrying = _carry(
                place,
                plan,
                folder,
                log,
                stops,
                partial=partial,
                about=about,
                carried=carried,
                quiet=given["quiet"],
            )
            asyncio.run(carrying)
        except BaseException:
            if not carried:  # else the loop could not end well, which is nothing to the result
                folder.discard()
                raise
        stops.hold()
    output.is_extra = True
    shown_as = _Shown(as_json=given["as_json"], curves=not given["quiet"], all_names=given["by_name"])
    return _conclude(carried[0], folder, log, shown_as)


class _AtOnce:
    """What becomes of a run whose process has to end at once: the stages that were finished are kept."""

    def __init__(self, folder: run_folder.Folder, plan: Plan, partial: PartialResult, stops: Stops) -> None:
        self._folder = folder
        self._secrets = secrets_of(plan)
        self._partial = partial
        self._stops = stops
        self._reserve = mmap.mmap(-1, _RESERVE_BYTES)
        """Address space alone, which is given back where memory has run out."""

    def __call__(self, why: str) -> str:
        """Keep what there is, and say where."""
        self._reserve.close()
        try:
            left = self._partial.left(why, interrupted=self._stops.asked)
            if left is not None:
                self._folder.mask_log(self._secrets)
                return f"stages that were finished are kept: {self._folder.write(left)}"
        except LabError as error:
            return str(error)
        except (MemoryError, OSError):
            pass
        self._folder.discard()
        return "nothing is kept"


async def _carry(
    place: Runner,
    plan: Plan,
    folder: run_folder.Folder,
    log: Terminal,
    stops: Stops,
    *,
    partial: PartialResult,
    about: About,
    carried: list[RunResult],
    quiet: bool,
) -> None:
    """Carry the plan and add its result.

    The first Ctrl-C, SIGTERM or SIGHUP drains and keeps, the second does not wait.
    """
    control = Control()
    carrying: asyncio.Task[RunResult]
    begun = False

    def stop() -> None:
        first = not control.stopped
        control.stop()
        if begun and first:
            log.print("stopping: waiting for what is in flight; Ctrl-C again does not wait", style="yellow")
        elif first:
            control.stop()
            stops.leave_in_time()
            carrying.cancel()

    def tell(event: Event) -> None:
        nonlocal begun
        begun = True
        partial.tell(event)
        view.tell(event)

    with watcher(log, quiet=quiet) as view:
        carrying = asyncio.create_task(place.run(plan, folder, control, tell, about))
        stops.follow(asyncio.get_running_loop(), stop)
        try:
            carried.append(await carrying)
        except asyncio.CancelledError:
            raise EarlyStopError("interrupted before the load began; nothing was measured") from None
        except Exception as error:
            left = partial.after(error, interrupted=control.stopped)
            if left is None:
                raise
            carried.append(left)


class _Shown(NamedTuple):
    """How a result is printed."""

    as_json: bool
    curves: bool
    all_names: bool


def _conclude(result: RunResult, folder: run_folder.Folder, log: Terminal, shown_as: _Shown) -> int:
    """Write, and only then print, also what can't be written; return the exit code."""
    unwritten = None
    try:
        written = folder.write(result)
    except LabError as error:
        unwritten = error
    reported = None if result.failure is None else folder.write_error(result.failure)
    end_with(exit_of(result) if unwritten is None else unwritten.exit)
    if shown_as.as_json:
        log.print(render(result, all_names=shown_as.all_names))
        write_json(encode(result))
    else:
        print_result(result, curves=shown_as.curves, all_names=shown_as.all_names)
    if unwritten is not None:
        raise unwritten
    log.print(f"result: {written}", soft_wrap=True, highlight=False, markup=False)
    if reported is not None:
        raise LabError(
            f"an error of loadlab's own ended the run; what was measured until then is kept. Please report"
            f" it in the project's issue tracker, with {reported}"
        )
    return exit_of(result)


_EXITS = {
    Verdict.PASS: Exit.PASS,
    Verdict.STOPPED: Exit.INTERRUPTED,
    Verdict.FAIL: Exit.THRESHOLD,
    Verdict.INVALID: Exit.INVALID,
}


def exit_of(result: RunResult) -> Exit:
    """Return the exit code that a result calls for."""
    exits = [_EXITS[result.verdict]]
    if result.interrupted:
        exits.append(Exit.INTERRUPTED)
    if result.failure is not None:
        exits.append(Exit.INTERNAL)
    if result.target_lost is not None:
        exits.append(Exit.TARGET)
    return first_of(exits)
