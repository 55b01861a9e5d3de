"""The result folder: written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadlab.errors import UsageError
from loadlab.results import run_folder
from loadlab.results.archive import Archive
from loadlab.results.result import decode, encode
from loadlab.workload.masking import Secrets
from support.results import result
from support.stages import healthy, spread


def test_a_folder_is_made_for_the_run_before_there_is_a_result(tmp_path):
    folder = run_folder.Folder(tmp_path / "a" / "b", "task")
    assert folder.path == tmp_path / "a" / "b" / folder.run_id
    assert folder.path.is_dir()
    assert "-task-" in folder.run_id


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path):
    assert len({run_folder.Folder(tmp_path, "task").run_id for _ in range(20)}) == 20


def test_a_written_result_is_read_again_from_its_folder_or_its_file(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    written = folder.write(result())
    assert written == folder.path / "result.json"
    assert run_folder.read(folder.path) == run_folder.read(written) == result()


def test_nothing_but_the_result_and_the_targets_log_is_left(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    folder.write(result())
    assert {path.name for path in folder.path.iterdir()} == {"result.json", "target.log"}


def test_what_is_encoded_decodes_to_the_same():
    assert decode(encode(result())) == result()


@pytest.mark.parametrize("kind", ["file", "below a file", "read-only"])
def test_a_folder_that_cannot_be_written_is_refused_with_the_option(tmp_path, kind):
    (tmp_path / "file").touch()
    out = {"file": tmp_path / "file", "below a file": tmp_path / "file" / "x", "read-only": Path("/proc/x")}[
        kind
    ]
    with pytest.raises(UsageError, match=r"^--out: .* cannot be written \(.+\); name a folder that can be"):
        run_folder.Folder(out, "task")


def test_a_run_that_never_began_leaves_nothing_behind_not_even_the_parents_that_were_made(tmp_path):
    folder = run_folder.Folder(tmp_path / "a" / "b", "task")
    folder.log.write_text("it could not start")
    folder.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_run_leaves_what_others_have_written(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "other").touch()
    run_folder.Folder(tmp_path / "a", "task").discard()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["other"]


def test_what_is_no_result_is_refused_with_its_name(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere.* cannot be read: "):
        run_folder.read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"result\.json cannot be read: "):
        run_folder.read(tmp_path)
    other = tmp_path / "other.json"
    for text in ("", "{}", "[]", "no json", '{"schema_version": 1}'):
        other.write_text(text)
        with pytest.raises(UsageError, match=r"other\.json is not a result of this version: "):
            run_folder.read(other)


def test_a_result_of_an_earlier_schema_version_is_read(tmp_path):
    earlier = tmp_path / "earlier.json"
    earlier.write_bytes(encode(result(schema_version=1)))
    assert run_folder.read(earlier).schema_version == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_figure_under_its_earlier_name_is_read(tmp_path, version):
    present = result(
        schema_version=version,
        stages=(
            healthy(
                time_outside_target_ns=spread(2),
                stamps_over_service=3,
                in_flight_by_stamps=None,
                unknown={"in_flight_by_stamps": "nobody looked"},
            ),
        ),
    )
    text = encode(present).decode()
    for name, earlier in {
        "in_flight_by_stamps": "flown_mean",
        "stamps_over_service": "outlasted",
        "time_outside_target_ns": "outside_ns",
        "cpu_demand_ratio": "wanted_ratio",
        "cpu_peak_ratio": "busiest_ratio",
    }.items():
        assert f'"{name}"' in text
        text = text.replace(f'"{name}"', f'"{earlier}"')
    (tmp_path / "earlier.json").write_text(text)
    assert run_folder.read(tmp_path / "earlier.json") == present


@pytest.mark.parametrize("stages", ["{}", "[1]", '[{"client": []}]', '[{"outlasted": "much"}]'])
def test_stages_that_are_none_are_refused(tmp_path, stages):
    (tmp_path / "result.json").write_text(f'{{"schema_version": 1, "stages": {stages}}}')
    with pytest.raises(UsageError, match=r"is not a result of this version: "):
        run_folder.read(tmp_path)


def test_a_result_of_another_schema_version_is_refused(tmp_path):
    other = tmp_path / "result.json"
    other.write_bytes(encode(result(schema_version=99)))
    with pytest.raises(UsageError, match=r"result\.json is not a result of this version: "):
        run_folder.read(other)


def test_an_internal_error_is_kept_beside_the_result(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    assert Path(folder.write_error("Traceback …")).read_text() == "Traceback …"


def test_an_internal_error_that_cannot_be_kept_is_told_whole(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    folder.discard()
    assert folder.write_error("Traceback …") == "these lines:\nTraceback …"


FULL = """
import resource, sys
from pathlib import Path
from loadlab.errors import LabError
from loadlab.results import run_folder
from support.results import result
from support.stages import healthy, spread

folder = run_folder.Folder(Path(sys.argv[1]), "task")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    folder.write(result())
except LabError as error:
    print(error.exit, error)
