"""No target at all, for the transport that needs none."""

from loadlab import units
from loadlab.targets import Target


class NoTarget:
    """A host for the `null` transport, which answers after a delay that it reads in the URL."""

    def __init__(self, delay: str | None) -> None:
        """Take the delay as written; raise UsageError where it is not a constant duration."""
        delay_ns = 0 if delay is None else units.duration_ns(delay, "--delay")
        self.url = f"http://null/?delay={delay}" if delay_ns else "http://null/"
        self._where = f"no target: the null transport answers {f'after {delay}' if delay_ns else 'at once'}"

    async def start(self) -> Target:
        """Return the stand-in for a target."""
        return Target(url=self.url, where=self._where)

    async def ended(self, *, silent: bool = True) -> str | None:  # noqa: ARG002 - as in Host
        """Say nothing: no process was started."""
        return None

    async def lost(self) -> str | None:
        """Say nothing: what is nowhere is never lost."""
        return None

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop nothing, for nothing was started."""
