"""Workers that are lost: found in the midst of their load, told, and what the others measured is kept."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from loadlab.cli.run import exit_of
from loadlab.clock import NS_PER_S
from loadlab.errors import Exit
from loadlab.fleet import supervisor
from loadlab.fleet.stage_counts import stage_counts_of
from loadlab.results.events import Tick
from loadlab.results.result import CheckOutcome, State, Verdict
from loadlab.targets.no_target import NoTarget
from loadlab.workload.arrivals import Spacing
from loadlab.workload.plan import Request, Stage
from loadlab.workload.traits import Workload
from support.live import (
    MS,
    OWN_DOING,
    batch_of,
    descendants,
    is_gone,
    plan_for,
    run_plan,
    spawned_by,
    until,
    users_of,
    wait_until,
    workers_of,
)

pytestmark = pytest.mark.real

LONG_NS = 40 * NS_PER_S
FOUND_S = LONG_NS / 2 / NS_PER_S
"""On any machine; unit tests of `watched_worker` hold it to the two seconds that are meant."""
ENDLESS_NS = 600 * NS_PER_S
"""Of a load that must be ended: `run_plan` has far less patience."""
LEAST_LOOKS = 60
"""In two seconds: 200 are meant; a reporter that is not let in has about ten where turns are 50 to 150 µs."""


async def measuring(events, number=1):
    """Return this process's workers once load is under way and past its first report."""
    workers = await until(lambda: len(workers_of(os.getpid())) == number and workers_of(os.getpid()))
    await until(lambda: any(isinstance(event, Tick) and event.in_flight for event in events))
    await asyncio.sleep(1.3)
    assert workers_of(os.getpid()) == workers
    return workers


def loss_told(stage):
    """Return the finding of the one worker that was lost; other work may add findings of its own."""
    (finding,) = [each for each in stage.findings if each.name == "worker_lost"]
    assert not OWN_DOING & {each.name for each in stage.findings}
    return finding


class Loss:
    """Loses one worker by a signal, and remembers when and which."""

    def __init__(self, number, *, of=1):
        self.number = number
        self.of = of
        self.at_s = 0.0
        self.pids = {}

    async def __call__(self, events, _target):
        workers = await measuring(events, self.of)
        self.pids = descendants(workers[0]) | {workers[0]: None}
        self.at_s = time.monotonic()
        os.kill(workers[0], self.number)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "has been silent")]
)
def test_a_worker_that_is_killed_or_stopped_is_found_in_the_midst_of_its_load_and_cleaned_up(
    tmp_path, number, why
):
    loss = Loss(number)
    found = run_plan(users_of("task", 4, LONG_NS), tmp_path, meanwhile=loss, delay="20ms")
    assert time.monotonic() - loss.at_s < FOUND_S
    stage = found.stage
    assert stage.state is State.INVALID
    assert why in loss_told(stage).message
    assert stage.missing_shard_ns > 4 * NS_PER_S
    assert stage.counts.ok > 20, "what it had reported is kept"
    assert found.result.verdict is Verdict.INVALID
    assert exit_of(found.result) is Exit.INVALID
    wait_until(lambda: all(is_gone(pid) for pid in loss.pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_the_others_measured_is_kept_to_the_end(tmp_path, number):
    loss = Loss(number, of=2)
    plan = users_of("pool", 4, 4 * NS_PER_S, processes=2)
    stage = run_plan(plan, tmp_path, meanwhile=loss, delay="20ms").stage
    assert stage.state is State.INVALID
    assert loss_told(stage)
    assert stage.window_ns == 4 * NS_PER_S
    assert [each.count > 0 for each in stage.slices] == [True] * 4
    assert 1.5 < stage.slices[-1].in_flight < 2.5, "two of four go on"
    assert 0 < stage.missing_shard_ns < 4 * NS_PER_S
    assert stage.counts.scheduled == stage.counts.ok


@pytest.mark.parametrize("spacing", Spacing)
def test_the_rest_of_a_lost_shards_schedule_is_unfinished_and_everything_due_has_an_outcome(
    tmp_path, spacing
):
    plan = plan_for(
        "pool",
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=100.0),),
        spacing=spacing,
        duration_ns=4 * NS_PER_S,
        warmup_ns=200 * MS,
        processes=2,
    )
    found = run_plan(plan, tmp_path, meanwhile=Loss(signal.SIGKILL, of=2), delay="20ms")
    lost = loss_told(found.stage)
    (number,) = re.findall(r"worker (\d) was killed by SIGKILL: [0-3]\.\d s of its load", lost.message)
    of_lost, of_other = (
        plan.arrivals(plan.stages[0]).due_of(shard, 2, 200 * MS, 4_200 * MS, plan.seed)
        for shard in (int(number), 1 - int(number))
    )
    counts = found.stage.counts
    assert found.stage.due == counts.scheduled == counts.ok + counts.unfinished == of_lost + of_other
    assert 0 < counts.unfinished < of_lost, "what it had reported is kept"
    assert counts.ok > of_other, "the other carried its shard to the end"
    assert found.stage.latency_ns.p99 is None, "of so many nobody knows how long they took"

    checks = {check.name: check for check in found.result.checks}
    assert checks["accounting"].outcome is CheckOutcome.PASS
    assert checks["workers"].outcome is CheckOutcome.FAIL
    assert checks["workers"].message.startswith("a client worker was lost, so part of the load is unknown")
    assert [(checks[name].outcome, checks[name].message) for name in ("schedule", "sent")] == [
        (CheckOutcome.UNTESTABLE, "a worker was lost")
    ] * 2
    assert (found.stage.state, found.result.verdict) == (State.INVALID, Verdict.INVALID)
    assert exit_of(found.result) is Exit.INVALID


