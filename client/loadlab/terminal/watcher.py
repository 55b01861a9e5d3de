"""Those that follow what happens in a run."""

from typing import Protocol, Self

from loadlab.results.events import Event


class Watcher(Protocol):
    """Gets every event of a run.

    Raises nothing for a terminal or a pipe that has gone: the run goes on without a reader.
    """

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        ...

    def tell(self, event: Event) -> None:
        """Take note of one event."""
        ...


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def tell(self, event: Event) -> None:
        """Ignore it."""
