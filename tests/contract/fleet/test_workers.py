"""What every kind of worker does, by the protocol alone: see `loadlab.fleet.worker_handle`."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadlab.clock import MONOTONIC, NS_PER_S
from loadlab.fleet.messages import Ended, Failed, Go, Halt, Heartbeat, Quit, Ready, Report, encode
from loadlab.fleet.worker_handle import Gone
from loadlab.load.shard import Share
from loadlab.recording.sample import Outcome
from loadlab.recording.window import Window
from loadlab.workload.plan import Request, Stage
from loadlab.workload.traits import Workload
from support import namespaces, stage_command
from support.live import (
    MS,
    batch_of,
    descendants,
    is_gone,
    plan_for,
    processes,
    run_plan,
    until,
    users_of,
    wait_until,
)
from support.worker_kinds import KINDS
from support.worker_kinds import Stage as RunningStage

pytestmark = [pytest.mark.real, pytest.mark.quick]

LONG_NS = 60 * NS_PER_S
PATIENCE_S = 60.0
NULL = {"transport": "null", "target": "http://null/?delay=5ms"}


@pytest.fixture(params=list(KINDS))
def kind(request):
    """A kind of worker, of which nothing is left after the test."""
    found = KINDS[request.param]
    before = descendants(os.getpid())
    yield found
    assert not found.pids()
    left = descendants(os.getpid(), without=before)
    assert not {pid: each for pid, each in left.items() if "resource_tracker" not in each.command}


def run_stage(kind, plan, meanwhile=None):
    """Run a plan's stage with workers of this kind; return what was counted, and what its watcher saw."""
    stage = RunningStage(kind, plan)

    async def main():
        async with asyncio.timeout(PATIENCE_S):
            running = asyncio.create_task(stage.run())
            if meanwhile is not None:
                await meanwhile(stage)
            return await running

    return asyncio.run(main()), stage


def converse(kind, plan, *messages, until_first=Ready, shard=0, shards=1):
    """Start one worker, tell it all this after its first event of a kind, and return its events and clock.

    A message may be a function that makes it when it is due.
    """

    async def main():
        handle = kind.new_worker(plan)
        handle.start(Share(plan.stages[0], shard, shards))
        events, left = [], list(messages)
        try:
            async with asyncio.timeout(PATIENCE_S):
                async for event in handle.events():
                    events.append(event)
                    if left and any(isinstance(each, until_first) for each in events):
                        for message in left:
                            handle.tell(message() if callable(message) else message)
                        left.clear()
            return events, handle.clock
        finally:
            await handle.end()

    return asyncio.run(main())


def soon():
    return Go(MONOTONIC.now_ns() + 20 * MS)


async def loading(stage):
    """Wait until each worker has reported."""
    await until(lambda: any(live.upto_ns for live in stage.lives))


def test_the_workers_share_the_load_and_their_reports_add_up(kind):
    counts, stage = run_stage(kind, users_of("pool", 4, 1500 * MS, warmup_ns=100 * MS, **NULL))
    counted = counts.counted
    assert counts.lost == ()
    assert counted.sent == counted.finished == counted.answered > 100
    assert counted.count(Outcome.OK) == sum(counted.counts) == counted.latency.count
    assert stage.windows == [counts.window]
    assert counts.window.length_ns == 1500 * MS
    assert [part.ok > 0 for _, part in sorted(counted.slices.items())] == [True, True]
    assert len(counts.cpu_use) == 2
    assert all(0 < use.cpu_ratio < 1.5 for use in counts.cpu_use)
    assert counted.flight_samples > 10
    last = stage.lives[-1]
    assert (last.sent, last.finished, last.in_flight) == (counted.sent, counted.finished, 0)


