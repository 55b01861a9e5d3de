"""`python -m loadlab` and the `loadlab` command."""

from loadlab import stop_signals


def main() -> None:
    """Run the command line; Ctrl-C while it is still being loaded ends like any other."""
    stop_signals.handle()
    from loadlab.cli import main as run  # noqa: PLC0415 - loading it takes a while that Ctrl-C may fall into

    run()


if __name__ == "__main__":
    main()
