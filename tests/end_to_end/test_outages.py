"""A target that goes away: the run goes on and says from when to when; with nothing left to load it ends."""

import asyncio
import time

import msgspec
import pytest

from loadlab.cli.run import exit_of
from loadlab.clock import NS_PER_S
from loadlab.errors import Exit
from loadlab.load.backing_off import AT_ONCE_NS, LONGEST_NS
from loadlab.results.events import StageBegan, Tick
from loadlab.targets.sink import SinkHost
from loadlab.targets.url import UrlHost
from loadlab.workload.plan import Stage, WhenFull
from loadlab.workload.traits import Workload
from support.live import MS, failed, plan_for, run_plan, sound, until, users_of
from support.outages import restartable

pytestmark = pytest.mark.real

WAYS = [
    ("task", "aiohttp"),
    ("task", "wire"),
    ("callback", "aiohttp"),
    ("callback", "wire"),
    ("threads", "requests"),
]
QUICK = {"timeout_ns": 800 * MS, "connect_timeout_ns": 800 * MS, "drain_ns": 1800 * MS}


def at(begin_s, act):
    """Act so long after the barrier, in a thread."""

    async def meanwhile(events, _target):
        await until(lambda: any(isinstance(event, Tick) for event in events))
        tick = next(event for event in events if isinstance(event, Tick))
        await asyncio.sleep(max(0.0, begin_s - tick.at_ns / NS_PER_S))
        await asyncio.to_thread(act)

    return meanwhile


def loaded(server, plan, tmp_path, meanwhile=None):
    return run_plan(plan, tmp_path, host=UrlHost(server.url), meanwhile=meanwhile)


def assert_as_long_as_it_was(outage, server, stage):
    """Hold what the client saw against the server's own account; either may have had no core for a while."""
    told_s = (outage.to_ns - outage.from_ns) / NS_PER_S
    slack_s = 0.1 + stage.client.loop_stall_max_ns / NS_PER_S
    assert server.away_s - slack_s <= told_s <= server.longest_pause_s + slack_s


def open_of(name, rate_hz, duration_ns, **changed):
    return plan_for(
        name,
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=rate_hz),),
        duration_ns=duration_ns,
        max_in_flight=1000,
        **changed,
    )


@pytest.mark.parametrize(("scenario", "transport"), WAYS)
def test_a_restart_under_closed_users_costs_few_requests_and_is_told(tmp_path, scenario, transport):
    plan = users_of(scenario, 4, 3 * NS_PER_S, transport=transport, **QUICK)
    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(1.0, lambda: server.be_away(1.0)))
    stage = found.stage

    assert found.result.target_lost is None
    (outage,) = stage.outages
    assert_as_long_as_it_was(outage, server, stage)
    assert stage.counts.errors <= stage.counts.ok
    assert outage.to_ns < stage.window_ns, "an answer came afterwards"
    assert stage.slices[-1].count > 0
    assert stage.client.backed_off_ns > 0
    assert "backed_off" in [finding.name for finding in stage.findings]
    assert "gave no answer for" in failed(found.result)["target_away"].message
    assert not {"client_cpu", "client_core"} & set(failed(found.result))


@pytest.mark.parametrize("away_s", [0.4, 2.0, 6.0])
def test_short_and_long_restarts_are_told_as_long_as_they_were(tmp_path, away_s):
    plan = users_of("callback", 8, round((away_s + 3) * NS_PER_S), transport="wire", **QUICK)
    with restartable(delay_s=0.001) as server:
        found = loaded(server, plan, tmp_path, at(1.0, lambda: server.be_away(away_s)))

    assert found.result.target_lost is None
    outage = max(found.stage.outages, key=lambda span: span.to_ns - span.from_ns)
    assert_as_long_as_it_was(outage, server, found.stage)
    waited_ns = found.stage.client.backed_off_ns
    unwaited_ns = 8 * (outage.to_ns - outage.from_ns) - waited_ns
    assert found.stage.counts.errors <= 8 * 10 + waited_ns / LONGEST_NS + max(0, unwaited_ns) / AT_ONCE_NS, (
        "after the first, each was waited for or came late"
    )


@pytest.mark.parametrize(
    ("scenario", "transport"), [("task", "aiohttp"), ("task", "wire"), ("callback", "wire")]
)
def test_a_restart_under_an_open_load_is_told_and_the_schedule_goes_on(tmp_path, scenario, transport):
    plan = open_of(scenario, 100.0, 3 * NS_PER_S, transport=transport, **QUICK)
    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(1.0, lambda: server.be_away(1.0)))

    assert found.result.target_lost is None
    (outage,) = found.stage.outages
    assert_as_long_as_it_was(outage, server, found.stage)
    assert found.stage.counts.scheduled == found.stage.due


@pytest.mark.parametrize(("scenario", "transport"), [("task", "wire"), ("threads", "requests")])
def test_a_target_that_hangs_for_a_while_is_told_too(tmp_path, scenario, transport):
    plan = users_of(scenario, 4, 4 * NS_PER_S, transport=transport, **QUICK)

    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(1.0, lambda: server.hang(1.0)))

    assert found.result.target_lost is None
    (outage,) = found.stage.outages
    assert (outage.to_ns - outage.from_ns) / NS_PER_S >= 0.7
    assert found.stage.counts.timeout > 0


