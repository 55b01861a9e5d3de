"""`loadlab tour`: the ideas of asyncio, each predicted and measured."""

import asyncio

import click

from loadlab import units
from loadlab.cli.streams import Output
from loadlab.clock import NS_PER_MS, NS_PER_S
from loadlab.errors import EarlyStopError, Exit, UsageError
from loadlab.system.stop_signals import Stops
from loadlab.terminal.console import Activity, Terminal
from loadlab.tour import NAMES, chosen
from loadlab.tour.events import Event, Predicted, StepBegan, StepEnded

_DEFAULT_DELAY = "250ms"
_LEAST_NS = NS_PER_MS
_MOST_NS = 60 * NS_PER_S
_WIDTH = 80

_STEPS = ", ".join(f"{number} {name}" for number, name in enumerate(NAMES, start=1))


@click.command(epilog=f"STEP is a number or a name: {_STEPS}.")
@click.option(
    "--delay",
    metavar="TIME",
    default=_DEFAULT_DELAY,
    show_default=True,
    help="How long the target waits in each request; 3s is the slow original.",
)
@click.option("--only", metavar="STEP", help="Take this step alone.")
@click.pass_obj
def tour(output: Output, /, *, delay: str, only: str | None) -> int:
    """Show what each way of calling costs: code, prediction, measurement, and what to remember.

    About 40 s in all, against targets of its own on this machine.
    """
    numbers = chosen(only)
    delay_ns = units.duration_ns(delay, "--delay")
    if not _LEAST_NS <= delay_ns <= _MOST_NS:
        raise UsageError(f"--delay: {delay!r} is not from 1ms to 60s")
    from loadlab.system.event_loop import new_event_loop  # noqa: PLC0415 - what only this command needs

    stops = Stops()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_tour(delay_ns, numbers, stops, View(output)))
    return Exit.PASS


async def _tour(delay_ns: int, numbers: tuple[int, ...], stops: Stops, view: "View") -> None:
    """Take the steps; Ctrl-C or SIGTERM leaves at once, and leaves no target behind."""
    # Every worker process imports this module on its way to its own work: what is only for the tour waits.
    from loadlab.tour.guide import lead  # noqa: PLC0415
    from loadlab.tour.lab import Lab  # noqa: PLC0415

    lab = Lab(delay_ns, view.tell)
    touring = asyncio.ensure_future(lead(lab, numbers))

    def stop() -> None:
        stops.leave_in_time()
        if not lab.give_up():
            touring.cancel()

    stops.follow(asyncio.get_running_loop(), stop)
    try:
        await touring
    except asyncio.CancelledError:
        raise EarlyStopError("interrupted; the target is stopped") from None
    finally:
        view.status.stop()


class View:
    """Prints each event; in a terminal something moves while it is measured."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._console = Terminal(width=min(Terminal().width, _WIDTH), highlight=False)
        self.status = Activity(self._console)

    def tell(self, event: Event) -> None:
        """Print; raise OutputGoneError where nothing can be printed any more: there is nothing to show."""
        from loadlab.tour.show import render  # noqa: PLC0415 - as above

        self._console.print(render(event), highlight=False)
        self._output.check()
        match event:
            case StepBegan():
                self.status.update("making ready")
                self.status.start()
            case Predicted():
                self.status.update("measuring")
            case StepEnded():
                self.status.stop()
            case _:
                pass