@pytest.mark.parametrize("scenario", ["pool", "task"])
def test_an_open_schedule_is_kept_from_the_common_start_on(kind, scenario):
    plan = plan_for(
        scenario, workload=Workload.OPEN, stages=(Stage(rate_hz=200.0),), duration_ns=NS_PER_S, **NULL
    )
    counts, _ = run_stage(kind, plan)
    assert counts.lost == ()
    assert counts.counted.count(Outcome.OK) == sum(counts.counted.counts) == 200
    assert counts.counted.lag.max_ns < NS_PER_S, "a moment on another clock would be a day off"


def test_all_wait_for_one_that_is_late(kind):
    moments = []

    async def hold_one(stage):
        _, late = await until(lambda: len(kind.pids()) == 2 and kind.pids())
        os.kill(late, signal.SIGSTOP)
        await asyncio.sleep(1.5)
        assert not stage.windows
        moments.append(MONOTONIC.now_ns())
        os.kill(late, signal.SIGCONT)

    counts, _ = run_stage(kind, users_of("pool", 4, 300 * MS, **NULL), hold_one)
    assert counts.lost == ()
    assert counts.window.start_ns > moments[0]
    assert all(use.cpu_ratio for use in counts.cpu_use), "each has been loading"


def test_one_that_takes_for_ever_to_start_is_lost_and_the_others_go_on(kind, monkeypatch):
    monkeypatch.setattr("loadlab.fleet.supervisor.START_NS", 6 * NS_PER_S)

    async def hold_one(_stage):
        _, late = await until(lambda: len(kind.pids()) == 2 and kind.pids())
        os.kill(late, signal.SIGSTOP)

    counts, _ = run_stage(kind, users_of("pool", 4, 300 * MS, **NULL), hold_one)
    assert [lost.why for lost in counts.lost] == ["did not start in time"]
    assert counts.counted.count(Outcome.OK) > 10


@pytest.mark.parametrize(
    ("number", "why"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "has been silent: it is stopped or hangs")],
)
def test_one_that_dies_or_hangs_is_found_and_what_it_had_reported_is_kept(kind, number, why):
    async def hit_one(stage):
        await loading(stage)
        os.kill(kind.pids()[0], number)

    counts, _ = run_stage(kind, users_of("pool", 4, 5 * NS_PER_S, **NULL), hit_one)
    (lost,) = counts.lost
    assert lost.why == why
    assert 0 < lost.missing_ns < 5 * NS_PER_S
    assert counts.window.length_ns == 5 * NS_PER_S
    assert counts.counted.slices[4].ok > 0, "the other went on to the end"
    assert counts.counted.finished == sum(counts.counted.counts) == counts.counted.sent - lost.unknown


def test_one_that_raises_says_what(kind):
    counts, _ = run_stage(kind, users_of("task", 2, LONG_NS, transport="pigeon"))
    assert [lost.why for lost in counts.lost] == ["raised KeyError: 'pigeon'"]


def test_a_stage_ends_when_its_workers_are_told_to_halt(kind):
    async def halt(stage):
        await loading(stage)
        stage.control.stop()

    counts, _ = run_stage(kind, users_of("pool", 4, LONG_NS, **NULL), halt)
    assert (counts.halted, counts.stopped, counts.lost) == (True, True, ())
    assert counts.counted.sent == counts.counted.finished == sum(counts.counted.counts)
    assert sorted(counts.halted_ns) == [0, 1]
    begin_ns, end_ns = counts.window.start_ns, MONOTONIC.now_ns()
    assert all(begin_ns < halted_ns < end_ns for halted_ns in counts.halted_ns.values())


def test_who_is_told_to_quit_gives_up_what_is_in_flight(kind):
    slow = {**NULL, "target": "http://null/?delay=50s", "timeout_ns": LONG_NS, "drain_ns": LONG_NS}

    async def quit_at_once(stage):
        await until(lambda: any(live.in_flight for live in stage.lives))
        stage.control.stop()
        stage.control.stop()

    counts, _ = run_stage(kind, users_of("pool", 4, LONG_NS, **slow), quit_at_once)
    assert counts.lost == ()
    assert counts.counted.count(Outcome.UNFINISHED) == sum(counts.counted.counts) == 4


