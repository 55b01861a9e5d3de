"""The fuzzer of `bench/`, for a moment."""

import subprocess
import sys
from pathlib import Path

FUZZER = Path(__file__).parents[4] / "bench" / "fuzz_wire.py"


def test_mutated_responses_end_in_one_reply_each():
    done = subprocess.run(
        [sys.executable, FUZZER, "--count", "20000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20,000 streams" in done.stdout