def test_a_worker_that_raises_makes_the_stage_invalid_with_the_error_in_a_sentence(tmp_path):
    """A plan that no command would make: its transport is none. The worker meets that first."""
    found = run_plan(users_of("task", 2, ENDLESS_NS, transport="pigeon"), tmp_path)
    finding = loss_told(found.stage)
    assert "worker 0 raised KeyError: 'pigeon'" in finding.message
    assert found.stage.state is State.INVALID
    assert exit_of(found.result) is Exit.INVALID


@pytest.mark.parametrize("name", ["threads", "task"])
def test_a_worker_that_raises_in_the_midst_of_its_load_is_found_at_once(tmp_path, name):
    """A request that can't be written, after many that can: no command would make it either."""
    good = Request(url="http://127.0.0.1/", weight=60.0)
    bad = Request(url="http://127.0.0.1/", headers=(("X", "a\r\nb"),))
    found = run_plan(users_of(name, 2, ENDLESS_NS, requests=(good, bad)), tmp_path, delay="5ms")
    assert "raised" in loss_told(found.stage).message
    assert found.stage.state is State.INVALID


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (signal.SIGKILL, "a process of the pool died with exit code -9"),
        (signal.SIGSTOP, "a process of the pool is stopped"),
    ],
)
def test_a_process_of_the_pool_that_dies_or_stops_does_not_let_the_map_hang(tmp_path, number, told):
    async def hit_one(_events, _target):
        (worker,) = await until(lambda: workers_of(os.getpid()))
        pool = await until(lambda: len(spawned_by(worker)) >= 3 and spawned_by(worker))
        await asyncio.sleep(0.7)
        os.kill(pool[-1], number)

    plan = batch_of("pool-map", 4000, processes=2, timeout_ns=ENDLESS_NS, drain_ns=ENDLESS_NS)
    found = run_plan(plan, tmp_path, meanwhile=hit_one, delay="300ms")
    assert told in loss_told(found.stage).message
    assert found.stage.state is State.INVALID


def test_a_pool_works_where_the_temporary_folder_has_a_path_too_long_for_a_socket(tmp_path, monkeypatch):
    folder = tmp_path / ("d" * 120)
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))

    stage = run_plan(batch_of("pool-map", 10), tmp_path, delay="5ms").stage
    assert (stage.counts.scheduled, stage.counts.ok) == (10, 10)


