"""Real runs with their metrics: what Prometheus reads at the end is the result, field by field."""

import asyncio
import itertools
import os
import signal

import pytest

from loadlab.clock import NS_PER_S
from loadlab.fleet.stop import Control
from loadlab.metrics import Metrics
from loadlab.metrics.families import RUN
from loadlab.results.events import StageBegan, Tick
from loadlab.results.result import State
from loadlab.runs.runners import run_at
from loadlab.targets.local import LocalHost
from loadlab.targets.no_target import NoTarget
from loadlab.workload.plan import Request, Stage, WhenFull
from loadlab.workload.traits import Workload
from support.exposed import assert_agree, assert_never_falls, exposed
from support.live import MS, batch_of, plan_for, until, users_of, workers_of
from support.metrics_page import exposition, page
from support.promtool import promtool

pytestmark = pytest.mark.real


class Watched:
    """A run that is scraped."""

    def __init__(self):
        self.metrics = Metrics()
        self.control = Control()
        self.events = []
        self.scrapes = []
        self.result = None

    def tell(self, event):
        self.metrics.tell(event)
        self.events.append(event)

    def observe(self, live):
        self.metrics.observe(live)

    @property
    def now(self):
        return self.scrapes[-1]

    async def scrape(self):
        while True:
            self.scrapes.append(exposed(self.metrics))
            await asyncio.sleep(0.1)

    async def run_plan(self, plan, host, meanwhile):
        self.metrics.begin("a-run", plan)
        beside = [asyncio.ensure_future(self.scrape())]
        if meanwhile is not None:
            beside.append(asyncio.ensure_future(meanwhile(self)))
        self.result = await run_at(host, plan, "a-run", self.control, self.tell, observe=self.observe)
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
        for task in beside:
            if not task.cancelled():
                task.result()
        self.scrapes.append(exposed(self.metrics))

    def states(self):
        return [state for state, _ in itertools.groupby(scrape.state() for scrape in self.scrapes)]


def watch(plan, folder, *, watched=None, meanwhile=None, host=None, **options):
    """Run a plan and scrape it ten times a second; no counter ever falls."""
    given = {f"--{name}": value for name, value in options.items()}
    watched = watched or Watched()
    asyncio.run(watched.run_plan(plan, host or LocalHost(folder / "target.log", given), meanwhile))
    assert_never_falls(watched.scrapes)
    return watched


def load_is_flowing(watched):
    return any(isinstance(event, Tick) and event.finished for event in watched.events)


def asking(*paths):
    return tuple(Request(url=f"http://127.0.0.1{path}") for path in paths)


@pytest.mark.quick
def test_after_a_sweep_with_warm_up_the_metrics_are_the_result(tmp_path):
    stages = (Stage(concurrency=2), Stage(concurrency=8))
    plan = plan_for("pool", stages=stages, duration_ns=1200 * MS, warmup_ns=700 * MS)
    found = watch(plan, tmp_path, delay="20ms")
    assert found.result.failure is None
    assert_agree(found.now, found.result)
    assert (
        sum(stage.sent_total for stage in found.result.stages) > found.now.total("loadlab_requests_total") > 0
    )
    assert found.states()[:3] == ["idle", "warm-up", "measuring"]
    assert found.states()[-1] == "idle"
    assert {scrape.value("loadlab_concurrency") for scrape in found.scrapes} == {0, 2, 8}
    assert max(scrape.value("loadlab_in_flight") for scrape in found.scrapes) == 8
    assert max(scrape.value("loadlab_client_cpu_ratio", worker="1") for scrape in found.scrapes) > 0
    assert max(scrape.value("loadlab_achieved_requests_per_second") for scrape in found.scrapes) > 10
    assert not any(found.now.total(f"loadlab_{name}") for name in ("in_flight", "concurrency"))


def test_the_page_describes_what_is_exposed_and_promtool_accepts_it(tmp_path):
    found = watch(users_of("task", 2, 1500 * MS), tmp_path, delay="10ms")
    described = exposition(found.now.families, common=RUN)
    assert described == page("loadlab_")
    text = found.metrics.expose()[0].decode()
    checked = promtool("check", "metrics", given=text)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_http_errors_are_counted_by_their_status(tmp_path):
    paths = asking("/error?ratio=0.5&status=503", "/nowhere", "/error?ratio=1&status=418")
    found = watch(users_of("task", 4, NS_PER_S, requests=paths), tmp_path, delay="5ms")
    assert_agree(found.now, found.result)
    errors = found.now.matching("loadlab_requests_total", outcome="http_error")
    by_class = {dict(labels)["status_class"]: times for labels, times in errors.items()}
    assert by_class["4xx"] > 0 < by_class["5xx"]
    assert found.now.value("loadlab_requests_total", outcome="ok", status_class="2xx") > 0


