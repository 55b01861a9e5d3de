"""Calibrating: which rows are measured, and how often."""

import asyncio

import pytest

from loadlab.calibration.measure import Calibrator
from loadlab.calibration.plans import Row, RowFilter, closed, plan, rows
from loadlab.clock import NS_PER_S
from loadlab.errors import ClientError, UsageError
from loadlab.fleet.stop import Control
from loadlab.results.ceilings_file import Limit
from loadlab.results.result import Check, CheckOutcome, Counts
from loadlab.scenarios import scenario
from loadlab.workload.capacity import Capacity
from support.results import result, stage

ROOM = Capacity(cpus=2.0, open_files=1024)
NULL = Row("task", "null", 1)


def test_by_default_everything_that_can_be_driven_closed_has_a_row_on_each_of_its_transports():
    found = rows(RowFilter(), 4.0)
    wanted = {(name, each.name) for name, traits in closed().items() for each in traits.transports}
    assert {row[:2] for row in found} == wanted
    assert len(found) == len(set(found))
    assert "pool-map" not in closed()
    assert {row.processes for row in found if row.scenario == "pool"} == {1, 4}
    assert {row.processes for row in found if row.scenario != "pool"} == {1}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (RowFilter(("task",), ("wire",)), [("task", "wire", 1)]),
        (RowFilter(("pool",), ("null",), (3, 1)), [("pool", "null", 1), ("pool", "null", 3)]),
        (RowFilter((), ("null",), (2,)), [("pool", "null", 2)]),
        (
            RowFilter((), ("requests",)),
            [(name, "requests", 1) for name in ("blocked-loop", "blocking", "threads")],
        ),
    ],
)
def test_what_is_asked_for_leaves_the_rest_out(asked, found):
    assert list(rows(asked, 2.0)) == found


def test_one_core_makes_one_row_of_a_pool():
    assert rows(RowFilter(("pool",), ("null",)), 0.5) == (Row("pool", "null", 1),)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            RowFilter(("threads",), ("wire",)),
            "--transport: nothing .* runs on 'wire'; it takes requests",
        ),
        (RowFilter(("task",), (), (2,)), "--processes: nothing .* runs in 2; pool takes more than 1"),
        (RowFilter((), (), (257,)), "--processes: 257 are more than 256"),
        (
            RowFilter(("task", "threads"), ("wire",)),
            "--scenario: .* nothing of threads; they take .*task",
        ),
    ],
)
def test_a_part_that_has_no_row_is_refused(asked, sentence):
    with pytest.raises(UsageError, match=f"^{sentence}"):
        rows(asked, 2.0)


@pytest.mark.parametrize("open_files", [None, 1024, 100, 10])
@pytest.mark.parametrize("row", rows(RowFilter(), 64.0), ids=str)
def test_each_row_has_a_plan_that_can_be_run(row, open_files):
    made = plan(row, NS_PER_S, "http://127.0.0.1:8000", Capacity(cpus=64.0, open_files=open_files))
    traits = scenario(row.scenario).TRAITS
    assert made.problems(traits) == []
    users = made.stages[0].concurrency
    assert row.processes <= users <= max(512, row.processes)
    assert users == 1 or not traits.single_user


# How it is measured


class Probes:
    """Stands in for real runs: each has a rate and the checks that fail."""

    def __init__(self, *runs, **changed):
        self._runs = iter(runs)
        self._changed = changed

    async def __call__(self, plan, host, target, control):
        rate_hz, *failed = next(self._runs)
        checks = [
            Check(
                name=name,
                metric="it",
                operator="<=",
                limit=1,
                actual=2,
                unit="",
                outcome=CheckOutcome.FAIL,
                message="",
            )
            for name in failed
        ]
        measured = stage(concurrency=plan.stages[0].concurrency, throughput_hz=rate_hz, **self._changed)
        return result(plan=plan, checks=tuple(checks), stages=(measured,))


def measured(probes, *todo):
    told = []
    calibrator = Calibrator(NS_PER_S, Control(), probes)
    found = asyncio.run(
        calibrator.measure(todo, told.append, lambda index, ceiling: told.append((index, ceiling.rate_hz)))
    )
    return [(each.rate_hz, each.limit) for each in found], told


def test_each_row_is_measured_once_and_told():
    found, told = measured(Probes((5.0, "client_cpu"), (7.0, "client_cpu")), NULL, NULL._replace(processes=1))
    assert found == [(5.0, Limit.CLIENT), (7.0, Limit.CLIENT)]
    assert told == [0, (0, 5.0), 1, (1, 7.0)]


@pytest.mark.parametrize(("second", "best"), [(9.0, 9.0), (3.0, 5.0)])
def test_a_row_that_was_short_of_cores_is_measured_again_and_the_better_one_counts(second, best):
    found, _ = measured(Probes((5.0, "client_core"), (second, "client_core")), NULL)
    assert found == [(best, Limit.CORES)]


def test_requests_that_do_not_end_well_make_no_ceiling():
    with pytest.raises(ClientError, match=r"^task on null, 1 process: 3 of 10 requests did not end well"):
        measured(Probes((5.0,), counts=Counts(scheduled=10, ok=7, timeout=3)), NULL)
