"""The list of earlier runs: right, quick with a thousand of them, and blind to whatever else lies there."""

import os
import time

import msgspec
import pytest

from loadlab.clock import NS_PER_S
from loadlab.results.archive import Archive
from loadlab.results.result import Counts, State, Verdict, encode
from loadlab.workload.plan import Request
from support.fakes import plan
from support.results import result, stage


def put(folder, run_id, **changed):
    place = folder / run_id
    place.mkdir(parents=True)
    (place / "result.json").write_bytes(encode(result(run_id=run_id, **changed)))
    return place / "result.json"


def test_it_lists_the_newest_first_with_what_each_came_to(tmp_path):
    put(tmp_path, "old", started_at="2026-01-01T00:00:00.000+00:00")
    stages = (
        msgspec.structs.replace(stage(), throughput_hz=10.0, state=State.VALID),
        msgspec.structs.replace(stage(), throughput_hz=30.0, state=State.SUSPECT),
        msgspec.structs.replace(stage(), throughput_hz=90.0, state=State.INVALID),
    )
    put(tmp_path, "new", started_at="2026-01-02T00:00:00.000+00:00", stages=stages, verdict=Verdict.INVALID)
    newest, oldest = Archive(tmp_path).runs()
    assert (newest.run_id, oldest.run_id) == ("new", "old")
    assert (newest.stages, newest.best_throughput_hz) == (3, 30.0)
    assert newest.verdict is Verdict.INVALID
    assert Archive(tmp_path).runs(limit=1) == [newest]


def test_what_tells_one_run_from_another_is_in_words(tmp_path):
    asked = Request(method="PUT", url="http://127.0.0.1:1234/page?a=1")
    of = plan(requests=(asked,), duration_ns=3 * NS_PER_S, think_ns=2 * NS_PER_S, processes=2)
    own = "a target of its own on this machine (gunicorn, 1 worker × 8 threads)"
    there = msgspec.structs.replace(result().environment, where=f"{own}, http://127.0.0.1:34259")
    put(tmp_path, "r", plan=of, environment=there, stages=(stage(label="1"), stage(label="8")))
    (run,) = Archive(tmp_path).runs()
    assert run.loads == ("1", "8")
    assert run.settings == {
        "request": "PUT /page?a=1",
        "duration": "3.00 s each",
        "think": "think 2.00 s",
        "processes": "2 processes",
        "where": "gunicorn, 1 worker × 8 threads",
    }


def test_what_is_usual_is_no_setting_that_tells_runs_apart(tmp_path):
    there = msgspec.structs.replace(result().environment, where="http://app:8000, from this process")
    asked = (Request(method="GET", url="http://app:8000/"),)
    put(tmp_path, "r", plan=plan(requests=asked, duration_ns=3 * NS_PER_S), environment=there)
    assert Archive(tmp_path).runs()[0].settings == {"duration": "3.00 s each", "where": there.where}


@pytest.mark.parametrize(
    "stages",
    [(), (stage(state=State.INVALID),), (stage(counts=Counts(scheduled=9, http_error=9)),)],
    ids=["none", "invalid", "every request failed"],
)
def test_a_run_without_a_stage_that_shows_the_target_has_no_best(tmp_path, stages):
    put(tmp_path, "r", stages=stages)
    assert Archive(tmp_path).runs()[0].best_throughput_hz is None


def test_what_is_no_result_is_left_out(tmp_path):
    put(tmp_path, "fine")
    for name, data in {"broken": b"{", "other": b"[]", "empty": b"", "stage": b'{"run_id": 1}'}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_bytes(data)
    (tmp_path / "under-way").mkdir()
    (tmp_path / "a file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert [run.run_id for run in Archive(tmp_path).runs()] == ["fine"]


def test_a_folder_that_is_not_there_has_no_runs(tmp_path):
    assert Archive(tmp_path / "nowhere").runs() == []


def test_a_result_that_changes_is_read_again_and_one_that_goes_is_forgotten(tmp_path):
    path = put(tmp_path, "r")
    archive = Archive(tmp_path)
    assert not archive.runs()[0].interrupted
    path.write_bytes(encode(result(run_id="r", interrupted=True)))
    os.utime(path, ns=(1, 1))
    assert archive.runs()[0].interrupted
    path.unlink()
    assert archive.runs() == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../r",
        "r/../r",
        "r/",
        "/etc",
        "%2e%2e",
        "..%2fr",
        "r\0",
        "r\n",
        "result.json",
        "r" * 200,
        "\u2025",
        ".hidden",
        "-r",
    ],
)
def test_a_name_that_is_none_finds_nothing(tmp_path, name):
    put(tmp_path / "results", "r")
    put(tmp_path, "secret")
    assert Archive(tmp_path / "results").file(name) is None


def test_a_link_out_of_the_folder_leads_nowhere(tmp_path):
    put(tmp_path / "elsewhere", "r")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "r").symlink_to(tmp_path / "elsewhere" / "r")
    archive = Archive(tmp_path / "results")
    assert archive.file("r") is None
    assert archive.runs() == []


def test_a_name_that_is_one_finds_its_result(tmp_path):
    assert Archive(tmp_path).file("20260101-120000-pool-map-ab12") is None
    path = put(tmp_path, "20260101-120000-pool-map-ab12")
    assert Archive(tmp_path).file("20260101-120000-pool-map-ab12") == path


@pytest.mark.real
def test_a_second_list_of_the_same_runs_costs_a_fraction_of_the_first(tmp_path):
    data = encode(result(run_id="r", stages=(stage(),) * 4))
    data = data.replace(b'"latency": "', b'"latency": "' + b"H" * 10_000, 4)  # as long as real histograms are
    for number in range(300):
        place = tmp_path / f"run-{number}"
        place.mkdir()
        (place / "result.json").write_bytes(data)
    first_s = min(spent(Archive(tmp_path).runs) for _ in range(3))
    archive = Archive(tmp_path)
    assert len(archive.runs()) == 300
    again_s = min(spent(archive.runs) for _ in range(3))
    assert again_s < first_s / 2


def spent(act):
    """CPU seconds of this process: what others do to the machine is not the question."""
    began = time.process_time()
    act()
    return time.process_time() - began
