"""What Prometheus reads of the client: the run of now, or the last one, until the next begins.

Nothing is counted here and nothing is done for a request: about twice a second the sums that the result is
built from are copied, and a scrape writes down the last copy. At a stage's end they are the result's own.
"""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from loadlab.analysis.judge_run import headline_of
from loadlab.clock import MONOTONIC, Clock
from loadlab.fleet.live import Live
from loadlab.metrics.families import no_run, of_run, of_stages
from loadlab.metrics.scrapes import Scrapes
from loadlab.metrics.watched import Watched
from loadlab.results.events import Event, RunBegan, RunEnded, StageBegan, StageEnded
from loadlab.workload.plan import Plan


class Metrics:
    """What Prometheus reads of the runs of this process, one after another.

    All calls come from the event loop that the runs live in, and none of them waits but `scraped`.
    """

    def __init__(self, clock: Clock = MONOTONIC, wall_s: Callable[[], float] = time.time) -> None:
        self._wall_s = wall_s
        self._run: Watched | None = None
        self._over = b""
        """The text of the stages that are over: written once for each, since a sweep may have many."""
        self._scrapes = Scrapes(clock)

    def begin(self, run_id: str, plan: Plan) -> None:
        """Announce a run: the series of the one before go, and every series of this one is there, at 0."""
        self._run = Watched(run_id, plan, self._wall_s())
        self._over = b""

    def tell(self, event: Event) -> None:
        """Follow the run's events; a run that was not announced begins with its first."""
        run = self._run
        match event:
            case RunBegan() if run is None or run.run_id != event.run_id:
                self.begin(event.run_id, event.plan)
            case StageBegan() if run is not None:
                run.stage_began(event.index)
            case StageEnded() if run is not None:
                run.stage_ended(event.index, event.result, self._wall_s())
                self._over = _text(of_stages(run))
            case RunEnded():
                self.end()
                if run is not None:
                    run.verdict = headline_of(event.result)
            case _:
                pass

    def observe(self, live: Live) -> None:
        """Take over what the workers have counted; the engine's `Observe`."""
        if self._run is not None:
            self._run.observe(live)

    def end(self) -> None:
        """Note that no load is made any more; its last event says so too, unless a run has none."""
        if self._run is not None:
            self._run.stop()

    def expose(self, *, scraper: bool = True) -> tuple[bytes, str]:
        """Return the text of all metrics and its content type; `scraper` says whether this was a scrape.

        What is returned is of this moment, so a scrape begins and gets its answer in this call.
        """
        text = _text(no_run() if self._run is None else of_run(self._run)) + self._over
        if scraper:
            self._scrapes.note()
        return text, CONTENT_TYPE_PLAIN_0_0_4

    @property
    def scraper_seen(self) -> bool:
        """Whether there was a scrape in the last 15 seconds."""
        return self._scrapes.lately

    async def scraped(self, within_s: float) -> bool:
        """Wait until a scrape that began after this call has its answer; False where none came in time."""
        return await self._scrapes.next(within_s)


class _Given(Collector):
    """A collector of what it is given: prometheus_client writes here, and counts nothing."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return it."""
        return self._families


def _text(families: Iterable[Metric]) -> bytes:
    return generate_latest(_Given(families))