def test_what_is_told_before_it_is_ready_is_heard_after_its_task(kind):
    """The task is larger than what a pipe holds, so it is still on its way."""
    large = (Request(url=NULL["target"], method="POST", body=bytes(1 << 20)),)

    async def main():
        plan = users_of("task", 1, LONG_NS, requests=large, **NULL)
        handle = kind.new_worker(plan)
        handle.start(Share(plan.stages[0]))
        await asyncio.sleep(0.1)
        for message in (soon(), Quit()):
            handle.tell(message)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return [event async for event in handle.events()]
        finally:
            await handle.end()

    events = asyncio.run(main())
    assert isinstance(events[-2], Ended)
    assert isinstance(events[-1], Gone)


def test_its_last_event_says_that_it_is_gone(kind):
    events, _ = converse(kind, users_of("task", 1, 100 * MS, **NULL), soon)
    kinds = [type(event) for event in events if not isinstance(event, Heartbeat)]
    assert [*dict.fromkeys(kinds)] == [Ready, Report, Ended, Gone]
    assert events[-1].why.endswith("with exit code 0")


def test_telling_one_that_is_gone_and_ending_one_that_never_began_does_nothing(kind):
    async def main():
        plan = users_of("task", 1, LONG_NS, **NULL)
        await kind.new_worker(plan).end()
        handle = kind.new_worker(plan)
        handle.start(Share(plan.stages[0]))
        async for event in handle.events():
            if isinstance(event, Ready):
                os.kill(kind.pids()[0], signal.SIGKILL)
        handle.tell(Halt())
        await handle.end()
        return event

    assert asyncio.run(main()) == Gone("was killed by SIGKILL")


def test_one_that_is_ended_in_the_midst_of_its_load_is_killed_with_all_that_it_started(kind):
    async def main():
        plan = batch_of("pool-map", 4_000, target="http://127.0.0.1:9/")
        handle = kind.new_worker(plan)
        handle.start(Share(plan.stages[0]))
        async for event in handle.events():
            if isinstance(event, Ready):
                handle.tell(soon())
                break
        (worker,) = kind.pids()
        below = await until(lambda: len(descendants(worker)) > 2 and descendants(worker))
        await handle.end()
        return worker, *below

    pids = asyncio.run(main())
    wait_until(lambda: all(map(is_gone, pids)))


def test_every_moment_is_on_the_parents_clock(kind):
    from_ns = MONOTONIC.now_ns()
    begin = []

    def go():
        begin.append(soon().begin_ns)
        return Go(begin[0])

    events, _ = converse(kind, users_of("task", 2, 600 * MS, warmup_ns=100 * MS, **NULL), go)
    to_ns = MONOTONIC.now_ns()
    beats = [event.at_ns for event in events if isinstance(event, Heartbeat)]
    reports = [event for event in events if isinstance(event, Report)]
    assert beats == sorted(beats)
    assert reports
    for report in reports:
        counted = report.counted
        assert counted.window == Window(begin[0] + 100 * MS, begin[0] + 700 * MS)
        assert begin[0] < counted.last_answered_ns <= counted.last_done_ns <= report.upto_ns < to_ns
    assert from_ns < beats[0]
    assert beats[-1] < to_ns


def test_a_halt_is_on_the_parents_clock_too(kind):
    from_ns = MONOTONIC.now_ns()
    events, _ = converse(kind, users_of("task", 2, LONG_NS, **NULL), soon, Halt)
    (ended,) = [event for event in events if isinstance(event, Ended)]
    assert from_ns < ended.halted_ns < MONOTONIC.now_ns()


