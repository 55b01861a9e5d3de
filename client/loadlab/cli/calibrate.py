"""`loadlab calibrate`: what this machine's own client can do at most."""

import asyncio
import platform

import click
from rich.console import Console

from loadlab import units
from loadlab.analysis.ceilings import added
from loadlab.calibration.measure import Calibrator
from loadlab.calibration.plans import Row, RowFilter, closed, rows
from loadlab.cli.family import Command, option
from loadlab.cli.streams import Output, write_json
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import EarlyStopError, Exit, LabError, UsageError
from loadlab.fleet.stop import Control
from loadlab.options.load import one_of
from loadlab.results import ceilings_file
from loadlab.results.ceilings_file import Ceiling
from loadlab.system import environment
from loadlab.system.event_loop import new_event_loop
from loadlab.system.stop_signals import Stops, end_with
from loadlab.terminal.ceilings_table import render, show_rate
from loadlab.terminal.console import Activity, Terminal
from loadlab.transports import NAMES

_DEFAULT_DURATION = "1s"
_LEAST_NS = 500 * NS_PER_MS
_MOST_NS = 60 * NS_PER_S
_AROUND_S = 1.2
"""What a stage takes besides its window: starting its processes, getting going, ending them."""


@click.command(
    cls=Command, examples=("loadlab calibrate", "loadlab calibrate --scenario pool,task --transport wire")
)
@option(
    "--scenario",
    metavar="NAME[,NAME…]",
    help="Measure only these.  [default: all that a closed workload can drive]",
)
@option("--transport", metavar="NAME[,NAME…]", help="Measure only these.  [default: all of each scenario]")
@option("--processes", metavar="N[,N…]", help="pool: processes.  [default: 1, and one per core]")
@option(
    "--duration",
    metavar="TIME",
    default=_DEFAULT_DURATION,
    show_default=True,
    help="Measured time of each row.",
)
@option("--json", "as_json", is_flag=True, help="Print the ceilings as JSON on stdout.")
@click.pass_obj
def calibrate(
    output: Output,
    /,
    *,
    scenario: str | None,
    transport: str | None,
    processes: str | None,
    duration: str,
    as_json: bool,
) -> int:
    """Measure the most that this machine's client can send.

    `loadlab run` then shows how near it came. It takes about a minute; leave the machine alone meanwhile.
    """
    todo = rows(asked(scenario, transport, processes), environment.cpus())
    duration_ns = window_ns(duration)
    file = ceilings_file.make_folder()
    stops = Stops()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        found = runner.run(_measure(todo, duration_ns, stops))
    stops.hold()
    output.is_extra = True
    kept = added(ceilings_file.read(), found, platform.node(), environment.read("this machine"))
    unwritten = None
    try:
        ceilings_file.write(kept)
    except LabError as error:
        unwritten = error
    end_with(Exit.PASS if unwritten is None else unwritten.exit)
    if as_json:
        write_json(ceilings_file.encode(kept))
    else:
        Terminal().print(render(found))
    if unwritten is not None:
        raise unwritten
    Terminal(stderr=True).print(f"kept in {file}", soft_wrap=True, highlight=False, markup=False)
    return Exit.PASS


def asked(scenario: str | None, transport: str | None, processes: str | None) -> RowFilter:
    """Read what is to be measured; raise UsageError where a word can't be meant."""
    return RowFilter(
        _names("--scenario", scenario, tuple(closed())),
        _names("--transport", transport, NAMES),
        () if processes is None else units.counts(processes, "--processes"),
    )


def window_ns(duration: str) -> int:
    """Read `--duration`; raise UsageError where it is too short to tell, or longer than anybody waits."""
    window = units.duration_ns(duration, "--duration")
    if not _LEAST_NS <= window <= _MOST_NS:
        raise UsageError(f"--duration: {duration!r} is not from 500ms to 60s")
    return window


def _names(option: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read a list of names; raise UsageError where one is not known."""
    parts = () if text is None else tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for part in parts:
        one_of(option, part, known)
    return parts


async def _measure(todo: tuple[Row, ...], duration_ns: int, stops: Stops) -> tuple[Ceiling, ...]:
    """Measure; Ctrl-C or SIGTERM leaves at once, and nothing is written then."""
    control = Control()

    def stop() -> None:
        control.stop()
        control.stop()
        stops.leave_in_time()

    stops.follow(asyncio.get_running_loop(), stop)
    view = View(Terminal(stderr=True), todo, duration_ns)
    try:
        return await Calibrator(duration_ns, control).measure(todo, view.begun, view.ended)
    except EarlyStopError:
        raise EarlyStopError("interrupted; what was kept before is as it was") from None
    finally:
        view.close()


class View:
    """Says which row is on: in a terminal on a line that moves, in a pipe with a line for each."""

    def __init__(self, console: Console, todo: tuple[Row, ...], duration_ns: int) -> None:
        self._console = console
        self._todo = todo
        self._status = Activity(console)
        seconds = len(todo) * (duration_ns / NS_PER_S + _AROUND_S)
        stages = f"{len(todo)} stage{'' if len(todo) == 1 else 's'}"
        self.say(f"{stages}, {seconds:.0f} s or a little more; leave the machine alone meanwhile")

    def begun(self, index: int) -> None:
        """Take note that a row is on."""
        if self._console.is_terminal:
            self._status.update(f"{index + 1} of {len(self._todo)}: {self._todo[index]}")
            self._status.start()

    def ended(self, index: int, found: Ceiling) -> None:
        """Keep what was measured."""
        if not self._console.is_terminal:
            self.say(f"{index + 1} of {len(self._todo)}: {self._todo[index]}: {show_rate(found)}/s")

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._status.stop()

    def say(self, text: str) -> None:
        """Write a line."""
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)
