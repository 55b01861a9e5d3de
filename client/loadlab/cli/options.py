"""What commands can be told: of the load, of the target, of where results are."""

from collections.abc import Callable
from pathlib import Path

import click

from loadlab.options.load import DEFAULT_BATCH
from loadlab.options.target import TargetOptions

LOAD = (
    click.option("--concurrency", metavar="N[,N…]", help="Users of each stage.  [default: 1,8,32,128]"),
    click.option("--duration", metavar="TIME", help="Measured time of each stage.  [default: 2.5s]"),
    click.option(
        "--requests",
        metavar="N[,N…]",
        help=f"closed: end each stage by this number instead; batch: the sizes.  [default: {DEFAULT_BATCH}]",
    ),
    click.option(
        "--workload", metavar="NAME", help="closed, open or batch.  [default: closed; pool-map: batch]"
    ),
    click.option("--rate", metavar="R[,R…]|A:B", help="open: arrivals per second of each stage, or a ramp."),
    click.option("--arrivals", metavar="NAME", help="open: constant or poisson.  [default: constant]"),
    click.option(
        "--max-in-flight", metavar="N", help="open: the limit.  [default: open files, at most 10000]"
    ),
    click.option("--when-full", metavar="NAME", help="open, at the limit: drop or wait.  [default: drop]"),
    click.option(
        "--transport", metavar="NAME", help="aiohttp, wire, null or requests.  [default: the scenario's own]"
    ),
    click.option(
        "--think", metavar="SPEC", help="A user's pause after each reply: 2s, exp:2s, …  [default: 0]"
    ),
    click.option(
        "--ramp-up",
        metavar="TIME",
        help="closed: users start over it; 0: all at once.  [default: spread over a think time]",
    ),
    click.option("--processes", metavar="N", help="Of pool and pool-map.  [default: one per core]"),
    click.option("--warmup", metavar="TIME", help="Before the window.  [default: duration/5, at most 2s]"),
    click.option("--timeout", metavar="TIME", help="Of a request, in all.  [default: 10s]"),
    click.option("--connect-timeout", metavar="TIME", help="Of a connection's set-up.  [default: 5s]"),
    click.option(
        "--idle-limit", metavar="TIME", help="Close connections idle for so long.  [default: 900ms]"
    ),
    click.option("--no-keep-alive", is_flag=True, help="Open a connection for each request and close it."),
    click.option(
        "--stop-when-lost",
        metavar="TIME",
        help="End the run when nothing was answered for so long while requests failed or waited; longer than"
        " the slowest answer.  [default: a run goes on]",
    ),
    click.option("--path", metavar="PATH", help="What is requested.  [default: /]"),
    click.option("--method", metavar="NAME", help="[default: GET, with a body POST]"),
    click.option(
        "--header",
        metavar="'NAME: VALUE'|@FILE",
        multiple=True,
        help="May be given several times. @FILE has a header in each line, and all of them are secret.",
    ),
    click.option(
        "--header-env",
        metavar="NAME=VARIABLE",
        multiple=True,
        help="A secret header whose value is in an environment variable.",
    ),
    click.option(
        "--secret-header", metavar="NAME", multiple=True, help="Mask its value in results and messages, too."
    ),
    click.option("--secret-query", metavar="NAME", multiple=True, help="The same of a query parameter."),
    click.option("--body", metavar="TEXT|@FILE", help="The request's body."),
    click.option("--keep-bodies", is_flag=True, help="Keep bodies in the result, not only their lengths."),
    click.option(
        "--requests-file",
        metavar="FILE",
        help="JSON list of {path, method, headers, body, weight}: a mix of requests.",
    ),
    click.option(
        "--journeys",
        metavar="FILE.py",
        help="What users do, in Python, in place of one request; with scenario task or pool.",
    ),
    click.option("--data", metavar="FILE.csv|.jsonl", help="A row for each user of --journeys."),
    click.option(
        "--data-order",
        metavar="cycle|unique|random",
        help="Which row a user has; with unique there are no more users than rows.  [default: cycle]",
    ),
    click.option("--expect-status", metavar="200,300-399", help="What is ok.  [default: 200-399]"),
    click.option(
        "--max-errors",
        metavar="SHARE|none",
        help="Fail the run where more of a stage's requests fail.  [default: 1%]",
    ),
    click.option(
        "--seed",
        metavar="N",
        help="Of everything random; a stack's target has its TARGET_SEED for its delays.  [default: 1]",
    ),
    click.option("--label", metavar="TEXT", help="What you call the run, in its result and in lists."),
)

TARGET = (
    click.option("--target", metavar="URL", help="Load this instead of a target of the lab's own."),
    click.option("--app", metavar="MODULE:CALLABLE", help="Serve this WSGI app.  [default: the lab's own]"),
    click.option("--server", metavar="NAME", help="gunicorn or flask.  [default: gunicorn]"),
    click.option("--workers", metavar="N", help="gunicorn's processes.  [default: 1]"),
    click.option("--threads", metavar="N", help="gunicorn's threads in each.  [default: 64]"),
    click.option(
        "--gunicorn-config",
        metavar="FILE",
        help="Serve as this gunicorn.conf.py says; --workers and --threads win over it.",
    ),
    click.option("--delay", metavar="SPEC", help="50ms, exp:50ms, uniform:20ms-80ms …  [default: 100ms]"),
    click.option("--remote", is_flag=True, help="Allow a target that is neither local nor private."),
)

ALL_NAMES = click.option(
    "--by-name", is_flag=True, help="Show every name of a request, not the five slowest alone."
)

_RESULTS = "results"

_Command = Callable[..., int | None]


def with_options(options: tuple[Callable[[_Command], _Command], ...]) -> Callable[[_Command], _Command]:
    """Give a command these options, in their order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def results_in(means: str) -> Callable[[_Command], _Command]:
    """Return `--out`, with what it means to the command."""
    return click.option(
        "--out",
        metavar="DIR",
        default=_RESULTS,
        show_default=True,
        type=click.Path(path_type=Path),
        help=means,
    )


def target_options(url: str | None, served: TargetOptions, *, remote: bool) -> tuple[str, ...]:
    """Return the words that choose the same target for `loadlab run`; the URL is as it may be shown."""
    named = ("--target", url) if url is not None else ()
    own = tuple(word for option in served.given().items() for word in option)
    return (*named, *own, *(("--remote",) if remote else ()))


def results_options(out: Path) -> tuple[str, ...]:
    """Return the words that have `loadlab run` keep its results there."""
    return () if out == Path(_RESULTS) else ("--out", str(out))
