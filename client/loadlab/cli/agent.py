"""`loadlab agent`: the long-lived process that serves the live page and carries the runs asked of it."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import click

from loadlab.cli.options import TARGET, results_in, results_options, target_options, with_options
from loadlab.cli.streams import Output, say
from loadlab.errors import Exit
from loadlab.options.target import TargetOptions
from loadlab.runs.runners import at_named, of_its_own, refuse_vain_remote
from loadlab.stack.container import STACK_TARGET
from loadlab.system.stop_signals import Stops

DEFAULT_BIND = "127.0.0.1:9200"


@click.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    envvar="LOADLAB_AGENT_BIND",
    default=DEFAULT_BIND,
    show_default=True,
    help="Where to listen.",
)
@results_in("Where results are kept, and earlier ones are.")
@with_options(TARGET)
@click.pass_obj
def agent(output: Output, /, *, bind: str, out: Path, **given: Any) -> int:  # noqa: ANN401 - as click gives them
    """Serve the live page, and carry runs that are started from it, one at a time.

    There is one target, chosen here: the one that is named, the stack's inside of its client container, or
    one of its own for each run.
    """
    # Every worker process imports this module on its way to its own work: what is only for the agent waits.
    from loadlab.agent.runs import CommonOptions, Runs  # noqa: PLC0415 - as above
    from loadlab.agent.server import Listening, serve  # noqa: PLC0415 - as above
    from loadlab.metrics import Metrics  # noqa: PLC0415 - as above

    target = given["target"]
    refuse_vain_remote(target or os.environ.get(STACK_TARGET), remote=given["remote"])
    served = TargetOptions(**{name: given[name] for name in TargetOptions.__struct_fields__})
    place = at_named(target, served, remote=given["remote"]) or of_its_own(served)
    common = CommonOptions(
        target_options(None if target is None else place.target, served, remote=given["remote"]),
        results_options(out),
    )
    # Taken away: what this process starts, the target with somebody's app among it, has no business with it.
    token = os.environ.pop("LOADLAB_TOKEN", None) or None
    socket_path = os.environ.get("LOADLAB_AGENT_SOCKET")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    output.is_extra = True
    stops = Stops()
    listening = Listening(bind, Path(socket_path) if socket_path else None, token)
    say(f"The live page is at {listening.url}")
    say(f"It loads {place.target}")

    async def run() -> None:
        metrics = Metrics()
        await serve(listening, Runs(place, out, metrics, common), metrics, stops)

    asyncio.run(run())
    return Exit.PASS