@pytest.mark.parametrize("workload", ["closed", "open"])
def test_a_target_that_is_frozen_for_less_than_the_time_limit_is_told_as_standing_still(tmp_path, workload):
    host = SinkHost()
    pauses = []
    plan = users_of("task", 4, 4 * NS_PER_S, transport="wire")
    if workload == "open":
        plan = open_of("task", 100.0, 4 * NS_PER_S, transport="wire")

    async def pause(events, _target):
        await until(lambda: any(isinstance(event, Tick) and event.phase == "measuring" for event in events))
        pauses.append(await host.pause(1500 * MS))

    found = run_plan(plan, tmp_path, host=host, meanwhile=pause)

    (stall,) = found.stage.stalls
    paused_s = pauses[0].length_ns / NS_PER_S
    slack_s = 0.2 + found.stage.client.loop_stall_max_ns / NS_PER_S
    assert paused_s - slack_s <= (stall.to_ns - stall.from_ns) / NS_PER_S <= paused_s + slack_s
    assert "stalled for" in failed(found.result)["target_away"].message
    assert (found.stage.outages, found.stage.counts.errors) == ((), 0)


def test_a_target_that_stays_away_is_lost_after_its_stage_and_no_later_one_starts(tmp_path):
    plan = users_of("task", 2, 2 * NS_PER_S, **QUICK)
    plan = msgspec.structs.replace(plan, stages=(Stage(concurrency=2), Stage(concurrency=4)))
    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(1.0, server.go))

    assert len(found.result.stages) == 1
    assert [event.index for event in found.events if isinstance(event, StageBegan)] == [0]
    assert found.result.target_lost == f"{server.url} cannot be reached: Connection refused"
    assert exit_of(found.result) is Exit.TARGET
    assert found.stage.window_ns == 2 * NS_PER_S, "the stage itself goes on to its end"
    assert found.stage.outages[-1].to_ns == 2 * NS_PER_S


def test_a_target_that_comes_back_just_after_a_stage_is_loaded_by_the_next(tmp_path):
    plan = users_of("task", 2, NS_PER_S, **QUICK)
    plan = msgspec.structs.replace(plan, stages=(Stage(concurrency=2), Stage(concurrency=4)))
    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(0.6, lambda: server.be_away(0.9)))

    assert found.result.target_lost is None
    assert len(found.result.stages) == 2
    assert found.result.stages[1].counts.errors == 0


def test_a_run_that_shall_stop_when_its_target_is_lost_stops(tmp_path):
    plan = users_of("callback", 2, 30 * NS_PER_S, transport="wire", stop_when_lost_ns=NS_PER_S, **QUICK)
    with restartable() as server:
        found = loaded(server, plan, tmp_path, at(1.0, server.go))

    assert "no request was answered for" in found.result.target_lost
    assert exit_of(found.result) is Exit.TARGET
    assert found.stage.halted
    assert found.stage.counts.ok > 0
    assert found.stage.window_ns < 10 * NS_PER_S


def test_a_run_that_shall_stop_when_its_target_is_lost_stops_before_requests_that_hang_time_out(tmp_path):
    plan = users_of("task", 4, 20 * NS_PER_S, transport="wire", stop_when_lost_ns=NS_PER_S)
    host = SinkHost()

    async def freeze(events, _target):
        await until(lambda: any(isinstance(event, Tick) and event.phase == "measuring" for event in events))
        await host.pause(8 * NS_PER_S)

    found = run_plan(plan, tmp_path, host=host, meanwhile=freeze)

    assert "accepts connections and answers nothing; no request was answered for" in found.result.target_lost
    assert exit_of(found.result) is Exit.TARGET
    assert found.stage.window_ns < 7 * NS_PER_S, "nor are they waited for"


@pytest.mark.parametrize(("scenario", "transport"), WAYS)
def test_a_target_that_takes_no_further_connection_and_answers_is_not_lost(tmp_path, scenario, transport):
    """Its last connections are the client's: any other that asked it directly would be refused.

    None of them is closed, however late an answer or the next request is.
    """
    plan = users_of(
        scenario,
        2,
        6 * NS_PER_S,
        transport=transport,
        stop_when_lost_ns=NS_PER_S,
        idle_limit_ns=60 * NS_PER_S,
    )
    with restartable() as server:

        async def take_no_more(_events, _target):
            await until(lambda: server.accepted == 1 + 2 and server.answers > 2)
            server.take_no_more()

        found = loaded(server, plan, tmp_path, take_no_more)

    assert found.stage.client.connections_opened == 2
    assert found.result.target_lost is None
    assert sound(found.result)
    assert found.stage.counts.errors == 0
    assert found.stage.outages == ()


def test_a_healthy_run_makes_no_connection_but_its_users_and_one_at_the_start(tmp_path):
    plan = users_of("task", 3, 2 * NS_PER_S, stop_when_lost_ns=NS_PER_S, **QUICK)
    with restartable() as server:
        found = loaded(server, plan, tmp_path)
        accepted = server.accepted

    assert accepted == 1 + found.stage.client.connections_opened == 4


@pytest.mark.parametrize("when_full", WhenFull)
def test_an_open_load_of_a_target_that_is_gone_ends_on_the_clock(tmp_path, when_full):
    plan = open_of("task", 400.0, 2 * NS_PER_S, transport="wire", when_full=when_full, **QUICK)
    with restartable() as server:
        begun = time.monotonic()
        found = loaded(server, plan, tmp_path, at(0.3, server.go))
        took_s = time.monotonic() - begun

    assert found.stage.window_ns == 2 * NS_PER_S
    assert took_s < 15
    assert found.stage.counts.scheduled == found.stage.due == 800
