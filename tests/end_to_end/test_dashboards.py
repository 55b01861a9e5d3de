"""Every panel of every dashboard, asked of a real Prometheus that scrapes a real run: no Docker, no Grafana.

tests/stack/test_dashboards.py does the same in the stack. Here is also what a stack is not brought to: a run
with errors, a stage that the client limited, a while in which nothing ran, and a Prometheus that is restarted
within a run.
"""

import asyncio
import copy
import json
import threading
import time
from typing import NamedTuple

import msgspec
import pytest
from aiohttp import web

from loadlab.clock import NS_PER_S
from loadlab.fleet.stop import Control
from loadlab.metrics import Metrics
from loadlab.results.events import RunBegan, RunEnded, StageBegan, StageEnded
from loadlab.results.result import RunResult, State
from loadlab.runs.run import Run
from loadlab.scenarios import scenario
from loadlab.targets.local import LocalHost
from loadlab.workload.plan import Request, Stage
from loadlab.workload.traits import Workload
from support.agreement import look, write, wrong
from support.counters import assert_increase_is_near, assert_raw_counters_are_the_counts
from support.dashboards import asked, loaded, panels
from support.figures import CHARTS, errors
from support.grafana import Viewer, charted
from support.live import plan_for
from support.promtool import newest
from support.scraper import free_port, scraping, wait_for_scrape

pytestmark = [pytest.mark.real, pytest.mark.timed]

BOARDS = loaded()
SOME_FAIL = (
    Request(url="http://127.0.0.1/", weight=4),
    Request(url="http://127.0.0.1/error?status=503"),
)


class Lab:
    """A target, and the client's metrics served as its agent serves them, both in a loop of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.metrics = Metrics()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def begin(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def do(self, coroutine, within_s=60):
        return self.begin(coroutine).result(within_s)

    async def start(self):
        """Return where Prometheus finds both."""
        self.host = LocalHost(
            self.folder / "target.log", {"--workers": "2", "--threads": "4", "--delay": "20ms"}
        )
        self.target = await self.host.start()
        application = web.Application()
        application.router.add_get("/metrics", self._expose)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        [(host, port)] = [address[:2] for address in self._runner.addresses]
        metrics_url = self.target.metrics_url
        return {"client": f"{host}:{port}", "target": metrics_url.split("/")[2]}

    async def stop(self):
        await self._runner.cleanup()
        await self.host.stop()

    async def _expose(self, _):
        text, content_type = self.metrics.expose()
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def run(self, run_id, name, users, **changed):
        """Carry a sweep as the agent does: every series before it, the last values after it."""
        plan = plan_for(
            name,
            workload=Workload.CLOSED,
            stages=tuple(Stage(concurrency=each) for each in users),
            duration_ns=3 * NS_PER_S,
            **changed,
        ).with_target(self.target.url)
        self.metrics.begin(run_id, plan)
        assert await self.metrics.scraped(5)
        run = Run(
            run_id=run_id,
            plan=plan,
            traits=scenario(name).TRAITS,
            host=self.host,
            target=self.target,
            control=Control(),
            tell=self.metrics.tell,
            observe=self.metrics.observe,
        )
        result = await run.run()
        assert await self.metrics.scraped(5)
        return result

    async def replay(self, run_id, result):
        """Tell a run once more, under another name, and with its last stage limited by the client."""
        *others, last = result.stages
        limited = msgspec.structs.replace(last, state=State.INVALID, throughput_hz=10 * last.throughput_hz)
        told = msgspec.structs.replace(result, run_id=run_id, stages=(*others, limited))
        self.metrics.begin(run_id, told.plan)
        assert await self.metrics.scraped(5)
        self.metrics.tell(RunBegan(run_id, told.environment, told.plan))
        for index, stage in enumerate(told.stages):
            self.metrics.tell(StageBegan(index))
            self.metrics.tell(StageEnded(index, stage))
        self.metrics.tell(RunEnded(told))
        assert await self.metrics.scraped(5)
        return told


def as_json(result):
    return json.loads(msgspec.json.encode(result))


@pytest.fixture(scope="module")
def generation():
    """The Prometheus that scrapes the runs and is asked: the newest; that of Debian is asked in the stack."""
    return newest()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, generation):
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.addresses = lab.do(lab.start())
    yield lab
    lab.do(lab.stop())


@pytest.fixture(scope="module")
def prometheus(lab, generation):
    with scraping(lab.folder, lab.addresses, generation=generation) as prometheus:
        wait_for_scrape(prometheus, "client")
        wait_for_scrape(prometheus, "target")
        yield prometheus


@pytest.fixture(scope="module")
def before(prometheus):
    """What each query gave before the first run, and what the variables offered."""
    viewer = looking(prometheus, time.time(), time.time())
    found = [(query, viewer.see(query)) for board in BOARDS.values() for query in asked(board)]
    return found, [viewer.options(board, name) for board in BOARDS.values() for name in ("scenario", "run")]


class Ran(NamedTuple):
    """Runs one after another, the newest last, and when that was."""

    began_s: float
    ended_s: float
    results: list


@pytest.fixture(scope="module")
def runs(lab, prometheus, before):
    began_s = time.time()
    pool = lab.do(lab.run("20260101-000000-pool-aaaa", "pool", (1, 4, 16), processes=2))
    task = lab.do(lab.run("20260101-000100-task-bbbb", "task", (2, 8), requests=SOME_FAIL))
    wait_for_scrape(prometheus, "client")
    time.sleep(5)  # until the rates of what is over are down again
    return Ran(began_s, time.time(), [as_json(pool), as_json(task)])


@pytest.fixture(scope="module")
def idle(runs):
    """A while in which nothing ran, though what ran last is still exposed; for two steps of an annotation."""
    time.sleep(11)
    return runs.ended_s + 1, runs.ended_s + 11


@pytest.fixture(scope="module")
def limited(lab, prometheus, runs, idle):
    """And one in which the client was the limit of the second stage."""
    told = msgspec.convert(runs.results[-1], RunResult, strict=False)
    lab.do(lab.replay("20260101-000200-task-cccc", told))
    wait_for_scrape(prometheus, "client")
    return looking(prometheus, runs.began_s, time.time() + 1)  # an end is rounded down to a whole second


def looking(prometheus, began_s, ended_s, within_s=0, **chosen):
    return Viewer(prometheus, min(began_s - 2, ended_s - within_s), ended_s, chosen)


def test_before_the_first_run_every_query_is_understood_and_shows_no_run(before):
    found, options = before
    assert options == [[], []] * len(BOARDS)
    for query, series in found:
        if "loadlab_" in query.expr and "vector(0)" not in query.expr:
            assert [each for each in series if "target" not in each.name] == [], query


@pytest.mark.parametrize(
    ("within_s", "later_s"),
    [(0, 0), (300, 0), (3600, 60)],
    ids=["the runs alone", "five minutes", "an hour, a minute later"],
)
def test_every_panel_agrees_with_the_runs_of_its_time_range(prometheus, runs, tmp_path, within_s, later_s):
    viewer = looking(prometheus, runs.began_s, runs.ended_s + later_s, within_s)
    rows = look(BOARDS, viewer, runs.results)
    write(rows, tmp_path / "panels.md")
    assert wrong(rows) == [], tmp_path / "panels.md"


def changed(change):
    """The dashboards with other queries: `change` gets a panel's title, a letter and an expression."""
    boards = copy.deepcopy(BOARDS)
    for board in boards.values():
        for panel in panels(board):
            for target in panel.get("targets") or []:
                target["expr"] = change(panel["title"], target["refId"], target["expr"])
        for note in board["annotations"]["list"]:
            note["expr"] = change(note["name"], "Anno", note["expr"])
    return boards


