"""`python -m loadlab_target`: start the target and stay in the foreground until it is stopped."""

import os
import re
import sys
from functools import partial
from pathlib import Path

import click

from loadlab_target.addresses import Address, AddressError, bind, parse_address
from loadlab_target.delays import parse_delay
from loadlab_target.lifecycle import ConfigError, StartError, private_directory
from loadlab_target.quantities import MOST_WHOLE, QuantityError, parse_whole
from loadlab_target.settings import Server, Settings

_APP = re.compile(r"[A-Za-z_][\w.]*(:[A-Za-z_]\w*(\(.*\))?)?", re.DOTALL)


class _Whole(click.IntRange):
    """A whole number as people write it: Python's own reading takes `1_0`, and the digits of every script."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)  # which tells them in the help
        self._read = partial(parse_whole, least=least, most=most)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return self._read(str(value).strip())
        except QuantityError as error:
            self.fail(f"it {error}.", param, ctx)


def _app(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and _APP.fullmatch(text) is None:
        raise click.BadParameter(f"{text!r} is not module:callable or module:factory().")
    return text


def _address(_: click.Context, __: click.Parameter, text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise click.BadParameter(f"{error}.") from None


def _delay(_: click.Context, __: click.Parameter, spec: str) -> str:
    try:
        parse_delay(spec)
    except QuantityError as error:
        raise click.BadParameter(f"it {error}.") from None
    return spec


def _file(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    if file is not None:
        if not file.parent.is_dir():
            raise click.BadParameter(f"there is no directory {str(file.parent)!r} to write it into.")
        file.unlink(missing_ok=True)  # what an earlier target announced is not this one
        return file.absolute()  # a gunicorn config may change the directory
    return None


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option(
    "--app",
    envvar="TARGET_APP",
    show_envvar=True,
    callback=_app,
    help="The WSGI app, as gunicorn understands it: module:callable or module:factory()."
    "  [default: wsgi_app of --gunicorn-config, or the lab's own]",
)
@click.option(
    "--server",
    envvar="TARGET_SERVER",
    show_envvar=True,
    default="gunicorn",
    type=click.Choice(["gunicorn", "flask"]),
    help="gunicorn's threads, or Flask's development server: a thread for each connection, no limit.",
)
@click.option(
    "--workers",
    envvar="WORKERS",
    show_envvar=True,
    type=_Whole(1, 256),
    help="Worker processes (gunicorn).  [default: 1, or as in --gunicorn-config]",
)
@click.option(
    "--threads",
    envvar="THREADS",
    show_envvar=True,
    type=_Whole(1, 4096),
    help="Threads in each worker (gunicorn).  [default: 64, or as in --gunicorn-config]",
)
@click.option(
    "--gunicorn-config",
    envvar="GUNICORN_CONFIG",
    show_envvar=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, exists=True, resolve_path=True, path_type=Path),
    help="A gunicorn.conf.py, honoured but for what the lab has to set; options that are given win over it.",
)
@click.option(
    "--bind",
    "address",
    envvar="TARGET_BIND",
    show_envvar=True,
    default="127.0.0.1:8000",
    metavar="HOST:PORT",
    callback=_address,
    help="Where requests are served; port 0: any that is free.",
)
@click.option(
    "--metrics-bind",
    "metrics_address",
    envvar="TARGET_METRICS_BIND",
    show_envvar=True,
    default="127.0.0.1:9100",
    metavar="HOST:PORT",
    callback=_address,
    help="Where /metrics and /healthz are served.",
)
@click.option(
    "--delay",
    envvar="TARGET_DELAY",
    show_envvar=True,
    default="100ms",
    metavar="SPEC",
    callback=_delay,
    help="How long / waits: 50ms, exp:50ms, uniform:20ms-80ms or lognormal:50ms:0.5.",
)
@click.option(
    "--seed",
    envvar="TARGET_SEED",
    show_envvar=True,
    default=1,
    type=_Whole(0, MOST_WHOLE),
    help="Seed of the random delays and errors, so that runs repeat.",
)
@click.option(
    "--server-timing/--no-server-timing",
    envvar="TARGET_SERVER_TIMING",
    show_envvar=True,
    default=True,
    help="Tell queue and app time of each request in a response header.",
)
@click.option(
    "--keep-alive",
    "keep_alive_s",
    envvar="TARGET_KEEP_ALIVE",
    show_envvar=True,
    type=_Whole(0, 3600),
    metavar="SECONDS",
    help="How long an idle connection is kept (gunicorn; the other server keeps none)."
    "  [default: 2, or as in --gunicorn-config]",
)
@click.option(
    "--announce",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_file,
    help="Once ready, write {url, metrics_url, pid} as JSON to this file.",
)
@click.option("--stop-with-stdin", is_flag=True, help="Stop when standard input ends.")
def main(
    *,
    address: Address,
    metrics_address: Address,
    app: str | None,
    server: Server,
    workers: int | None,
    threads: int | None,
    gunicorn_config: Path | None,
    delay: str,
    seed: int,
    server_timing: bool,
    keep_alive_s: int | None,
    announce: Path | None,
    stop_with_stdin: bool,
) -> None:
    """Start the target, a WSGI app on a server that measures itself, and stay until it is stopped."""
    if gunicorn_config is not None and server == "flask":
        raise click.UsageError("--gunicorn-config: --server flask is no gunicorn; leave one of them out.")
    settings = Settings(
        app=app,
        server=server,
        workers=workers,
        threads=threads,
        gunicorn_config=gunicorn_config,
        server_timing=server_timing,
        keep_alive_s=keep_alive_s,
        announce=announce,
        stop_with_stdin=stop_with_stdin,
    )
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    # The app reads these itself, wherever it is imported.
    os.environ |= {"TARGET_DELAY": delay, "TARGET_SEED": str(seed)}
    try:
        with private_directory() as directory:
            _serve(settings, address, metrics_address, directory)
    except AddressError as error:
        raise click.ClickException(f"The target {error}.") from None
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except StartError as error:
        raise click.ClickException(str(error)) from None


def _serve(settings: Settings, address: Address, metrics_address: Address, directory: Path) -> None:
    listener, metrics_listener = bind(address), bind(metrics_address)
    metrics_directory = directory / "metrics"
    metrics_directory.mkdir()
    # prometheus_client decides when it is first imported whether its values are kept in files, so what
    # imports it can only be imported now.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_directory)
    if settings.server == "flask":
        from loadlab_target import flask_target  # noqa: PLC0415 - see above

        flask_target.serve(settings, listener=listener, metrics_listener=metrics_listener)
    else:
        from loadlab_target.gunicorn_target import GunicornTarget  # noqa: PLC0415 - see above

        GunicornTarget(
            settings, listener=listener, metrics_listener=metrics_listener, directory=directory
        ).serve()


def run() -> None:
    """Run the command; what goes wrong is one sentence on standard error, and an exit code."""
    try:
        main(prog_name="python -m loadlab_target", standalone_mode=False)
    except click.ClickException as error:
        # click alone would first print two lines on how to use the command.
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    run()
