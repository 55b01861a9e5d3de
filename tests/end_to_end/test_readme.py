"""The cheapest commands of README and the reference, run as they stand there."""

import re
import subprocess
import sys

import pytest

from support.labs import CARRIED, VERDICT
from support.live import PATIENCE_S
from support.readme import loadlab_commands

pytestmark = pytest.mark.real

BATCH = ("run", "task", "--workload", "batch", "--requests", "10,100")
DOCTOR = ("doctor", "--concurrency", "8")
SHOW = ("show", "results/run")


@pytest.fixture
def typed(tmp_path):
    def run(words):
        command = [sys.executable, "-m", "loadlab", *words]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    return run


def test_they_stand_there():
    assert {BATCH, DOCTOR, SHOW} <= set(loadlab_commands())


@pytest.mark.quick
def test_a_batch_prints_its_table_and_is_shown_again(typed, tmp_path):
    ran = typed(BATCH)
    assert ran.returncode in CARRIED, ran.stderr
    assert re.search(VERDICT, ran.stdout)
    (folder,) = (tmp_path / "results").iterdir()
    folder.rename(tmp_path / "results" / "run")
    shown = typed(SHOW)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.endswith(ran.stdout)


def test_the_doctor_says_what_it_sees(typed):
    examined = typed(DOCTOR)
    assert examined.returncode in (0, 2), examined.stderr
    assert examined.stdout.strip()
    assert examined.stderr == ""
