"""The file that keeps ceilings: what it holds is known again where it was measured, and nowhere else."""

import json
import platform
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from loadlab.analysis.ceilings import Usable, added, usable
from loadlab.cli import diagnosis
from loadlab.errors import LabError, UsageError
from loadlab.results import ceilings_file
from loadlab.results.ceilings_file import Ceiling, Limit
from loadlab.system import environment
from support.results import result

HERE = result().environment


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


def keep(ceilings, now=HERE):
    ceilings_file.write(added(ceilings_file.read(), ceilings, platform.node(), now))


def known(now=HERE):
    return usable(ceilings_file.read(), platform.node(), now)


def test_what_is_kept_is_known_again(kept_in):
    ceilings_file.make_folder()
    keep([ceiling_of()])
    assert known() == Usable((ceiling_of(),))
    assert [path.name for path in kept_in.parent.iterdir()] == [kept_in.name]


def test_nothing_kept_is_nothing_to_speak_of():
    assert known() == Usable((), None)


def test_ceilings_are_added_and_those_of_the_same_way_of_calling_replaced():
    keep([ceiling_of("task"), ceiling_of("pool")])
    keep([ceiling_of("task", 9.0), ceiling_of("pool", processes=2)])
    assert known().ceilings == (
        ceiling_of("pool"),
        ceiling_of("pool", processes=2),
        ceiling_of("task", 9.0),
    )


def test_another_environment_has_no_ceilings_and_says_what_is_different():
    keep([ceiling_of()])
    found = known(structs.replace(HERE, cpu_usable=4.0, event_loop="uvloop 1"))
    assert found.ceilings == ()
    assert found.unused == (
        "calibrated in another environment (usable cores 2, now 4; event loop asyncio, now uvloop 1)"
    )


def test_another_machine_of_the_same_kind_has_none_either(monkeypatch):
    keep([ceiling_of()])
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    found = known()
    assert found.ceilings == ()
    assert "now elsewhere" in found.unused


def test_ceilings_of_another_environment_are_not_added_to():
    keep([ceiling_of("task")], structs.replace(HERE, cpu_model="older"))
    keep([ceiling_of("pool")])
    assert known().ceilings == (ceiling_of("pool"),)


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"schema_version": 1', '{"schema_version": 99}'])
def test_a_file_that_is_none_is_not_used_and_written_anew(kept_in, text):
    kept_in.parent.mkdir()
    kept_in.write_text(text)
    assert known() == Usable((), "calibrated by another version of the lab")
    keep([ceiling_of()])
    assert known().ceilings == (ceiling_of(),)


def test_a_later_schema_version_is_not_used(kept_in):
    keep([ceiling_of()])
    kept_in.write_bytes(msgspec.json.encode(json.loads(kept_in.read_bytes()) | {"schema_version": 99}))
    assert known().ceilings == ()


def test_a_write_that_fails_leaves_what_was_there(kept_in, monkeypatch):
    keep([ceiling_of()])

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        LabError, match=r"could not be written \(No space left on device\), so nothing is kept"
    ):
        keep([ceiling_of("task", 9.0)])
    assert known().ceilings == (ceiling_of(),)
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
    assert known() == Usable((), None)
    with pytest.raises(UsageError, match=r"^XDG_CACHE_HOME: .* has no home instead; set it to a folder"):
        ceilings_file.make_folder()


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_measured(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert known() == Usable((), None)
    with pytest.raises(UsageError, match=r"^XDG_CACHE_HOME: .* cannot be written \(.+\); set it to"):
        ceilings_file.make_folder()


def test_the_doctor_says_whether_ceilings_are_known_here(kept_in):
    def seen():
        return next(found for found in diagnosis.examine(8, Path("/")) if found.subject == "ceilings")

    assert seen().seen == "not calibrated"
    assert "loadlab calibrate" in seen().advice
    keep([ceiling_of()], environment.read(""))
    assert seen().mark is diagnosis.Mark.FINE
    kept_in.write_text("{}")
    assert seen().seen == "calibrated by another version of the lab"
