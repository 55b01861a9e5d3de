"""One run of the agent, whatever ends it: what is said and kept, and that the agent is free for the next."""

import asyncio

import msgspec
import pytest

from loadlab.agent import one_run
from loadlab.agent.event_log import EventLog
from loadlab.agent.limits import Limits
from loadlab.agent.one_run import AgentRun
from loadlab.agent.run_request import PostedRun
from loadlab.agent.runs import BusyError, Runs
from loadlab.clock import NS_PER_S
from loadlab.errors import Exit, TargetError, UsageError
from loadlab.metrics import Metrics
from loadlab.results import run_folder
from loadlab.results.events import RunBegan, RunEnded, StageBegan, StageEnded
from loadlab.results.result import CheckOutcome
from loadlab.results.run_folder import Folder
from loadlab.runs.runners import nowhere
from loadlab.workload.plan import Request, Stage
from support.fakes import plan
from support.results import environment, result, stage

PLAN = plan()


class Scene:
    """A load whose run is a script, with real metrics, and its events."""

    def __init__(self, tmp_path, script, most_s=None):
        self.event_log = EventLog()
        self.metrics = Metrics()
        self.folder = Folder(tmp_path / "results", "task")
        self.events = self.event_log.begin(self.folder.run_id)
        self.script = script
        self.load = AgentRun(
            self.folder.run_id,
            PLAN,
            self.run_plan,
            events=self.events,
            metrics=self.metrics,
            folder=self.folder,
            most_s=most_s,
        )

    async def run_plan(self, plan_, run_id, control, tell, observe):
        self.control = control
        return await self.script(control, tell, run_id)

    @property
    def told(self):
        return [msgspec.json.decode(message.data) for message in self.events.after(0)]

    @property
    def kinds(self):
        return [event["type"] for event in self.told]

    @property
    def kept(self):
        return sorted(path.name for path in self.folder.path.glob("*"))


def play(tmp_path, script, meanwhile=None, most_s=None):
    """Let a load come to its end, with something else at the same time."""

    async def scene():
        made = Scene(tmp_path, script, most_s)
        if meanwhile is not None:
            await meanwhile(made)
        async with asyncio.timeout(60):
            await made.load.ended()
        return made

    return asyncio.run(scene())


def began(tell, run_id):
    tell(RunBegan(run_id, environment("nowhere"), PLAN))


async def to_the_end(control, tell, run_id):
    began(tell, run_id)
    tell(StageBegan(0))
    made = result(run_id=run_id)
    tell(RunEnded(made))
    return made


async def until_stopped(control, tell, run_id):
    began(tell, run_id)
    while not control.halted:
        await asyncio.sleep(0.001)
    return result(run_id=run_id, interrupted=True)


def test_a_run_that_ends_well_is_told_and_kept(tmp_path):
    made = play(tmp_path, to_the_end)
    assert made.kinds == ["RunBegan", "StageBegan", "RunEnded"]
    assert made.kept == ["result.json", "target.log"]
    assert made.told[-1]["result"] == msgspec.json.decode((made.folder.path / "result.json").read_bytes())


def test_one_that_cannot_begin_says_why_and_leaves_no_folder(tmp_path):
    async def script(*_):
        raise TargetError("it cannot be reached")

    made = play(tmp_path, script)
    (said,) = made.told
    assert said.pop("run_id") == made.folder.run_id
    assert said == {"type": "Refused", "sentence": "it cannot be reached", "exit": Exit.TARGET}
    assert not made.folder.path.exists()


def test_one_that_crashed_keeps_what_was_measured_and_the_error(tmp_path):
    async def script(control, tell, run_id):
        began(tell, run_id)
        return result(run_id=run_id, failure="Traceback: …")

    made = play(tmp_path, script)
    assert made.kept == ["error.txt", "result.json", "target.log"]
    assert made.told[-1]["result"]["failure"] == "Traceback: …"


