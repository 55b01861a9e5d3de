"""Where commands print."""

from rich.console import Console


class Terminal(Console):
    """A console whose reader may leave: that is the command's to handle, as in any other program.

    rich would exit with 1 on the spot, which means a failed threshold here.
    """

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError
