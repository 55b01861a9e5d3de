"""Metrics of nothing, for an agent that nobody scrapes."""

from loadlab.events import Event
from loadlab.fleet.supervisor import Live
from loadlab.plan import Plan


class Unmetered:
    """`Meters` that measure nothing."""

    scraper_seen = False

    def begin(self, run_id: str, plan: Plan) -> None:
        """Nothing begins."""

    def tell(self, event: Event) -> None:
        """Nothing is noted."""

    def observe(self, live: Live) -> None:
        """Nothing is counted."""

    def expose(self) -> tuple[bytes, str]:
        """Return no sample at all."""
        return b"", "text/plain; version=0.0.4; charset=utf-8"

    async def scraped(self, within_s: float) -> bool:  # noqa: ARG002 - as the protocol has it
        """Nobody does."""
        return False