def test_a_crash_that_nobody_foresaw_is_said_and_logged_and_the_agent_is_free(tmp_path, caplog):
    async def script(*_):
        raise ZeroDivisionError

    made = play(tmp_path, script)
    assert made.told[-1]["exit"] == Exit.INTERNAL
    assert "ZeroDivisionError" in caplog.text
    assert made.load.over


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TargetError("it cannot be stopped"), "it cannot be stopped"),
        (MemoryError(), "memory ran out"),
        (ZeroDivisionError(), "an error of loadlab's own"),
    ],
    ids=repr,
)
def test_an_error_after_a_stage_costs_no_stage_that_had_ended(tmp_path, error, why):
    async def script(control, tell, run_id):
        began(tell, run_id)
        tell(StageEnded(0, stage(label="8")))
        raise error

    made = play(tmp_path, script)
    kept = run_folder.read(made.folder.path)
    assert [each.label for each in kept.stages] == ["8"]
    assert (kept.verdict, kept.failure is not None) == ("invalid", isinstance(error, ZeroDivisionError))
    assert why in kept.checks[0].message
    assert made.kinds[-1] == "RunEnded"


def test_an_error_after_the_last_event_is_nothing_to_the_result(tmp_path):
    async def script(control, tell, run_id):
        await to_the_end(control, tell, run_id)
        raise TargetError("it cannot be stopped")

    made = play(tmp_path, script)
    assert run_folder.read(made.folder.path).verdict == "pass"


def test_a_stop_before_its_first_turn_is_heard(tmp_path):
    async def stop(scene):
        scene.load.stop()

    made = play(tmp_path, to_the_end, stop)
    assert made.kinds == ["Refused"]
    assert made.told[-1]["exit"] == Exit.INTERRUPTED


def test_a_stop_before_the_load_begins_gives_it_up(tmp_path):
    async def script(*_):
        await asyncio.sleep(60)

    async def stop(scene):
        await asyncio.sleep(0.01)
        scene.load.stop()

    assert play(tmp_path, script, stop).kinds == ["Refused"]


def test_a_stop_while_it_runs_drains_and_keeps(tmp_path):
    async def stop(scene):
        while "RunBegan" not in scene.kinds:
            await asyncio.sleep(0.001)
        scene.load.stop()

    made = play(tmp_path, until_stopped, stop)
    assert made.kinds == ["RunBegan", "RunEnded"]
    assert not made.control.quitted
    assert "result.json" in made.kept


def test_a_load_that_goes_on_for_too_long_is_stopped_as_by_a_person_and_says_why(tmp_path):
    made = play(tmp_path, until_stopped, most_s=0.2)
    assert made.kinds == ["RunBegan", "Noted", "RunEnded"]
    assert "the longest that the agent lets a run take" in made.told[1]["sentence"]
    assert made.told[-1]["result"]["interrupted"] is True
    assert not made.control.quitted
    assert "result.json" in made.kept


def test_one_that_is_over_or_draining_by_then_hears_nothing_of_it(tmp_path):
    async def wait(scene):
        await asyncio.sleep(0.6)

    async def drain(control, tell, run_id):
        began(tell, run_id)
        control.stop()
        await asyncio.sleep(0.4)
        return result(run_id=run_id, interrupted=True)

    assert "Noted" not in play(tmp_path, to_the_end, wait, most_s=0.5).kinds
    made = play(tmp_path, drain, most_s=0.2)
    assert "Noted" not in made.kinds
    assert not made.control.quitted


def seen(scene):
    """A scraper that has just scraped."""
    scene.metrics.expose()


async def scraping(scene):
    """Scrape for as long as the run goes on."""
    seen(scene)
    while not scene.load.over:
        scene.metrics.expose()
        await asyncio.sleep(0.005)


def test_where_somebody_scrapes_the_load_waits_for_it_before_and_after(tmp_path):
    order = []

    async def script(control, tell, run_id):
        order.append("load")
        return await to_the_end(control, tell, run_id)

    async def scrape(scene):
        seen(scene)
        await asyncio.sleep(0.02)
        assert (order, scene.kinds) == ([], [])
        scene.metrics.expose()
        while "StageBegan" not in scene.kinds:
            await asyncio.sleep(0.001)
        assert order == ["load"]
        assert scene.kinds == ["RunBegan", "StageBegan"]
        scene.metrics.expose()

    made = play(tmp_path, script, scrape)
    assert made.kinds[-1] == "RunEnded"
    assert made.told[-1]["result"]["checks"] == []


def test_a_scraper_that_has_gone_is_noted_and_no_scrape_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(one_run, "SCRAPE_WITHIN_S", 0.02)

    async def scene(made):
        seen(made)

    made = play(tmp_path, to_the_end, scene)
    assert made.kinds == ["RunBegan", "Noted", "StageBegan", "Noted", "RunEnded"]
    [check] = made.told[-1]["result"]["checks"]
    assert (check["name"], check["outcome"], check["actual"]) == ("scraped", CheckOutcome.UNTESTABLE, 2)
    assert "before the load began" in check["message"]


