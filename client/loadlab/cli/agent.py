"""`loadlab agent`: the long-lived process that serves the live page and its runs."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

import click

from loadlab.cli.family import Command, option
from loadlab.cli.options import results_in, results_options, target_options, with_target
from loadlab.cli.streams import Output, say
from loadlab.errors import Exit
from loadlab.options.target import TargetOptions
from loadlab.runs.runners import at_named, of_its_own, reject_unused_remote
from loadlab.stack.container import STACK_TARGET
from loadlab.system.stop_signals import Stops

DEFAULT_BIND = "127.0.0.1:9200"


@click.command(
    cls=Command,
    examples=("loadlab agent", "loadlab agent --target http://127.0.0.1:5000/ --bind 127.0.0.1:9300"),
)
@option(
    "--bind",
    metavar="HOST:PORT",
    envvar="LOADLAB_AGENT_BIND",
    default=DEFAULT_BIND,
    show_default=True,
    help="Address to listen on.",
)
@results_in("Folder of the results, new and earlier ones.")
@with_target
@click.pass_obj
def agent(output: Output, /, *, bind: str, out: Path, **given: Any) -> int:  # noqa: ANN401 - as click gives them
    """Serve the live page, and run what is started there.

    All runs have one target, which you choose here. Without --target loadlab starts one for each run;
    inside the stack's client container it is the stack's.
    """
    # Every worker process imports this module on its way to its own work: what is only for the agent waits.
    from loadlab.agent.runs import CommonOptions, Runs  # noqa: PLC0415 - as above
    from loadlab.agent.server import Listening, serve  # noqa: PLC0415 - as above
    from loadlab.metrics import Metrics  # noqa: PLC0415 - as above

    target = given["target"]
    reject_unused_remote(target or os.environ.get(STACK_TARGET), remote=given["remote"])
    served = TargetOptions(**{name: given[name] for name in TargetOptions.__struct_fields__})
    place = at_named(target, served, remote=given["remote"]) or of_its_own(served)
    common = CommonOptions(
        target_options(None if target is None else place.target, served, remote=given["remote"]),
        results_options(out),
    )
    # Taken away: no process that this one starts needs it, least of all the target with its app.
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
