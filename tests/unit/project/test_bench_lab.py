"""The bench's own count of what the lab did: it is nginx's, or the bench ends."""

import json

import lab
import pytest
from pinned import Ran

RAN = Ran("", 0.0, [])
COUNTS = {"scheduled": 100, "ok": 90, "dropped": 4, "timeout": 6}
STAGE = {"sent_total": 96, "lag_ns": {"p99": 250_000}, "counts": COUNTS}


@pytest.fixture
def asked(monkeypatch):
    """What was run, in place of running it: each run sends 96 requests, of which nginx sees `served`."""
    runs = []

    def of(served):
        readings = iter([1_000, 1_000 + 1 + served])
        monkeypatch.setattr(lab, "served", lambda _url: next(readings))
        monkeypatch.setattr(lab, "run", lambda *words, **_: runs.append(words) or (RAN, STAGE))
        return runs

    return of


def test_an_open_load_tells_what_was_dropped_and_what_failed(asked):
    runs = asked(96)
    found = lab.poisson("wire", "http://nginx/", 20_000, 3)
    assert found == {"lag_p99_ms": 0.25, "dropped": 4, "failed": 6}
    ((scenario, transport, seconds, options),) = runs
    assert (scenario, transport, seconds) == ("callback", "wire", 3)
    assert options[options.index("--target") + 1] == "http://nginx/"


def test_an_open_load_that_nginx_counts_otherwise_ends_the_bench(asked):
    asked(95)
    with pytest.raises(SystemExit, match="nginx served 95, the lab sent 96"):
        lab.poisson("wire", "http://nginx/", 20_000, 3)


def test_without_a_target_nobody_else_counts(asked):
    runs = asked(0)
    assert lab.poisson("null", None, 20_000, 3)["failed"] == 6
    assert "--target" not in runs[0][3]


@pytest.fixture
def ended(monkeypatch):
    """Have a run end with this code, in place of running it."""

    def of(code):
        ran = Ran(json.dumps({"stages": [STAGE]}), 0.0, [], code, "the target is gone")
        monkeypatch.setattr(lab, "pinned", lambda *_, **__: ran)

    return of


@pytest.mark.parametrize("code", [0, 3])
def test_a_run_that_passed_or_whose_client_was_the_limit_is_taken(ended, code):
    ended(code)
    assert lab.run("callback", "null", 1, [])[1] == STAGE


@pytest.mark.parametrize("code", [1, 2, 4, 130, -9])
def test_a_run_that_ended_in_any_other_way_ends_the_bench_although_it_has_figures(ended, code):
    ended(code)
    with pytest.raises(SystemExit, match=f"loadlab run callback ended with {code}: the target is gone"):
        lab.run("callback", "null", 1, [])