def test_a_lost_worker_of_a_batch_leaves_numbers_that_make_sense(tmp_path):
    """Nothing was answered before it was lost: the window is still as long as what was seen."""
    loss = Loss(signal.SIGKILL)
    stage = run_plan(batch_of("task", 6), tmp_path, meanwhile=loss, delay="8s").stage
    assert stage.state is State.INVALID
    assert stage.counts.ok == 0
    assert stage.window_ns > NS_PER_S
    assert stage.in_flight_mean <= 6
    assert stage.missing_shard_ns > 0


@pytest.mark.timed
@pytest.mark.parametrize(
    ("scenario", "users"),
    [
        ("callback", 1),
        ("callback", 20),
        ("callback", 50),
        ("callback", 100),
        ("callback", 1000),
        ("task", 100),
    ],
)
def test_a_loop_that_never_sleeps_is_heard_however_long_its_turns_are(tmp_path, monkeypatch, scenario, users):
    """The reporter of a loop that is always busy gets the interpreter: the run is full, and not lost."""
    looks = []

    def seen(members, counted, *given, **named):
        looks.append(counted.flight_samples)
        return stage_counts_of(members, counted, *given, **named)

    monkeypatch.setattr(supervisor, "stage_counts_of", seen)
    plan = users_of(scenario, users, 2 * NS_PER_S, transport="null")
    stage = run_plan(plan, tmp_path, host=NoTarget(None)).stage
    assert not {"worker_lost"} & {finding.name for finding in stage.findings}
    assert stage.missing_shard_ns == 0
    assert stage.counts.ok == stage.counts.scheduled > 10_000
    assert looks[0] > LEAST_LOOKS


def resident_bytes(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_worker_takes_no_more_memory_for_more_requests(tmp_path):
    sizes = []

    async def weigh(events, _target):
        (worker,) = await measuring(events)
        for _ in range(5):
            sizes.append(resident_bytes(worker))
            await asyncio.sleep(0.5)

    found = run_plan(users_of("task", 8, 4 * NS_PER_S), tmp_path, meanwhile=weigh, delay="0ms")
    assert found.stage.counts.ok > 500
    assert len(sizes) == 5
    assert max(sizes) - sizes[0] < 4 << 20


@pytest.mark.quick
def test_the_live_view_and_the_result_are_the_same_sums(tmp_path):
    found = run_plan(users_of("pool", 4, 1500 * MS, processes=2), tmp_path, delay="20ms")
    ticks = [event for event in found.events if isinstance(event, Tick)]
    assert ticks[-1].finished == found.stage.sent_total
    assert ticks[-1].in_flight == 0
    assert ticks[-1].p99_ns == found.stage.latency_ns.p99
    assert [tick.finished for tick in ticks] == sorted(tick.finished for tick in ticks)


def test_no_process_is_left_after_a_run(tmp_path):
    before = descendants(os.getpid())
    run_plan(users_of("pool", 4, 300 * MS, processes=2), tmp_path, delay="5ms")
    run_plan(batch_of("pool-map", 10), tmp_path, delay="5ms")
    assert workers_of(os.getpid()) == []

    def left():
        """Return what is still there, multiprocessing's own helper apart."""
        new = descendants(os.getpid(), without=before)
        return {pid: each for pid, each in new.items() if "resource_tracker" not in each.command}

    wait_until(lambda: not left())


def test_a_target_that_dies_shortly_before_the_end_is_lost_too(tmp_path):
    async def kill_late(events, _target):
        def late():
            return any(isinstance(event, Tick) and event.fraction > 0.6 for event in events)

        await until(late)
        for pid, each in descendants(os.getpid()).items():
            if "loadlab_target" in each.command:
                os.kill(pid, signal.SIGKILL)

    found = run_plan(
        users_of("task", 2, 2 * NS_PER_S, think_ns=20 * MS), tmp_path, meanwhile=kill_late, delay="20ms"
    )
    assert found.stage.counts.ok > 0
    assert "the target ended" in found.result.target_lost
    assert exit_of(found.result) is Exit.TARGET