def test_where_nobody_scrapes_nothing_is_waited_for_and_nothing_said(tmp_path):
    made = play(tmp_path, to_the_end)
    assert made.told[-1]["result"]["checks"] == []


def test_a_stop_while_it_waits_for_the_first_scrape_gives_it_up(tmp_path):
    async def stop(scene):
        seen(scene)
        await asyncio.sleep(0.01)
        scene.load.stop()

    assert play(tmp_path, to_the_end, stop).kinds == ["Refused"]


def test_a_stop_while_it_waits_for_the_last_scrape_ends_the_waiting(tmp_path):
    async def stop(scene):
        seen(scene)
        await asyncio.sleep(0.01)
        scene.metrics.expose()
        while "StageBegan" not in scene.kinds:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        scene.load.stop()

    made = play(tmp_path, to_the_end, stop)
    assert made.kinds[-1] == "RunEnded"
    assert made.told[-1]["result"]["verdict"] == "pass"


def test_a_disk_that_refuses_is_told_and_the_result_reaches_who_follows(tmp_path, monkeypatch):
    async def script(control, tell, run_id):
        began(tell, run_id)
        return result(run_id=run_id)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("loadlab.results.run_folder.write_whole", full)
    made = play(tmp_path, script)
    assert made.kinds == ["RunBegan", "Noted", "RunEnded"]
    assert "No space left on device" in made.told[1]["sentence"]


def test_after_any_end_the_metrics_say_idle(tmp_path):
    async def script(*_):
        raise TargetError("away")

    for each in (script, to_the_end):
        text = play(tmp_path, each).metrics.expose()[0].decode()
        [line] = [line for line in text.splitlines() if "run_state{" in line and line.endswith(" 1.0")]
        assert 'state="idle"' in line


def null_plan(**changed):
    return plan(transport="null", target="http://null/", requests=(Request(url="http://null/"),), **changed)


def runs(tmp_path):
    return Runs(nowhere(None), tmp_path / "results", Metrics())


def test_there_is_one_load_at_a_time_and_the_second_hears_whose_it_is(tmp_path):
    async def scene():
        agent = runs(tmp_path)
        first = agent.start(PostedRun(plan=null_plan()), Limits())
        with pytest.raises(BusyError, match=f"{first.run_id} is under way") as busy:
            agent.start(PostedRun(plan=null_plan()), Limits())
        assert busy.value.run_id == first.run_id
        first.stop()
        await first.ended()
        second = agent.start(PostedRun(plan=null_plan()), Limits())
        second.stop()
        await second.ended()

    asyncio.run(scene())


def test_an_agent_that_ends_starts_nothing_any_more(tmp_path):
    async def scene():
        agent = runs(tmp_path)
        await agent.close()
        with pytest.raises(UsageError, match="about to end"):
            agent.start(PostedRun(plan=null_plan()), Limits())

    asyncio.run(scene())


def test_a_run_that_is_given_up_ends_at_once_and_a_named_one_keeps_nothing_here(tmp_path):
    async def scene():
        agent = runs(tmp_path)
        made = agent.start(PostedRun(plan=null_plan()), None, "r")
        made.give_up()
        async with asyncio.timeout(10):
            await made.ended()
        made.give_up()
        assert not (tmp_path / "results").exists()

    asyncio.run(scene())


def test_a_run_that_requests_end_is_stopped_at_the_most_that_its_limits_allow(tmp_path):
    counted = msgspec.structs.replace(
        null_plan(),
        stages=(Stage(concurrency=1, requests=1_000_000),),
        duration_ns=None,
        drain_ns=NS_PER_S,
        target="http://null/?delay=5ms",
    )

    async def scene():
        agent = runs(tmp_path)
        made = agent.start(
            PostedRun(plan=counted), Limits(seconds=5)
        )  # a busy machine needs some to start a worker
        async with asyncio.timeout(60):
            await made.ended()
        [event] = [msgspec.json.decode(message.data) for message in agent.event_log.latest.after(0)][-1:]
        assert event["result"]["interrupted"] is True
        assert event["result"]["stages"][0]["counts"]["ok"] < 1_000_000

    asyncio.run(scene())
