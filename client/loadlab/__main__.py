"""`python -m loadlab` and the `loadlab` command."""

from loadlab.system import stop_signals


def main() -> None:
    """Run the command line; Ctrl-C or a lack of memory while it is still being loaded is a sentence."""
    stop_signals.handle()
    # Loading takes a while that Ctrl-C may fall into; what says that memory ran out is loaded first.
    from loadlab.errors import Exit  # noqa: PLC0415 - signals are handled before it is loaded
    from loadlab.system.limits import limit_of  # noqa: PLC0415 - signals are handled before it is loaded
    from loadlab.system.resources import Resource, shortage  # noqa: PLC0415 - signals are handled before it is loaded
    from loadlab.system.stillborn import on_stillborn_thread  # noqa: PLC0415 - signals are handled before it is loaded

    def leave(_: BaseException | None = None) -> None:
        stop_signals.leave(shortage(Resource.MEMORY, limit_of(Resource.MEMORY)), Exit.INVALID)

    on_stillborn_thread(leave)
    try:
        from loadlab.cli import main as run  # noqa: PLC0415 - as above
    except (MemoryError, SystemError):  # CPython raises the second where there is no memory for the first
        leave()
    except (SyntaxError, ValueError, ImportError) as error:
        # Without memory CPython's parser raises the first two, and a library that can't be mapped the third.
        if limit_of(Resource.MEMORY) is None or isinstance(error, ModuleNotFoundError):
            raise
        leave()
    run()


if __name__ == "__main__":
    main()
