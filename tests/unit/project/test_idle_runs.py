"""What a series of default runs is summed up as."""

import pytest
from idle_runs import INVALID, SUSPECT, VALID, judged, line, summary

CHECK = {"stage": "8", "actual": 1.5, "limit": 1, "unit": "ms", "metric": "m", "operator": "<="}


def result(state="valid", verdict="pass", failed=()):
    checks = [{**CHECK, "name": name, "outcome": "fail", "message": f"why {name}"} for name in failed]
    checks.append({**CHECK, "name": "little", "outcome": "pass", "message": "it holds"})
    return {"verdict": verdict, "stages": [{"state": "valid"}, {"state": state}], "checks": checks}


@pytest.mark.parametrize(
    ("state", "verdict", "worth"),
    [
        ("valid", "pass", VALID),
        ("valid", "fail", VALID),
        ("suspect", "pass", SUSPECT),
        ("invalid", "invalid", INVALID),
        ("valid", "invalid", INVALID),
    ],
)
def test_a_run_is_worth_what_its_worst_stage_is(state, verdict, worth):
    assert judged("pool", result(state, verdict))["worth"] == worth


def test_each_reason_is_told_with_its_stage_and_figures():
    told = line(judged("pool", result("suspect", failed=["target_busy"])))
    assert "target_busy in stage 8 (1.5 against 1 ms): why target_busy" in told
    assert "little" not in told


def test_the_summary_counts_runs_and_reasons():
    runs = [judged("pool", result()), judged("pool", result("suspect", failed=["lag", "lag"]))]
    assert summary(runs).splitlines() == [
        "2 runs: 1 valid, 1 suspect, 0 INVALID",
        "  lag failed 2 times",
    ]