def agreeing(boards, prometheus, runs):
    rows = look(boards, looking(prometheus, runs.began_s, runs.ended_s), runs.results)
    return {row.panel for row in rows if not row.said.startswith("WRONG")}


MAY_BE_ZERO = {
    **dict.fromkeys(
        (
            "Run / The client's own doing / C",
            "Target / Accept queue / B",
            "Target / Accept queue overflows / A",
            "Target / Accept queue overflows over time / A",
            "Target / Time of a request: means / D",
            "Target / CPU / C",
            "Target / Memory / B",
        ),
        "a result tells nothing of it",
    ),
    "Target / Accept queue / A": "the workers accept at once, so nobody waits there",
    "Target / CPU / B": "a target that is in no container has no limit that holds it back",
    "Target / Memory / A": "a target that is in no container does not tell it",
    "Concurrency / Stages limited by the client / A": "there was none; a run of its own has one",
    **dict.fromkeys((f"{board['title']} / Alerts / Anno" for board in BOARDS.values()), "none need fire"),
}
IN_CHARTS = {f"Concurrency / {title} / {column}" for title, both in CHARTS.items() for column in both}


def test_a_panel_of_zeros_agrees_with_no_result_that_has_others(prometheus, runs):
    asked_for = {str(query) for board in BOARDS.values() for query in asked(board)}
    assert asked_for >= MAY_BE_ZERO.keys() | IN_CHARTS
    zeros = agreeing(changed(lambda title, letter, expr: f"({expr}) * 0"), prometheus, runs)
    assert zeros - MAY_BE_ZERO.keys() - IN_CHARTS == set()