def test_the_clock_is_known_within_its_uncertainty(kind):
    if kind is KINDS["pipe"]:
        namespaces.need_clock()
    _, clock = converse(kind, users_of("task", 1, 100 * MS, **NULL), soon)
    assert abs(clock.offset_ns - kind.ahead_ns()) <= clock.uncertainty_ns < 100 * MS
    assert (clock.offset_ns > 0) is (kind is KINDS["pipe"])


def test_large_messages_come_through_in_both_directions(kind):
    """Task and last words are many times what a pipe holds; a report is more than it takes at one blow."""
    requests = (Request(url="http://127.0.0.1/", method="POST", body=os.urandom(1 << 20)),)
    name = "pigeon" * 100_000
    events, _ = converse(kind, users_of("task", 1, LONG_NS, transport=name, requests=requests))
    (failed,) = [event for event in events if isinstance(event, Failed)]
    assert failed.error == f"raised KeyError: '{name}'"

    delays = [f"http://null/?delay={1000 * 1.014**step:.0f}us" for step in range(480)]
    plan = batch_of("callback", 24_000, transport="null", requests=tuple(Request(url=url) for url in delays))
    events, _ = converse(kind, plan, soon)
    reports = [event for event in events if isinstance(event, Report)]
    assert sum(report.counted.count(Outcome.OK) for report in reports) == 24_000
    assert max(len(encode(report)) for report in reports) > select.PIPE_BUF


def started(kind, **options):
    """Start a command that runs a stage of this kind of worker; return it and its workers under load."""
    (name,) = [name for name, each in KINDS.items() if each is kind]
    process = subprocess.Popen(
        [sys.executable, str(Path(stage_command.__file__)), name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    workers = wait_until(lambda: len(kind.pids(process.pid)) == 2 and kind.pids(process.pid))
    return process, workers


@pytest.mark.parametrize("early", [True, False], ids=["while they start", "under load"])
def test_ctrl_c_of_a_terminal_is_the_parents_alone(kind, early):
    process, workers = started(kind)
    if not early:
        assert process.stdout.readline() == "loading\n"
        assert {pid: processes()[pid].group for pid in workers} == {pid: pid for pid in workers}
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    found = json.loads(out.splitlines()[-1])
    assert (found["lost"], found["stopped"]) == ([], True), err
    assert "Traceback" not in err
    assert early or found["finished"] > 0
    wait_until(lambda: all(map(is_gone, workers)))


def test_workers_end_themselves_when_their_parent_is_killed(kind):
    process, workers = started(kind)
    assert process.stdout.readline() == "loading\n"
    process.kill()
    process.communicate()
    wait_until(lambda: all(map(is_gone, workers)))


@pytest.mark.parametrize(
    "load",
    [
        {"workload": Workload.CLOSED, "stages": (Stage(concurrency=2), Stage(concurrency=6))},
        {"workload": Workload.OPEN, "stages": (Stage(rate_hz=80.0),)},
    ],
    ids=["closed", "open"],
)
def test_a_whole_run_counts_what_its_target_counts(kind, tmp_path, load):
    plan = plan_for("pool", duration_ns=1500 * MS, warmup_ns=300 * MS, **load)
    found = run_plan(plan, tmp_path, new_worker=kind.new_worker, delay="10ms")
    stages = found.result.stages
    assert found.result.failure is None
    assert found.grown["target_requests_total"] == sum(stage.sent_total for stage in stages) > 100
    assert [stage.target.requests_in_stage for stage in stages] == [stage.sent_total for stage in stages]
    for stage in stages:
        assert stage.counts.ok == stage.counts.scheduled > 0
        assert stage.window_ns == 1500 * MS
        assert stage.latency_ns.mean >= 10 * MS
        assert all(ratio is not None for ratio in stage.client.cpu_ratio)
    failed = {check.name for check in found.result.checks if check.outcome == "fail"}
    assert not failed & {"accounting", "answered", "workers", "target_count", "target_inside", "errors"}