def test_timeouts_are_counted_and_are_in_no_histogram(tmp_path):
    paths = asking("/?delay=10ms", "/?delay=400ms")
    plan = users_of("task", 4, NS_PER_S, requests=paths, timeout_ns=200 * MS, connect_timeout_ns=200 * MS)
    found = watch(plan, tmp_path)
    assert_agree(found.now, found.result)
    assert found.now.total("loadlab_requests_total", outcome="timeout") > 0
    answered = found.now.total("loadlab_requests_total", outcome="ok")
    assert found.now.value("loadlab_latency_seconds_count") == answered > 0


def test_what_an_open_stage_drops_is_counted(tmp_path):
    plan = plan_for(
        "task",
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=100.0),),
        duration_ns=1200 * MS,
        max_in_flight=2,
        when_full=WhenFull.DROP,
    )
    found = watch(plan, tmp_path, delay="200ms")
    assert_agree(found.now, found.result)
    assert found.now.total("loadlab_requests_total", outcome="dropped") > 50
    assert 100 in {scrape.value("loadlab_offered_requests_per_second") for scrape in found.scrapes}


@pytest.mark.parametrize("stops", [1, 2])
def test_an_interrupted_run_is_counted_as_far_as_it_came(tmp_path, stops):
    async def stop(watched):
        await until(lambda: load_is_flowing(watched))
        await asyncio.sleep(0.8)
        for _ in range(stops):
            watched.control.stop()

    plan = plan_for("pool", stages=(Stage(concurrency=4), Stage(concurrency=8)), duration_ns=30 * NS_PER_S)
    found = watch(plan, tmp_path, meanwhile=stop, delay="2s")
    assert found.result.interrupted
    assert len(found.result.stages) == 1
    assert_agree(found.now, found.result)
    assert (found.now.total("loadlab_requests_total", outcome="unfinished") > 0) == (stops == 2)


async def lose_a_worker(watched):
    """Kill one of two once both have reported."""
    await until(lambda: any(isinstance(event, Tick) and event.in_flight for event in watched.events))
    await asyncio.sleep(1.3)
    os.kill(workers_of(os.getpid())[0], signal.SIGKILL)


@pytest.mark.parametrize(
    ("plan", "delay"),
    [
        (users_of("pool", 4, 3 * NS_PER_S), "20ms"),
        (
            plan_for("pool", workload=Workload.OPEN, stages=(Stage(rate_hz=50.0),), duration_ns=3 * NS_PER_S),
            "20ms",
        ),
        (batch_of("pool", 12), "4s"),
    ],
    ids=["closed", "open", "batch"],
)
def test_what_a_lost_worker_leaves_open_is_counted_as_the_result_counts_it(tmp_path, plan, delay):
    found = watch(plan, tmp_path, meanwhile=lose_a_worker, delay=delay)
    (stage,) = found.result.stages
    assert stage.state is State.INVALID
    assert (stage.counts.unfinished > 0) == (plan.workload is not Workload.CLOSED)
    assert_agree(found.now, found.result)
    assert found.now.value("loadlab_stage_invalid") == 1


def test_a_run_that_fails_within_a_stage_keeps_what_was_seen_of_it(tmp_path):
    class Failing(Watched):
        """Something goes wrong at the third look at its second stage."""

        looks = seen = 0

        def observe(self, live):
            super().observe(live)
            if sum(isinstance(event, StageBegan) for event in self.events) == 2:
                self.looks += 1
                self.seen = live.counted.sent
                if self.looks == 3:
                    raise RuntimeError("something went wrong")

    stages = (Stage(concurrency=2), Stage(concurrency=4))
    watched = Failing()
    plan = plan_for("task", stages=stages, duration_ns=1500 * MS)
    found = watch(plan, tmp_path, watched=watched, delay="10ms")
    assert "something went wrong" in found.result.failure
    (stage,) = found.result.stages
    assert watched.seen > 0
    assert found.now.value("loadlab_sent_requests_total") == stage.sent_total + watched.seen
    assert found.now.state() == "idle"


@pytest.mark.parametrize("name", ["callback", "task"])
def test_a_stage_shorter_than_a_look_is_counted_whole(tmp_path, name):
    plan = batch_of(name, 50, transport="null")
    found = watch(plan, tmp_path, host=NoTarget("1ms"))
    assert_agree(found.now, found.result)
    assert found.now.total("loadlab_requests_total", outcome="ok") == 50
