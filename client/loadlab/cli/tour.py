"""`loadlab tour`: the ideas of asyncio, each predicted, run and drawn."""

import asyncio
import os
import select
import sys
import termios
from contextlib import suppress

import click

from loadlab import units
from loadlab.cli.family import Command, option
from loadlab.cli.streams import Output
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import EarlyStopError, Exit, UsageError
from loadlab.system.stop_signals import Stops
from loadlab.terminal import is_screen
from loadlab.terminal.console import Activity, Terminal
from loadlab.tour import NAMES, chosen
from loadlab.tour.events import Event, Predicted, StepBegan, StepEnded

_DEFAULT_DELAY = "250ms"
_LEAST_NS = NS_PER_MS
_MOST_NS = 10 * NS_PER_S
_WIDTH = 80
_LOOK_EVERY_S = 0.03

_STEPS = ", ".join(f"{number} {name}" for number, name in enumerate(NAMES, start=1))


@click.command(
    cls=Command,
    epilog=f"STEP is a number or a name: {_STEPS}.",
    examples=("loadlab tour", "loadlab tour --only task", "loadlab tour --delay 3s"),
)
@option(
    "--delay",
    metavar="TIME",
    default=_DEFAULT_DELAY,
    show_default=True,
    help="How long the server waits in each request; with 3s you can watch.",
)
@option("--only", metavar="STEP", help="Take only this step.")
@option("--further", is_flag=True, help="Take steps 8 to 11 too, without asking.")
@click.pass_obj
def tour(output: Output, /, *, delay: str, only: str | None, further: bool) -> int:
    """Learn asyncio step by step.

    Each step shows a program, how long it should take, and what was measured. In a terminal, each step waits
    for Enter. The servers run on this machine, and end with the tour.
    """
    number = chosen(only)
    if number is not None and further:
        raise UsageError("--further can't be combined with --only")
    delay_ns = units.duration_ns(delay, "--delay")
    if not _LEAST_NS <= delay_ns <= _MOST_NS:
        raise UsageError(f"--delay: {delay!r} is not from 1ms to 10s")
    from loadlab.system.event_loop import new_event_loop  # noqa: PLC0415 - what only this command needs

    stops = Stops()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_tour(delay_ns, number, stops, View(output), further=further))
    return Exit.PASS


async def _tour(delay_ns: int, number: int | None, stops: Stops, view: "View", *, further: bool) -> None:
    """Take the steps; Ctrl-C or SIGTERM leaves at once, and leaves no server behind."""
    # Every worker process imports this module on its way to its own work: what is only for the tour waits.
    from loadlab.tour.guide import lead, take_one  # noqa: PLC0415
    from loadlab.tour.lab import Lab  # noqa: PLC0415

    lab = Lab(delay_ns, view.tell)
    touring = asyncio.ensure_future(
        lead(lab, view, further=further) if number is None else take_one(lab, number)
    )

    def stop() -> None:
        stops.leave_in_time()
        touring.cancel()

    stops.follow(asyncio.get_running_loop(), stop)
    try:
        await touring
    except asyncio.CancelledError:
        raise EarlyStopError("interrupted; the server is stopped") from None
    finally:
        view.status.stop()


class View:
    """Prints each event; in a terminal a spinner turns meanwhile, and each step waits for Enter."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._console = Terminal(width=min(Terminal().width, _WIDTH), highlight=False)
        self._is_followed = is_screen(self._console) and _reads_terminal()
        self.status = Activity(self._console)

    def tell(self, event: Event) -> None:
        """Print; raise OutputGoneError where nothing can be printed any more: there is nothing to show."""
        from loadlab.tour.show import render  # noqa: PLC0415 - as above

        self._console.print(render(event), highlight=False)
        self._output.check()
        match event:
            case StepBegan():
                self.status.update("starting the server")
                self.status.start()
            case Predicted():
                self.status.update("measuring")
            case StepEnded():
                self.status.stop()
            case _:
                pass

    async def go_on(self) -> None:
        """Wait for Enter in a terminal."""
        await self._answer("Enter: go on. Ctrl-C: end. ")

    async def wants_further(self) -> bool:
        """Ask in a terminal; nothing else wants them."""
        question = "These were the basics. Enter: go on with the further steps. n and Enter: end. "
        return (await self._answer(question) or "n").strip().lower()[:1] != "n"

    async def _answer(self, prompt: str) -> str:
        """Return the line that is typed next, empty where no terminal is read."""
        if not self._is_followed:
            return ""
        with suppress(termios.error):  # a terminal that has gone sends SIGHUP
            termios.tcflush(0, termios.TCIFLUSH)  # what was typed before the question answers nothing
        self._console.print(f"\n{prompt}", end="", style="dim")
        # A loop that watched the terminal would leave it non-blocking, and a thread could not be ended.
        while not select.select([0], [], [], 0)[0]:
            await asyncio.sleep(_LOOK_EVERY_S)
        try:
            line = os.read(0, 1024)
        except OSError:  # the terminal has gone
            line = b""
        if not line.endswith(b"\n"):
            self._console.print()
        return line.decode(errors="replace") or "\n"


def _reads_terminal() -> bool:
    return sys.stdin is not None and os.isatty(0)
