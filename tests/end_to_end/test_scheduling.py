"""Who gives way to whom on a core, as the kernel has it."""

import ctypes
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.events import Tick
from loadlab.system import scheduling
from support.live import run_plan, until, users_of, workers_of

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="only on Linux has each thread a priority of its own"),
]

KERNEL = tuple(map(int, platform.release().split(".")[:2]))
SCHED_GETATTR = {"x86_64": 315, "aarch64": 275}


def nice_of(thread_id):
    return os.getpriority(os.PRIO_PROCESS, thread_id)


def turn_ns(thread_id):
    """Return how long a turn of a thread is."""
    attr = scheduling._SchedAttr()
    size = ctypes.sizeof(attr)
    call = ctypes.CDLL(None).syscall
    assert call(SCHED_GETATTR[platform.machine()], thread_id, ctypes.byref(attr), size, 0) == 0
    return attr.runtime_ns


def in_a_thread(call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_that_gives_way_is_alone_in_it():
    before = nice_of(0)

    def inside():
        scheduling.lower_priority()
        return nice_of(0)

    assert in_a_thread(inside) == min(before + 10, 19)
    assert nice_of(0) == before
    assert in_a_thread(lambda: nice_of(0)) == before
    assert int(subprocess.check_output(["nice"])) == before, "nor does what is started afterwards give way"


@pytest.mark.skipif(KERNEL < (6, 12), reason="before Linux 6.12 there are no turns to ask for")
def test_short_turns_are_one_threads_and_no_matter_of_its_share():
    usual_ns, before = turn_ns(0), nice_of(0)

    def inside():
        scheduling.request_short_slice()
        return turn_ns(0), nice_of(0)

    assert in_a_thread(inside) == (100_000, before)
    assert turn_ns(0) == usual_ns


@pytest.mark.skipif(KERNEL < (6, 12), reason="before Linux 6.12 there are no turns to ask for")
def test_a_policy_that_somebody_has_chosen_stays():
    usual_ns = turn_ns(0)

    def inside():
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        scheduling.request_short_slice()
        return os.sched_getscheduler(0), turn_ns(0)

    assert in_a_thread(inside) == (os.SCHED_BATCH, usual_ns)


def test_where_nobody_may_give_way_a_thread_goes_on_as_it_is(monkeypatch):
    def refuse(_):
        raise PermissionError(1, "nice")

    monkeypatch.setattr(os, "nice", refuse)
    before = nice_of(0)
    scheduling.lower_priority()
    assert nice_of(0) == before


def threads_of(pid):
    return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]


def test_while_a_stage_loads_its_parent_gives_way_to_the_workers_and_its_caller_does_not(tmp_path):
    before = nice_of(0)
    seen = {}

    async def look(events, _):
        await until(lambda: any(isinstance(event, Tick) and event.in_flight for event in events))
        (worker,) = workers_of(os.getpid())
        seen["caller"] = nice_of(threading.main_thread().native_id)
        seen["parent"] = sorted(nice_of(each) for each in threads_of(os.getpid()))
        seen["worker"] = {nice_of(each) for each in threads_of(worker)}
        seen["turns"] = {turn_ns(each) for each in threads_of(worker)}

    plan = users_of("task", 2, 2 * NS_PER_S)
    run_plan(plan, tmp_path, meanwhile=look, delay="5ms")
    assert seen["caller"] == before
    assert seen["worker"] == {before}
    assert seen["parent"].count(min(before + 10, 19)) >= 2, "the thread that merges and the one that listens"
    if KERNEL >= (6, 12):
        assert 100_000 in seen["turns"]
        assert len(seen["turns"]) == 2, "its loop's are short, its reporter's are not"
    assert nice_of(0) == before
    assert int(subprocess.check_output(["nice"])) == before
