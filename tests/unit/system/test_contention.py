"""What the machine took from the client, read from files as the kernel writes them."""

import os

import pytest

from loadlab.clock import NS_PER_S
from loadlab.system import contention
from loadlab.system.contention import Account, Contention, account, held

V1 = "nr_periods 10\nnr_throttled 2\nthrottled_time {ns}\n"
V2 = "usage_usec 5\nnr_periods 10\nnr_throttled 2\nthrottled_usec {us}\n"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine whose process may use cores 0 and 2."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "stat").write_text(
        "cpu  9 9 9 9 9 9 9 9 9 9\n"
        "cpu0 100 0 50 800 10 0 10 30 0 0\n"
        "cpu1 1 1 1 1 1 1 1 999 0 0\n"
        "cpu2 100 0 50 800 10 0 10 30 77 77\n"
        "intr 1 2 3\n"
    )
    (tmp_path / "groups").mkdir()
    return tmp_path


def read(system, membership, **files):
    (system / "proc" / "self" / "cgroup").write_text(membership)
    for name, text in files.items():
        file = system / "groups" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "cpu.stat").write_text(text)
    return account(system / "proc", system / "groups")


def test_stolen_time_is_of_the_cores_that_the_client_may_use_and_guests_are_not_counted_twice(system):
    found = read(system, "")
    assert (found.stolen, found.ticks) == (60, 2000)
    assert found.throttled_ns == {}


@pytest.mark.parametrize(
    ("membership", "files", "throttled_ns"),
    [
        ("0::/\n", {"cpu.stat": V2.format(us=7)}, {".": 7_000}),
        ("0::/a/b\n", {"a__b__x": V2.format(us=7), "a__x": V2.format(us=9)}, {"a/b": 7_000, "a": 9_000}),
        ("0::/not/mounted/here\n", {"cpu.stat": V2.format(us=7)}, {".": 7_000}),
        ("4:cpu,cpuacct:/a\n0::/\n", {"cpu,cpuacct__a__x": V1.format(ns=8)}, {"cpu,cpuacct/a": 8}),
        ("4:cpu:/\n", {"cpu__x": V1.format(ns=8)}, {"cpu": 8}),
        ("3:memory:/\n", {"memory__x": V1.format(ns=8)}, {}),
        ("0::/\n", {"x": "usage_usec 5\n"}, {}),
        ("0::/\n", {}, {}),
    ],
)
def test_throttling_is_read_of_every_group_on_the_way_to_the_root(system, membership, files, throttled_ns):
    groups = system / "groups"
    assert read(system, membership, **files).throttled_ns == {
        str(groups / group): time_ns for group, time_ns in throttled_ns.items()
    }


def test_what_was_taken_is_a_share_of_the_span():
    first = Account(at_ns=0, throttled_ns={"/a": 100}, stolen=10, ticks=1000)
    last = Account(at_ns=1000, throttled_ns={"/a": 150}, stolen=30, ticks=1200)
    assert held(first, last) == Contention(throttled_ratio=0.05, stolen_ratio=0.1)


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [
        ({"/": 10 * NS_PER_S, "/a": 0}, {"/": 10 * NS_PER_S, "/a": NS_PER_S // 2}, 0.5),
        ({"/": 0, "/a": 10 * NS_PER_S}, {"/": NS_PER_S // 4, "/a": 10 * NS_PER_S}, 0.25),
        ({"/": 0, "/a": 0}, {"/": NS_PER_S // 4, "/a": NS_PER_S // 2}, 0.5),
        ({"/": 0}, {"/": 0, "/a": 10 * NS_PER_S}, 0.0),
        ({"/a": 0}, {"/b": 0}, None),
    ],
)
def test_throttling_is_the_most_that_any_one_group_was_held_back_in_the_span(before, after, ratio):
    """A parent that was held back long ago hides nothing of what its child is held back now."""
    first, last = Account(at_ns=0, throttled_ns=before), Account(at_ns=NS_PER_S, throttled_ns=after)
    assert held(first, last).throttled_ratio == ratio


@pytest.mark.parametrize(
    ("first", "last"),
    [(None, None), (Account(at_ns=0), None), (Account(at_ns=5), Account(at_ns=5))],
)
def test_without_both_ends_nothing_is_told(first, last):
    assert held(first, last) == Contention()


def test_what_only_one_end_tells_is_none():
    assert held(Account(at_ns=0), Account(at_ns=9, throttled_ns={"/": 1}, stolen=1, ticks=1)) == Contention()


def test_this_machine_can_be_read():
    assert contention.account().at_ns > 0