@pytest.mark.parametrize("axis", [0, 1], ids=["across", "upward"])
def test_a_chart_with_an_axis_of_zeros_agrees_with_no_result(prometheus, runs, axis):
    def zero(title, letter, expr):
        return f"({expr}) * 0" if title in CHARTS and letter == CHARTS[title][axis] else expr

    found = agreeing(changed(zero), prometheus, runs)
    assert not found & {f"Concurrency / {title}" for title in CHARTS}


def test_panels_that_count_other_outcomes_than_errors_agree_with_no_result_that_has_errors(prometheus, runs):
    assert errors(runs.results).keys() == {"http_error"}
    other = changed(lambda title, letter, expr: expr.replace('outcome!="ok"', 'outcome="dropped"'))
    assert not agreeing(other, prometheus, runs) & {"Run / Errors / A", "Run / Errors by outcome / A"}


def test_every_panel_of_the_client_agrees_with_a_run_of_the_past_that_was_chosen(prometheus, runs):
    pool = runs.results[0]
    rows = look(BOARDS, looking(prometheus, runs.began_s, runs.ended_s, run=[pool["run_id"]]), [pool])
    whoever_loads_it = ("Target / ", "Run / Saturation")
    assert wrong([row for row in rows if not row.panel.startswith(whoever_loads_it)]) == []


def test_a_range_in_which_nothing_ran_has_no_annotation(prometheus, idle):
    viewer = Viewer(prometheus, *idle)
    for board in BOARDS.values():
        found = viewer.events(board)
        assert [event for event in found if event.name in {"Runs", "Stages"}] == []
        # Its first point may be before the range: it is aligned to the step, and tells of a step before it.
        assert [e for e in found if e.name == "Measuring" and e.ended_s >= viewer.start_s] == []


def test_a_range_that_begins_within_a_run_has_what_began_or_ended_since_and_each_of_it_once(prometheus, runs):
    pool, task = (result["run_id"] for result in runs.results)
    everything = Viewer(prometheus, runs.began_s, runs.ended_s).events(BOARDS["run"])
    [second_s] = [
        event.began_s
        for event in everything
        if event.name == "Stages" and (event.labels["run"], event.labels["stage"]) == (pool, "1")
    ]
    later = Viewer(prometheus, second_s - 0.5, runs.ended_s)
    for board in BOARDS.values():
        found = [event for event in later.events(board) if event.name in {"Runs", "Stages"}]
        told = sorted((event.labels["run"], event.labels.get("stage", "began")) for event in found)
        assert told == [(pool, "1"), (pool, "2"), (task, "0"), (task, "1"), (task, "began")]
        assert all(event.began_s == event.ended_s for event in found)


def test_the_variables_offer_what_ran(prometheus, runs):
    viewer = looking(prometheus, runs.began_s, runs.ended_s)
    for board in BOARDS.values():
        assert {result["run_id"] for result in runs.results} <= set(viewer.options(board, "run"))
        assert set(viewer.options(board, "scenario")) == {"pool", "task"}
    of_pool = looking(prometheus, runs.began_s, runs.ended_s, scenario=["pool"])
    assert of_pool.options(BOARDS["run"], "run") == [runs.results[0]["run_id"]]


def test_a_stage_that_the_client_limited_is_drawn_apart_and_is_no_capacity(limited):
    queries = {(query.panel, query.letter): query for query in asked(BOARDS["concurrency"])}
    axes = ("concurrency", "throughput")
    drawn = charted(*(limited.see(queries["Throughput against concurrency", name]) for name in axes))
    [(users, throughput)] = drawn["task 20260101-000200-task-cccc client limit"]
    assert users == 8
    assert len(drawn["task 20260101-000200-task-cccc measured"]) == 1
    highest = limited.see(queries["Highest throughput", "A"])
    assert max(series.last for series in highest) < throughput
    [count] = limited.see(queries["Stages limited by the client", "A"])
    assert count.last == 1


def test_raw_counters_are_the_counts_and_increase_is_near(prometheus, runs):
    for result in runs.results:
        assert_raw_counters_are_the_counts(prometheus, result)
        assert_increase_is_near(prometheus, result)


def test_the_counts_are_exact_when_prometheus_is_restarted_within_the_run(tmp_path, generation):
    lab = Lab(tmp_path)
    targets, port = lab.do(lab.start()), free_port()
    try:
        with scraping(tmp_path, targets, port, generation) as prometheus:
            wait_for_scrape(prometheus, "client")
            running = lab.begin(lab.run("20260101-000300-pool-dddd", "pool", (4, 8), processes=2))
            time.sleep(4)
            assert not running.done()
        with scraping(tmp_path, targets, port, generation) as prometheus:
            result = as_json(running.result(60))
            wait_for_scrape(prometheus, "client")
            assert_raw_counters_are_the_counts(prometheus, result)
            assert_increase_is_near(prometheus, result)
    finally:
        lab.do(lab.stop())