"""


def test_on_a_full_disk_there_is_no_result_rather_than_half_of_one(tmp_path):
    """Stands in for the full disk: a limit on the size of files, which refuses in the midst of the write."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, "100"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("70 ")
    assert "could not be written (File too large); nor kept in" in done.stdout
    assert "(File too large): it is lost" in done.stdout
    (folder,) = tmp_path.iterdir()
    assert [path.name for path in folder.iterdir()] == ["target.log"]


@pytest.fixture
def tiny_disk(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_what_a_full_disk_refuses_is_kept_elsewhere(tiny_disk):
    from loadlab.errors import LabError

    folder = run_folder.Folder(tiny_disk, "task")
    folder.log.write_bytes(b"x" * 52 * 1024)
    with pytest.raises(LabError, match=r"could not be written \(No space left on device\)") as raised:
        folder.write(result(failure="x" * 32 * 1024))
    kept = Path(str(raised.value).rpartition(" ")[2])
    assert run_folder.read(kept).failure == "x" * 32 * 1024
    assert [path.name for path in folder.path.iterdir()] == ["target.log"]
    kept.unlink()
    kept.parent.rmdir()


@pytest.fixture
def any_mask():
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: oct(path.stat().st_mode & 0o7777) for path in (folder.path, *folder.path.iterdir())}


@pytest.mark.usefixtures("any_mask")
def test_what_is_kept_is_its_owners_alone(tmp_path):
    folder = run_folder.Folder(tmp_path / "results", "task")
    folder.write(result())
    folder.write_error("Traceback")
    private = dict.fromkeys(("result.json", "target.log", "error.txt"), "0o600")
    assert modes(folder) == private | {folder.run_id: "0o700"}


@pytest.mark.usefixtures("any_mask")
def test_in_a_folder_that_is_shared_its_group_may_read(tmp_path):
    tmp_path.chmod(0o2770)
    folder = run_folder.Folder(tmp_path, "task")
    folder.write(result())
    folder.write_error("Traceback")
    shared = dict.fromkeys(("result.json", "target.log", "error.txt"), "0o640")
    assert modes(folder) == shared | {folder.run_id: "0o2750"}


def test_a_log_is_masked_and_stays_private(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    folder.log.write_bytes(b"one hidden\ntwo\n")
    folder.mask_log(Secrets(["hidden"]))
    assert folder.log.read_bytes() == b"one ***\ntwo\n"
    assert modes(folder)["target.log"] == "0o600"


@pytest.mark.parametrize("before", [0, 1, 16_300, 16_383, 16_384, 65_530, 65_536, 200_000])
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_secret_is_found_in_a_log_wherever_it_stands(tmp_path, before, end):
    """Also one of several lines, and in a line without an end."""
    folder = run_folder.Folder(tmp_path, "task")
    secret = "two\nlines " + "ö" * 50
    some = "ä" * before + end
    folder.log.write_bytes(some.encode() + (secret.encode() + b"\xff" + some.encode()) * 3)
    folder.mask_log(Secrets([secret]))
    assert folder.log.read_bytes() == some.encode() + (b"***\xff" + some.encode()) * 3


def test_of_a_long_log_the_end_is_kept_and_no_part_of_a_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "MOST_LOG_BYTES", 50_000)
    for cut in range(0, 24, 3):
        folder = run_folder.Folder(tmp_path, "task")
        folder.log.write_bytes(b"a" * 1000 + b"s3cret-s3cret-s3cret-s3cret" + b"b" * (50_000 - cut) + b"end")
        folder.mask_log(Secrets(["s3cret-s3cret-s3cret-s3cret"]))
        kept = folder.log.read_bytes()
        assert kept.startswith(f"[the first {1030 - cut:,} bytes are left out]\n".encode())
        assert b"3cret" not in kept
        assert kept.endswith(b"bend")
        assert 49_000 < len(kept) < 50_100


def test_a_log_without_secrets_is_left_alone(tmp_path):
    folder = run_folder.Folder(tmp_path, "task")
    before = folder.log.stat().st_ino
    folder.mask_log(Secrets())
    assert folder.log.stat().st_ino == before


def test_a_result_of_an_earlier_version_is_read_without_its_secrets(tmp_path):
    bare = msgspec.to_builtins(result())
    bare["plan"]["target"] = "http://user:passw0rd@host"
    bare["plan"]["requests"] = [
        {
            "url": "http://user:passw0rd@host/?token=t0ken",
            "headers": [["Cookie", "a=c00kie"]],
            "body": "Ym9keQ==",
        }
    ]
    bare["environment"]["where"] = "http://user:passw0rd@host, from this process"
    (tmp_path / "result.json").write_bytes(msgspec.json.encode(bare))
    found = msgspec.json.encode(run_folder.read(tmp_path)).decode()
    assert "http://***@host/?token=***" in found
    assert not any(secret in found for secret in ("passw0rd", "t0ken", "c00kie", "Ym9keQ"))
    (listed,) = Archive(moved(tmp_path, tmp_path / "runs")).runs()
    assert "t0ken" not in repr(listed)
    assert "passw0rd" not in repr(listed)


def moved(here, folder):
    """Put a result where the runs of a folder are."""
    (folder / "a-run").mkdir(parents=True)
    (here / "result.json").rename(folder / "a-run" / "result.json")
    return folder
