"""A client that is made the bottleneck on purpose is found out, and for the right reason."""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.events import Tick
from loadlab.results.result import State, Verdict, decode
from loadlab.targets.local import LocalHost
from loadlab.targets.no_target import NoTarget
from loadlab.targets.sink import SinkHost
from loadlab.workload.plan import Stage, WhenFull
from loadlab.workload.traits import Workload
from support.live import MS, PATIENCE_S, failed, plan_for, run_plan, until, users_of, wait_until, workers_of

pytestmark = [pytest.mark.real, pytest.mark.timed]

TESTS = Path(__file__).parents[1]
SHORT = {"duration_ns": 1_500 * MS, "warmup_ns": 300 * MS}
FULL = {"client_cpu", "client_core"}
"""On a machine that is shared with others a full loop may have to wait for its core, too."""


def is_invalid_for(result, *reasons):
    """Assert that the one stage is INVALID, and that each of these is among the reasons; return them all."""
    (stage,) = result.stages
    found = failed(result)
    assert result.verdict is Verdict.INVALID, found
    assert stage.state is State.INVALID
    for reason in reasons:
        assert reason in found
        assert reason in {finding.name for finding in stage.findings}
    return found


def test_a_loop_that_is_full_is_found_and_told_what_to_do(tmp_path):
    result = run_plan(users_of("task", 64, **SHORT), tmp_path, host=SinkHost()).result
    found = is_invalid_for(result)
    (reason,) = FULL & set(found)
    if reason == "client_cpu":
        assert "one event loop is at" in found[reason].message
        assert "--transport wire" in found[reason].message


def test_a_loop_that_is_full_for_a_third_of_a_second_is_found_too(tmp_path):
    plan = users_of("callback", 64, 350 * MS, transport="null")
    found = is_invalid_for(run_plan(plan, tmp_path, host=NoTarget(None)).result)
    assert FULL & set(found)


def burdened(*words):
    run = subprocess.run(
        [sys.executable, str(TESTS / "support" / "burdened.py"), *words],
        stdout=subprocess.PIPE,
        check=True,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(TESTS), *sys.path]))},
    )
    return decode(run.stdout)


def test_five_thousand_a_second_with_a_millisecond_of_work_each_are_too_many_for_one_loop():
    result = burdened("aiohttp", "open")
    found = is_invalid_for(result)
    assert FULL & set(found)
    assert {"lag", "sent"} & set(found)
    (stage,) = result.stages
    assert stage.counts.scheduled == stage.due == 7_500


@pytest.mark.quick
@pytest.mark.parametrize("scenario", ["task", "callback"])
def test_work_in_the_loop_is_found_without_any_network(scenario):
    assert FULL & set(is_invalid_for(burdened("null", "closed", scenario)))


@contextlib.contextmanager
def busy(core):
    """A process that keeps a core busy."""
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        os.sched_setaffinity(burner.pid, {core})
        yield
    finally:
        burner.kill()
        burner.wait()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores can't be chosen here")
def test_a_core_that_is_shared_with_a_busy_process_is_found(tmp_path):
    core = max(os.sched_getaffinity(0))

    async def pin(_events, _target):
        (worker,) = await until(lambda: workers_of(os.getpid()))
        for thread in await until(lambda: list(Path(f"/proc/{worker}/task").iterdir())):
            os.sched_setaffinity(int(thread.name), {core})
        await asyncio.sleep(60)

    with busy(core):
        plan = users_of("task", 64, 2_500 * MS, warmup_ns=500 * MS)
        result = run_plan(plan, tmp_path, host=SinkHost(), meanwhile=pin).result
    found = is_invalid_for(result, "client_core")
    assert "runs on the client's cores" in found["client_core"].message
    assert result.stages[0].client.waited_ratio[0] > 0.2


@pytest.mark.parametrize("when_full", list(WhenFull))
def test_a_client_that_stands_still_is_late_though_its_one_place_is_taken_then(tmp_path, when_full):
    """What was due meanwhile finds the place taken by the first request: that is not the limit's doing."""

    async def stand_still(events, _target):
        await until(lambda: any(isinstance(event, Tick) and event.finished for event in events))
        (worker,) = workers_of(os.getpid())
        os.kill(worker, signal.SIGSTOP)
        try:
            await asyncio.sleep(0.5)
        finally:
            os.kill(worker, signal.SIGCONT)
        await asyncio.sleep(60)

    plan = plan_for(
        "callback",
        transport="wire",
        workload=Workload.OPEN,
        stages=(Stage(rate_hz=200),),
        max_in_flight=1,
        when_full=when_full,
        duration_ns=3 * NS_PER_S,
    )
    found = is_invalid_for(run_plan(plan, tmp_path, meanwhile=stand_still, delay="2ms").result, "lag")
    assert "the client sent 1 % of requests over" in found["lag"].message


def client_run(tmp_path, host, preexec, *options):
    """Run `loadlab run task` in a process of its own, prepared by `preexec`; the target is none of that."""

    async def main():
        target = await host.start()
        try:
            client = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "loadlab", "run", "task", "--target", target.url, *options],
                *["--quiet", "--json", "--out", str(tmp_path / "results")],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=preexec,
                cwd=tmp_path,
            )
            printed, complaints = await client.communicate()
        finally:
            await host.stop()
        assert printed, complaints
        return client.returncode, decode(printed)

    return asyncio.run(main())


@pytest.mark.quick
def test_a_limit_of_open_files_that_is_reached_is_found(tmp_path):
    code, result = client_run(
        tmp_path,
        LocalHost(tmp_path / "target.log", {}),
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
        *["--rate", "300", "--max-in-flight", "1000", "--duration", "1500ms", "--path", "/?delay=2s"],
    )
    assert code == 3
    found = is_invalid_for(result, "open_files")
    assert "`ulimit -n`" in found["open_files"].message
    assert result.stages[0].counts.connect_error > 50


CGROUPS = Path("/sys/fs/cgroup")


def limit_to_a_fifth(group):
    """Make a CPU group that allows a fifth of a core, of whichever version of control groups is here."""
    if (CGROUPS / "cgroup.controllers").exists():
        (CGROUPS / "cgroup.subtree_control").write_text("+cpu")
        group.mkdir()
        (group / "cpu.max").write_text("20000 100000")
    else:
        group.mkdir()
        (group / "cpu.cfs_quota_us").write_text("20000")


@pytest.fixture
def throttled_group():
    """A CPU group that allows a fifth of a core; only who may make groups (root) has one."""
    controller = CGROUPS if (CGROUPS / "cgroup.controllers").exists() else CGROUPS / "cpu"
    group = controller / f"loadlab-test-{os.getpid()}"
    try:
        limit_to_a_fifth(group)
    except OSError as refused:
        pytest.skip(f"no CPU group can be made here: {refused}")
    yield group
    wait_until(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


def test_a_client_that_its_cpu_limit_holds_back_is_found(tmp_path, throttled_group):
    code, result = client_run(
        tmp_path,
        SinkHost(),
        lambda: (throttled_group / "cgroup.procs").write_text(str(os.getpid())),
        *["--concurrency", "32", "--duration", "2s"],
    )
    assert code == 3
    found = is_invalid_for(result, "client_throttled")
    assert "the client's CPU limit held it back" in found["client_throttled"].message
