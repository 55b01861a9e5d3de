"""A file that can't be read is a sentence wherever it is met, and holds nothing up."""

import os

import msgspec
import pytest

from loadlab.agent.unfinished import FILE, recover
from loadlab.errors import UsageError
from loadlab.options.requests import requested
from loadlab.results import ceilings_file, events, run_folder
from loadlab.results.archive import Archive
from loadlab.system.files import read_bounded, read_json, read_tail
from loadlab.targets.local import LocalHost
from loadlab.workload.plan import Request

DEEP = 100_000


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def not_utf_8(path):
    path.write_bytes(b'{"run_id": "\xff\xfe"}')


def nested(path):
    path.write_text("[" * DEEP + "]" * DEEP)


def nested_unknown(path):
    path.write_text('{"unknown": ' + "[" * DEEP + "]" * DEEP + "}")


def absent(path):
    pass


UNREADABLE = [pipe, device, folder, not_utf_8, nested, nested_unknown, absent]


@pytest.fixture(params=UNREADABLE, ids=lambda make: make.__name__)
def unreadable(request):
    """Return what makes a file that can't be read."""
    return request.param


def test_a_file_is_read_whole_up_to_the_limit(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(100))
    assert read_bounded(file, 100) == bytes(100)
    with pytest.raises(OSError, match="larger than 0 MiB"):
        read_bounded(file, 99)


@pytest.mark.parametrize(
    ("make", "why"),
    [(pipe, "not a regular file"), (device, "not a regular file"), (folder, "Is a directory")],
)
def test_what_is_no_regular_file_is_not_read(tmp_path, make, why):
    make(tmp_path / "file")
    with pytest.raises(OSError, match=why):
        read_bounded(tmp_path / "file")


def test_json_is_read_or_refused_in_one_way(tmp_path, unreadable):
    unreadable(tmp_path / "file")
    with pytest.raises((OSError, msgspec.DecodeError)):
        read_json(tmp_path / "file", msgspec.json.Decoder(dict[str, list[int]]))


def test_show_refuses_it_in_a_sentence(tmp_path, unreadable):
    unreadable(tmp_path / "result.json")
    with pytest.raises(UsageError, match=r"(cannot be read|is not a result of this version): "):
        run_folder.read(tmp_path / "result.json" if unreadable is not folder else tmp_path)


def test_the_list_of_runs_leaves_it_out(tmp_path, unreadable):
    (tmp_path / "run").mkdir()
    unreadable(tmp_path / "run" / "result.json")
    assert Archive(tmp_path).runs() == []


def test_what_a_killed_agent_left_is_left_alone_where_it_cannot_be_read(tmp_path, unreadable):
    (tmp_path / "run").mkdir()
    unreadable(tmp_path / "run" / FILE)
    assert recover(tmp_path) == []


@pytest.mark.parametrize("make", [not_utf_8, nested, nested_unknown])
def test_a_line_of_another_process_is_refused_in_one_way(tmp_path, make):
    make(tmp_path / "line")
    with pytest.raises(msgspec.DecodeError):
        events.decode((tmp_path / "line").read_bytes())


def test_a_run_does_without_ceilings(tmp_path, unreadable, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ceilings_file.path().parent.mkdir()
    unreadable(ceilings_file.path())
    assert isinstance(ceilings_file.read(), ceilings_file.Absent)


def test_a_requests_file_is_refused_in_a_sentence(tmp_path, unreadable):
    unreadable(tmp_path / "mix.json")
    with pytest.raises(UsageError, match=r"^--requests-file: .*mix\.json "):
        ask(requests_file=str(tmp_path / "mix.json"))


@pytest.mark.parametrize("make", [pipe, device, folder, absent])
def test_a_body_is_refused_in_a_sentence(tmp_path, make):
    make(tmp_path / "body")
    with pytest.raises(UsageError, match=r"^--body: .*body cannot be read: "):
        ask(body=f"@{tmp_path / 'body'}")


def ask(**given) -> tuple[Request, ...]:
    words = {"path": None, "method": None, "headers": (), "body": None, "requests_file": None}
    return requested("http://127.0.0.1/", **words | given)


def test_of_a_log_only_the_end_is_read(tmp_path):
    log = tmp_path / "target.log"
    with log.open("wb") as file:
        file.truncate(4 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"last words\n")
    assert read_tail(log, 100).endswith(b"\0last words\n")
    assert len(LocalHost(log, {})._said()) <= 64 << 10
