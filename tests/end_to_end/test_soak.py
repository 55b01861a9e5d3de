"""The soak of `make soak`, its fuzzers included, for some seconds."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.real

BENCH = Path(__file__).parents[2] / "bench"


def soak(*words):
    done = subprocess.run(
        [sys.executable, BENCH / "soak.py", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("transport", "part"), [("wire", "0.01"), ("aiohttp", "0.004"), ("requests", "0.01")]
)
def test_every_request_to_a_server_that_misbehaves_is_accounted_for(transport, part, tmp_path):
    told = soak("--only", transport, "--part", part, "--runs", "2", "--json", tmp_path / "soak.json")
    found = json.loads((tmp_path / "soak.json").read_text())["soak"]
    assert set(re.findall(r"(\d+) unaccounted for", told)) == {"0"}
    for sums in found.values():
        assert sums["problems"] == []
        assert sums["outcomes"]["ok"]
        assert sums["outcomes"]["protocol_error"]


@pytest.mark.parametrize("loss", ["SIGKILL", "SIGSTOP"])
def test_a_lost_worker_leaves_no_request_that_is_told_twice_or_not_at_all(loss, tmp_path):
    soak("--only", "wire", "--part", "0.02", "--runs", "1", "--lose", loss, "--json", tmp_path / "soak.json")
    found = json.loads((tmp_path / "soak.json").read_text())["soak"]["wire, misbehaves"]
    assert found["problems"] == []
    assert found["lost"][loss] >= 1


def test_the_agent_answers_whatever_it_is_asked(tmp_path):
    assert "requests, answered" in soak("--only", "api", "--part", "0.01", "--json", tmp_path / "soak.json")
