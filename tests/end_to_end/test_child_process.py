"""A host's child: its loss has a sentence, its input's end stops it, and firmness what does not go."""

import asyncio
import sys
import time

import pytest

from loadlab.targets.child_process import Child
from support.live import is_gone, wait_until

pytestmark = [pytest.mark.quick, pytest.mark.real]

WAITS = "import sys; sys.stdin.read()"
STUBBORN = "import time; print(flush=True); time.sleep(60)"


@pytest.fixture
def started(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = []

    def start(source):
        (tmp_path / "something.py").write_text(source)
        made.append(Child("thing", "-m", "something", stdout=-1, stderr=sys.__stderr__))
        return made[-1]

    yield start
    for child in made:
        child.process.kill()
        asyncio.run(child.stop(0))


def test_the_end_of_its_input_stops_it_and_stopping_twice_is_fine(started):
    child = started(WAITS)
    assert child.lost() is None
    asyncio.run(child.stop(10))
    asyncio.run(child.stop(10))
    assert child.exit_code() == 0


def test_one_that_does_not_go_is_killed_after_the_patience(started):
    child = started(STUBBORN)
    child.process.stdout.readline()
    begun_s = time.monotonic()
    asyncio.run(child.stop(0.1))
    assert time.monotonic() - begun_s < 10
    assert child.exit_code() == -9
    assert is_gone(child.process.pid)


def test_one_that_ended_is_lost_with_its_exit_code(started):
    child = started("raise SystemExit(5)")
    wait_until(child.lost)
    assert child.lost() == "the thing ended with exit code 5"
