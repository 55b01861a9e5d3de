"""When a worker's silence is its own: neither the parent nor the worker was short of a core."""

import os
import signal
import subprocess
import sys

import pytest

from loadlab.clock import NS_PER_MS
from loadlab.fleet.silence import Silence, wants_core
from support.live import processes, wait_until

MS = NS_PER_MS


def lasts_ms(looks_ms, *, ready=False):
    """Return the silence at the last of these looks."""
    silence = Silence(0)
    for look_ms in looks_ms:
        silence.look(look_ms * MS, lambda: ready)
    return silence.lasts_ns // MS


@pytest.mark.parametrize(
    ("looks_ms", "expected"),
    [
        ([50, 100, 150], 150),
        ([50, 5_000], 150),
        ([5_000, 5_050], 150),
        (range(50, 2_050, 50), 2_000),
    ],
    ids=["looked all the time", "had no core", "had none before", "for long"],
)
def test_a_parent_that_did_not_look_has_not_listened(looks_ms, expected):
    assert lasts_ms(looks_ms) == expected


def test_a_worker_that_wants_a_core_has_ten_times_as_long():
    assert lasts_ms(range(50, 2_050, 50), ready=True) == 500 + 150


def test_what_a_worker_says_breaks_its_silence():
    silence = Silence(0)
    silence.look(100 * MS, lambda: False)
    silence.reset()
    assert silence.look(150 * MS, lambda: False) == 50 * MS


@pytest.mark.real
def test_a_process_that_computes_is_ready_to_run_and_one_that_is_stopped_or_gone_is_not():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        wait_until(lambda: wants_core(child.pid))
        os.kill(child.pid, signal.SIGSTOP)
        wait_until(lambda: processes()[child.pid].state == "T")
        assert not wants_core(child.pid)
        child.kill()
    assert not wants_core(child.pid)
