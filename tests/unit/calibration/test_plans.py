"""Calibrating: which rows are measured, how often, and the file that keeps them."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from loadlab.calibration.measure import Calibrator
from loadlab.calibration.plans import Row, RowFilter, closed, plan, rows
from loadlab.cli import diagnosis
from loadlab.clock import NS_PER_S
from loadlab.errors import ClientError, LabError, UsageError
from loadlab.fleet.stop import Control
from loadlab.results import ceilings_file
from loadlab.results.ceiling import Ceiling, Limit
from loadlab.results.result import Check, CheckOutcome, Counts
from loadlab.scenarios import scenario
from loadlab.system import environment
from loadlab.workload.capacity import Capacity
from support.results import result, stage

HERE = result().environment
ROOM = Capacity(cpus=2.0, open_files=1024)
NULL = Row("task", "null", 1)


def ceiling_of(name="task", rate_hz=8_000.0, processes=1):
    return Ceiling(
        scenario=name,
        transport="aiohttp",
        processes=processes,
        users=32,
        rate_hz=rate_hz,
        limit=Limit.CLIENT,
        measured_at="2026-11-23T12:00:00+00:00",
    )


@pytest.fixture(autouse=True)
def kept_in(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "concurrency-lab" / "ceilings.json"


# What is measured


def test_by_default_everything_that_can_be_driven_closed_has_a_row_on_each_of_its_transports():
    found = rows(RowFilter(), 4.0)
    wanted = {(name, transport) for name, traits in closed().items() for transport in traits.transports}
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


# The file


def test_what_is_kept_is_known_again(kept_in):
    ceilings_file.make_folder()
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))
    assert ceilings_file.known(HERE) == ceilings_file.Ceilings((ceiling_of(),))
    assert [path.name for path in kept_in.parent.iterdir()] == [kept_in.name]


def test_nothing_kept_is_nothing_to_speak_of():
    assert ceilings_file.known(HERE) == ceilings_file.Ceilings((), None)


def test_ceilings_are_added_and_those_of_the_same_way_of_calling_replaced():
    ceilings_file.write(ceilings_file.added([ceiling_of("task"), ceiling_of("pool")], HERE))
    ceilings_file.write(ceilings_file.added([ceiling_of("task", 9.0), ceiling_of("pool", processes=2)], HERE))
    assert ceilings_file.known(HERE).ceilings == (
        ceiling_of("pool"),
        ceiling_of("pool", processes=2),
        ceiling_of("task", 9.0),
    )


def test_another_environment_has_no_ceilings_and_says_what_is_different():
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))
    found = ceilings_file.known(structs.replace(HERE, cpu_usable=4.0, event_loop="uvloop 1"))
    assert found.ceilings == ()
    assert found.unused == (
        "calibrated in another environment (usable cores 2, now 4; event loop asyncio, now uvloop 1)"
    )


def test_another_machine_of_the_same_kind_has_none_either(monkeypatch):
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    found = ceilings_file.known(HERE)
    assert found.ceilings == ()
    assert "now elsewhere" in found.unused


def test_ceilings_of_another_environment_are_not_added_to():
    ceilings_file.write(ceilings_file.added([ceiling_of("task")], structs.replace(HERE, cpu_model="older")))
    ceilings_file.write(ceilings_file.added([ceiling_of("pool")], HERE))
    assert ceilings_file.known(HERE).ceilings == (ceiling_of("pool"),)


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"schema_version": 1', '{"schema_version": 99}'])
def test_a_file_that_is_none_is_not_used_and_written_anew(kept_in, text):
    kept_in.parent.mkdir()
    kept_in.write_text(text)
    assert ceilings_file.known(HERE) == ceilings_file.Ceilings((), "calibrated by another version of the lab")
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))
    assert ceilings_file.known(HERE).ceilings == (ceiling_of(),)


def test_a_later_schema_version_is_not_used(kept_in):
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))
    kept_in.write_bytes(msgspec.json.encode(json.loads(kept_in.read_bytes()) | {"schema_version": 99}))
    assert ceilings_file.known(HERE).ceilings == ()


def test_a_write_that_fails_leaves_what_was_there(kept_in, monkeypatch):
    ceilings_file.write(ceilings_file.added([ceiling_of()], HERE))

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        LabError, match=r"could not be written \(No space left on device\), so nothing is kept"
    ):
        ceilings_file.write(ceilings_file.added([ceiling_of("task", 9.0)], HERE))
    assert ceilings_file.known(HERE).ceilings == (ceiling_of(),)
    assert [path.name for path in kept_in.parent.iterdir()] == [kept_in.name]


@pytest.mark.parametrize("unset", [None, "", "relative/cache"])
def test_without_a_cache_folder_of_its_own_it_is_below_home(monkeypatch, unset, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    if unset is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
    assert ceilings_file.path() == tmp_path / ".cache" / "concurrency-lab" / "ceilings.json"


def test_a_user_without_a_home_has_nothing_and_is_told_what_to_set(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert ceilings_file.known(HERE) == ceilings_file.Ceilings((), None)
    with pytest.raises(UsageError, match=r"^XDG_CACHE_HOME: .* has no home instead; set it to a folder"):
        ceilings_file.make_folder()


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_measured(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert ceilings_file.known(HERE) == ceilings_file.Ceilings((), None)
    with pytest.raises(UsageError, match=r"^XDG_CACHE_HOME: .* cannot be written \(.+\); set it to"):
        ceilings_file.make_folder()


def test_the_doctor_says_whether_ceilings_are_known_here(kept_in):
    def seen():
        return next(found for found in diagnosis.examine(8, Path("/")) if found.subject == "ceilings")

    assert seen().seen == "not calibrated"
    assert "loadlab calibrate" in seen().advice
    ceilings_file.write(ceilings_file.added([ceiling_of()], environment.read("")))
    assert seen().mark is diagnosis.Mark.FINE
    kept_in.write_text("{}")
    assert seen().seen == "calibrated by another version of the lab"
