"""Ceilings: what ran out when one was found, a stage's share, and in which environment it holds."""

import pytest
from msgspec import structs

from loadlab.analysis.ceilings import ceiling, differences, named, with_ceiling
from loadlab.results.ceilings_file import Ceiling, Limit
from loadlab.results.result import Check, CheckOutcome
from loadlab.workload.plan import Request, Stage
from loadlab.workload.traits import Workload
from support.fakes import plan
from support.results import result, stage

HERE = result().environment
AT = "2026-11-23T12:00:00+00:00"


def check(name, outcome=CheckOutcome.FAIL):
    return Check(
        name=name,
        stage="32",
        metric="it",
        operator="<=",
        limit=0.9,
        actual=1.0,
        unit="cores",
        outcome=outcome,
        message="a sentence",
    )


def known(**changed):
    values = {
        "scenario": "task",
        "transport": "aiohttp",
        "processes": 1,
        "users": 32,
        "rate_hz": 8_000.0,
        "limit": Limit.CLIENT,
        "measured_at": AT,
    }
    return Ceiling(**values | changed)


@pytest.mark.parametrize(
    ("transport", "failed", "limit"),
    [
        ("aiohttp", ["client_cpu"], Limit.CLIENT),
        ("aiohttp", ["client_core"], Limit.CORES),
        ("aiohttp", ["client_throttled"], Limit.CORES),
        ("aiohttp", ["client_cpu", "client_stolen"], Limit.CORES),
        ("aiohttp", [], Limit.SINK),
        ("aiohttp", ["little"], Limit.SINK),
        ("null", [], Limit.CLIENT),
        ("null", ["client_core"], Limit.CORES),
    ],
)
def test_what_ran_out_is_what_the_run_s_own_checks_say(transport, failed, limit):
    checks = [*map(check, failed), check("lag"), check("client_core", CheckOutcome.PASS)]
    measured = stage(concurrency=32, throughput_hz=7_500.0)
    found = ceiling(plan(transport=transport), measured, checks, AT)
    assert found == known(transport=transport, rate_hz=7_500.0, limit=limit)
    assert found.is_lower_bound == (limit is not Limit.CLIENT)


def test_a_stage_is_put_beside_the_ceiling_of_its_way_of_calling():
    measured = stage(throughput_hz=2_000.0)
    client = with_ceiling(plan(transport="aiohttp"), measured, [known(scenario="pool"), known()]).client
    assert (client.ceiling_hz, client.ceiling_ratio, client.ceiling_is_lower_bound) == (8_000.0, 0.25, False)


def test_a_ceiling_that_something_else_held_down_makes_the_share_an_upper_bound():
    client = with_ceiling(plan(transport="aiohttp"), stage(), [known(limit=Limit.SINK)]).client
    assert client.ceiling_is_lower_bound


@pytest.mark.parametrize(
    ("planned", "measured"),
    [
        ({"scenario": "callback"}, {}),
        ({"transport": "wire"}, {}),
        ({}, {"processes": 2}),
        ({"workload": Workload.OPEN, "stages": (Stage(rate_hz=1.0),)}, {}),
        ({"workload": Workload.BATCH, "stages": (Stage(requests=1),), "duration_ns": None}, {}),
        ({"requests": (Request(url="https://127.0.0.1/"),)}, {}),
    ],
    ids=["scenario", "transport", "processes", "open", "batch", "https"],
)
def test_a_stage_that_calls_in_any_other_way_has_no_ceiling(planned, measured):
    plain = stage(**measured)
    assert with_ceiling(plan(**{"transport": "aiohttp"} | planned), plain, [known()]) == plain


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cpu_model": "another"}, "processor a processor, now another"),
        ({"cpu_usable": 1.5}, "usable cores 2, now 1.5"),
        ({"system": "Darwin"}, "system Linux, now Darwin"),
        ({"event_loop": "uvloop 1"}, "event loop asyncio, now uvloop 1"),
        ({"container": True}, "container no, now yes"),
        ({"versions": {"python": "3.12.0"}}, "python 3.11.2, now 3.12.0"),
        ({"versions": {"python": "3.11.2", "aiohttp": "4"}}, "aiohttp none, now 4"),
        ({"versions": {}}, "python 3.11.2, now none"),
    ],
)
def test_everything_that_a_ceiling_depends_on_is_compared_and_said(changed, said):
    assert differences(HERE, structs.replace(HERE, **changed)) == [said]


@pytest.mark.parametrize(
    ("processes", "name"), [(1, "pool on wire, 1 process"), (2, "pool on wire, 2 processes")]
)
def test_a_way_of_calling_has_a_name(processes, name):
    assert named("pool", "wire", processes) == name


def test_what_it_does_not_depend_on_is_not_compared():
    versions = {"python": "3.11.2", "gunicorn": "99", "flask": "99"}
    moved = structs.replace(HERE, where="elsewhere", open_files_limit=7, memory_bytes=7, versions=versions)
    assert differences(HERE, moved) == []
