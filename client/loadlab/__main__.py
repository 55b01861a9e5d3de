"""`python -m loadlab` and the `loadlab` command."""

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is still being loaded ends like any other."""
    try:
        from loadlab.cli import main as run  # noqa: PLC0415 - loading it takes a while that Ctrl-C may fall into
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    run()


if __name__ == "__main__":
    main()
