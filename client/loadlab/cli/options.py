"""What commands can be asked for: the load, the target, where results are."""

from collections.abc import Callable
from pathlib import Path

import click

from loadlab.cli.family import option, with_options
from loadlab.options.load import DEFAULT_BATCH, one_of
from loadlab.options.target import TargetOptions

_Command = Callable[..., int | None]

_LOAD = (
    option("--workload", metavar="NAME", help="closed, open or batch.  [default: closed; pool-map: batch]"),
    option("--concurrency", metavar="N[,N…]", help="closed: users of each stage.  [default: 1,8,32,128]"),
    option("--rate", metavar="R[,R…]|A:B", help="open: requests per second of each stage, or a ramp."),
    option("--arrivals", metavar="NAME", help="open: constant or poisson spacing.  [default: constant]"),
    option(
        "--max-in-flight",
        metavar="N",
        help="open: limit of requests in flight.  [default: open files, at most 10000]",
    ),
    option("--when-full", metavar="NAME", help="open, at that limit: drop or wait.  [default: drop]"),
    option("--duration", metavar="TIME", help="Measured time of each stage.  [default: 2.5s]"),
    option(
        "--requests",
        metavar="N[,N…]",
        help="closed: end each stage after this many requests instead; batch: the sizes."
        f"  [default: {DEFAULT_BATCH}]",
    ),
    option("--warmup", metavar="TIME", help="Time before the window.  [default: duration/5, at most 2s]"),
    option("--think", metavar="SPEC", help="A user's pause after each reply: 2s, exp:2s, …  [default: 0]"),
    option(
        "--ramp-up",
        metavar="TIME",
        help="closed: start users evenly over this time; 0: all at once."
        "  [default: spread over a think time]",
    ),
    option("--processes", metavar="N", help="pool, pool-map: processes.  [default: one per core]"),
    option(
        "--seed",
        metavar="N",
        help="Seed of everything random; a stack's target has TARGET_SEED for its delays.  [default: 1]",
    ),
)

_CONNECTIONS = (
    option(
        "--transport", metavar="NAME", help="aiohttp, wire, null or requests.  [default: the scenario's own]"
    ),
    option("--timeout", metavar="TIME", help="Time limit of a request.  [default: 10s]"),
    option("--connect-timeout", metavar="TIME", help="Time limit of opening a connection.  [default: 5s]"),
    option("--idle-limit", metavar="TIME", help="Close connections idle for this long.  [default: 900ms]"),
    option("--no-keep-alive", is_flag=True, help="Open a connection for each request and close it."),
)

_REQUEST = (
    option("--path", metavar="PATH", help="Path of the request.  [default: /]"),
    option("--method", metavar="NAME", help="Its method.  [default: GET, with a body POST]"),
    option(
        "--header",
        metavar="'NAME: VALUE'|@FILE",
        multiple=True,
        help="A header; repeat it for more. @FILE has secret headers, one in each line.",
    ),
    option(
        "--header-env",
        metavar="NAME=VARIABLE",
        multiple=True,
        help="A secret header whose value is in an environment variable.",
    ),
    option(
        "--secret-header",
        metavar="NAME",
        multiple=True,
        help="Also mask this header in results and messages.",
    ),
    option("--secret-query", metavar="NAME", multiple=True, help="Also mask this query parameter."),
    option("--body", metavar="TEXT|@FILE", help="Body of the request."),
    option("--keep-bodies", is_flag=True, help="Keep bodies in the result, not only their lengths."),
    option(
        "--requests-file",
        metavar="FILE",
        help="A mix of requests: a JSON list of {path, method, headers, body, weight}.",
    ),
    option(
        "--journeys",
        metavar="FILE.py",
        help="What users do, in Python, instead of one request; with scenario task or pool.",
    ),
    option("--data", metavar="FILE.csv|.jsonl", help="A row for each user of --journeys."),
    option(
        "--data-order",
        metavar="cycle|unique|random",
        help="Which row a user has; with unique there are no more users than rows.  [default: cycle]",
    ),
)

_VERDICT = (
    option("--expect-status", metavar="200,300-399", help="Status codes that are ok.  [default: 200-399]"),
    option(
        "--max-errors",
        metavar="SHARE|none",
        help="FAIL if more of a stage's requests fail.  [default: 1%]",
    ),
    option(
        "--stop-when-lost",
        metavar="TIME",
        help="End the run if nothing is answered for this long; longer than the slowest answer."
        "  [default: go on]",
    ),
)


def _server(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    return one_of("--server", text, ("gunicorn", "flask"))


_TARGET = (
    option("--target", metavar="URL", help="Load this URL instead of a target that loadlab starts."),
    option("--remote", is_flag=True, help="Allow a target that is neither local nor private."),
    option("--app", metavar="MODULE:CALLABLE", help="Serve this WSGI app.  [default: loadlab's own]"),
    option("--server", metavar="NAME", callback=_server, help="gunicorn or flask.  [default: gunicorn]"),
    option("--workers", metavar="N", help="gunicorn's processes.  [default: 1]"),
    option("--threads", metavar="N", help="gunicorn's threads in each process.  [default: 64]"),
    option(
        "--gunicorn-config",
        metavar="FILE",
        help="Serve as this gunicorn.conf.py says; --workers and --threads override it.",
    ),
    option(
        "--delay",
        metavar="SPEC",
        help="How long loadlab's own app waits: 50ms, exp:50ms, …  [default: 100ms]",
    ),
    option(
        "--app-python", metavar="PATH", help="Serve the app by this Python, with its gunicorn and packages."
    ),
    option("--before-each", metavar="COMMAND", help="Run this in a shell before each start of the target."),
    option("--ready-path", metavar="PATH", help="Wait until this path answers with a status below 400."),
    option("--ready-timeout", metavar="TIME", help="Time limit of the target's start.  [default: 20s]"),
)

ALL_NAMES = option("--by-name", is_flag=True, help="Show every name of a request, not only the five slowest.")

_RESULTS = "results"


def with_load(command: _Command) -> _Command:
    """Give a command the options that say what shall be sent, how, and what counts as a failure."""
    for heading, options in reversed(
        (
            ("Load", _LOAD),
            ("Transport and connections", _CONNECTIONS),
            ("Request", _REQUEST),
            ("Verdict", _VERDICT),
        )
    ):
        command = with_options(heading, options)(command)
    return command


with_target = with_options("Target", _TARGET)


def results_in(means: str) -> Callable[[_Command], _Command]:
    """Return `--out`, with what it means to the command."""
    return option(
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
